"""JSON: records, in which columns may be nested, as flat columns with paths."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqrec_cli.core.data.reading.dialects import lines_of
from seqrec_cli.core.data.reading.documents import unpacked
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.landed import Landed, head_of
from seqrec_cli.core.data.reading.relations import Column, Relation
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import Facts
from seqrec_cli.errors import InputError

LOOKED_AT = 200  # records whose keys become columns
FIRST_LINES = 5  # looked at to tell lines of lists
MOST_COLUMNS = 400
DEEPEST = 6
LARGEST_RECORD = 64 << 20
LONGEST_LITERAL = 1 << 20


def open_json(landed: Landed) -> Relation | None:
    """Records of JSON or of Python's literals; None for other text.

    Raises:
        InputError: other text, though `--format json` says that it is JSON.
    """
    source, facts, head = landed.source, landed.facts, landed.head
    form = json_form(head)
    if not form:
        if landed.reading.format == "json":
            raise InputError(f"`{source}` does not begin like JSON", "leave out --format json")
        return None
    if form == "literal":
        facts = [[literals_as_json(source, fact, landed.engine) for fact in part] for part in facts]
        head, form = head_of(facts), "newline_delimited"
    elif len(records_of(head, form)) < 2:
        tables = [[unpacked(fact, landed.engine) for fact in part] for part in facts]
        if all(table is not None for part in tables for table in part):
            facts = [[table for table in part if table is not None] for part in tables]
            head, form = head_of(facts), "newline_delimited"
    landed.allow(facts)
    return json_relation(source, facts, form, head)


def json_form(head: bytes) -> str:
    """How JSON is laid out, for the engine; "literal" for Python's literals; "" for none."""
    lines = [line for line in lines_of(head) if line.strip()]
    first = lines[0].strip() if lines else ""
    if first.startswith("["):
        if re.match(r"\[\s*(\[|\{|$)", first):
            return "array"
        several = len(lines) > 1 and all(is_json(line, list) for line in lines[:FIRST_LINES])
        return "newline_delimited" if several else ""
    if not first.startswith("{"):
        return ""
    if is_json(first, dict):
        return "newline_delimited"
    if is_json(first, dict, ast.literal_eval):
        return "literal"
    return "unstructured" if re.match(r'\{\s*("|$)', first) else ""


def is_json(line: str, kind: type, parse: Any = json.loads) -> bool:
    try:
        return len(line) <= LONGEST_LITERAL and isinstance(parse(line), kind)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def records_of(head: bytes, form: str) -> list[dict[str, Any] | list[Any]]:
    """The first records of a JSON text; a list of values is one too."""
    text = head.decode("utf-8", "replace").lstrip()
    found: list[dict[str, Any] | list[Any]] = []
    decoder, at = json.JSONDecoder(), int(form == "array")
    space = re.compile(r"[\s,]*")
    while len(found) < LOOKED_AT:
        match = space.match(text, at)
        at = match.end() if match else at
        try:
            record, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if isinstance(record, dict | list):
            found.append(record)
    return found


def json_relation(
    source: TextSource, facts: Sequence[Sequence[Facts]], form: str, head: bytes
) -> Relation:
    """Records of JSON as a relation; a column for each path to a value, or to values in a list.

    Raises:
        InputError: there is no record in it.
    """
    records = records_of(head, form)
    if not records:
        raise InputError(
            f"`{source}` begins like JSON, but its first record cannot be read",
            'write one record a line: `{"user": 1, "item": 2, "time": 3}`',
        )
    paths: dict[tuple[str, ...], None] = {}
    named = isinstance(records[0], dict)
    for record in records:
        if isinstance(record, dict) == named:
            paths.update(dict.fromkeys(paths_in(record)))
    columns = tuple(json_column(path, named=named) for path in list(paths)[:MOST_COLUMNS])
    scans = tuple(
        f"read_json_objects([{', '.join(quoted(str(fact.path)) for fact in part)}], "
        f"format = {quoted(form)}, maximum_object_size = {LARGEST_RECORD})"
        for part in facts
    )
    return Relation(
        str(source),
        "json",
        scans,
        columns,
        named=named,
        layout="JSON",
        paths=tuple(tuple(fact.path for fact in part) for part in facts),
    )


def paths_in(record: dict[str, Any] | list[Any]) -> Iterator[tuple[str, ...]]:
    """The paths to the values of a record; of a list, each is named by its number from 1."""
    if isinstance(record, dict):
        yield from paths_of(record, (), DEEPEST)
        return
    for place, value in enumerate(record, 1):
        yield (str(place), "[]") if isinstance(value, list) else (str(place),)


def paths_of(value: Any, above: tuple[str, ...], deep: int) -> Iterator[tuple[str, ...]]:
    """The paths to the plain values in a record; `[]` stands for each of a list."""
    if isinstance(value, Mapping):
        if deep:
            for key, inner in value.items():
                yield from paths_of(inner, (*above, key), deep - 1)
    elif isinstance(value, list):
        if "[]" not in above:
            for inner in value[:20]:
                yield from paths_of(inner, (*above, "[]"), deep - 1)
    elif above:
        yield above


def json_column(path: tuple[str, ...], *, named: bool) -> Column:
    steps = "".join("[*]" if step == "[]" else f'."{escaped_key(step)}"' for step in path)
    if not named:
        steps = f"[{int(path[0]) - 1}]" + "[*]" * (len(path) - 1)
    sql = f"json_extract_string(json, {quoted('$' + steps)})"
    listed = "[]" in path
    parent = label_of(path[: path.index("[]")]) if listed else ""
    return Column(label_of(path), sql, listed, parent)


def escaped_key(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')


def label_of(path: Sequence[str]) -> str:
    """A path as people write it: `a.b`, `items[].item_id`."""
    return ".".join(path).replace(".[]", "[]")


def literals_as_json(source: TextSource, facts: Facts, engine: Engine) -> Facts:
    """A copy of lines of Python's literals as lines of JSON.

    Raises:
        InputError: a line that is none, with its number.
    """
    with (
        facts.path.open(encoding="utf-8", errors="replace") as file,
        engine.folder.new_file(".json") as copy,
    ):
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if len(line) > LONGEST_LITERAL:
                raise InputError(
                    f"`{source}`, line {number}: longer than {LONGEST_LITERAL} characters",
                    "leave the line out",
                )
            try:
                record = ast.literal_eval(line.strip())
                copy.write(json.dumps(record).encode() + b"\n")
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                raise InputError(
                    f"`{source}`, line {number}: not a record as Python writes it",
                    "fix the line, or leave it out",
                ) from None
    return Facts(copy.path, quotes=2, damaged=facts.damaged, size=copy.size)
