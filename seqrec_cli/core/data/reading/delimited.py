"""Delimited text as the engine reads it, and where in the file a row is."""

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from seqrec_cli.core.data.reading.dialects import Dialect, is_of_types, split
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.rejects import STRICT, refuse_oversized_lines
from seqrec_cli.core.data.reading.relations import Column, Numbers, Relation
from seqrec_cli.core.data.reading.sources import BLOCK_BYTES, TextSource
from seqrec_cli.core.data.reading.texts import Facts
from seqrec_cli.errors import InputError
from seqrec_cli.wording import counted

MOST_COLUMNS = 2000
LONGEST_LINE = 16 << 20
# No cell is this, so that an empty one stays a text of no characters.
NO_NULL = "\ue000null\ue000"
COUNTED_BYTES = 256 << 20  # of a larger file a row is named, not a line
WORTH_A_LOOK = 1 << 19  # bytes from which on it pays to look whether all are plain numbers
NEVER = "\x03"  # as delimiter, so that a line is one value


def scan(
    paths: Sequence[Path], dialect: Dialect, *, quotes: bool, types: Sequence[str] = ()
) -> str:
    """The table function that reads these files by a dialect, its columns c1, c2, …"""
    types = types or ["VARCHAR"] * dialect.width
    columns = ", ".join(f"'c{n}': '{kind}'" for n, kind in enumerate(types, 1))
    files = ", ".join(quoted(str(path)) for path in paths)
    quote = dialect.quote if quotes or dialect.quote == "'" else ""
    escape = dialect.escape if quote else ""
    # A line end inside quotes could be taken for the start of a row by a thread that begins there.
    parallel = "true" if not quote else "false"
    return (
        f"read_csv([{files}], auto_detect = false, header = false, skip = {dialect.skip}, "
        f"delim = {quoted(dialect.delimiter or NEVER)}, quote = {quoted(quote)}, "
        f"escape = {quoted(escape)}, columns = {{{columns}}}, nullstr = {quoted(NO_NULL)}, "
        f"{STRICT}, parallel = {parallel}, "
        f"max_line_size = {LONGEST_LINE}, strict_mode = true)"
    )


def relation(
    source: TextSource, facts: Sequence[Sequence[Facts]], dialect: Dialect, form: str = "delimited"
) -> Relation:
    """Files of one dialect, in parts, as a relation.

    Raises:
        InputError: too many columns to be a table of interactions.
    """
    if dialect.width > MOST_COLUMNS:
        raise InputError(
            f"`{source}` has {dialect.width} columns, more than {MOST_COLUMNS}",
            "check the delimiter: `--delimiter ,`",
        )
    quotes = has_quotes(facts)
    if dialect.quote == '"':
        for fact in (fact for part in facts for fact in part if fact.quotes % 2):
            refuse_open_quote(source, fact.path, dialect)
    if dialect.typed:
        refuse_untyped(source, [fact.path for part in facts for fact in part], dialect)
    scans = tuple(scan([fact.path for fact in part], dialect, quotes=quotes) for part in facts)
    columns = tuple(
        Column(label, f"trim(c{n})" if dialect.ruled else f"c{n}")
        for n, label in enumerate(dialect.names, 1)
    )
    header = [f"trim(c{n}) = {quoted(label)}" for n, label in enumerate(dialect.header, 1)]

    def check_lines() -> None:
        paths = [fact.path for part in facts for fact in part]
        refuse_oversized_lines(str(source), paths, dialect.delimiter, dialect.width)

    def place_of(part: int, row: int) -> str:
        single = len(facts[part]) == 1 and facts[part][0].size < COUNTED_BYTES
        line = line_of_row(facts[part][0].path, dialect, row) if single else 0
        return f"line {line}" if line else f"row {row + 1}"

    return Relation(
        str(source),
        form,
        scans,
        columns,
        named=bool(dialect.header),
        check_lines=check_lines,
        skipped=f"NOT ({' AND '.join(header)})" if header else "",
        place_of=place_of,
        layout=describe_dialect(dialect),
        numbers=partial(numbers_in, facts, dialect),
        paths=tuple(tuple(fact.path for fact in part) for part in facts),
    )


def refuse_untyped(source: TextSource, paths: Sequence[Path], dialect: Dialect) -> None:
    """Refuse several files of which some have a line of types below the header: it is skipped.

    Raises:
        InputError: some have none.
    """
    for path in paths:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            lines = [line.rstrip("\r\n") for line in itertools.islice(file, dialect.skip)]
        if not is_of_types(split(lines[-1], dialect.delimiter, dialect.quote, dialect.escape)):
            raise InputError(
                f"`{source}`: some files have a line of types below the header, and some have none",
                "remove these lines",
            )


def has_quotes(facts: Sequence[Sequence[Facts]]) -> bool:
    """Whether there is a quote in any of these texts."""
    return any(fact.quotes for part in facts for fact in part)


def numbers_in(
    facts: Sequence[Sequence[Facts]], dialect: Dialect, types: Sequence[str]
) -> Numbers | None:
    """Scans of texts that are large and hold whole numbers alone; None of others."""
    size = sum(fact.size for part in facts for fact in part)
    if size < WORTH_A_LOOK or len(dialect.delimiter) != 1 or has_quotes(facts) or dialect.ruled:
        return None
    sizes = [bytes_of_numbers(fact.path, dialect) for part in facts for fact in part]
    if min(sizes) < 0:
        return None
    paths = [[fact.path for fact in part] for part in facts]
    scans = tuple(scan(part, dialect, quotes=False, types=types) for part in paths)
    return Numbers(scans, sum(sizes), dialect.width)


def bytes_of_numbers(path: Path, dialect: Dialect) -> int:
    """The bytes below the header, -1 if a byte there may make a number shorter than its digits.

    So may letters, as in 1e9, and nothing below `9`; what makes it longer shows in the bytes. A
    missing line end at the end of the file is counted as well.
    """
    others = b"0123456789\n" + dialect.delimiter.encode()
    size, last = 0, b"\n"
    with path.open("rb") as file:
        for _ in range(dialect.skip):
            file.readline()
        while block := file.read(BLOCK_BYTES):
            # The largest byte is found twenty times faster than all that are not expected.
            if np.frombuffer(block, np.uint8).max() > ord("9") and block.translate(None, others):
                return -1
            size += len(block)
            last = block[-1:]
    return size + (last != b"\n")


def refuse_open_quote(source: TextSource, path: Path, dialect: Dialect) -> None:
    """Refuse a text that ends within quotes: the engine leaves such a last row out without a word.

    Raises:
        InputError: it does; the message names the line in which the row begins.
    """
    doubled = dialect.escape == dialect.quote
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(
            file,
            delimiter=dialect.delimiter[:1] or NEVER,
            doublequote=doubled,
            escapechar=None if doubled else dialect.escape,
            strict=True,
        )
        before = 0
        try:
            for _ in reader:
                before = reader.line_num
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise InputError(
                    f"`{source}`, line {before + 1}: a quote that is never closed",
                    "close it, or leave the line out",
                ) from None


def describe_dialect(dialect: Dialect) -> str:
    """The layout in words."""
    words = {"\t": "tabs", " ": "spaces", "": "nothing"}
    between = words.get(dialect.delimiter, f"`{dialect.delimiter}`")
    between = "spaces" if dialect.loose or dialect.placed else between
    header = "a header" if dialect.header else "no header"
    if dialect.header and not dialect.header[-1] and not dialect.ruled:
        header += f" that names the first {sum(map(bool, dialect.header))} of {dialect.width}"
    if dialect.typed:
        header += " with the types of the columns below it"
    if dialect.titles:
        header += f" below {counted(dialect.titles, 'line')} of title"
    return f"{between} between the values, {header}"


def line_of_row(path: Path, dialect: Dialect, row: int) -> int:
    """The line in which a row begins, both counted over the rows that have the usual width."""
    for number, cells in numbered_rows(path, dialect):
        if len(cells) != dialect.width or tuple(map(str.strip, cells)) == dialect.header:
            continue
        if row == 0:
            return number
        row -= 1
    return 0


def numbered_rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Each row with its line, the slow way."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for _ in itertools.repeat(None, dialect.skip):
            file.readline()
        if not dialect.quote or len(dialect.delimiter) != 1:
            for number, line in enumerate(file, dialect.skip + 1):
                if line.strip("\r\n"):
                    yield number, split(line.rstrip("\r\n"), dialect.delimiter, "", "")
            return
        doubled = dialect.escape == dialect.quote
        reader = csv.reader(
            file,
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            doublequote=doubled,
            escapechar=None if doubled else dialect.escape,
        )
        before = 0
        try:
            for cells in reader:
                if cells:
                    yield dialect.skip + before + 1, cells
                before = reader.line_num
        except csv.Error:
            return


def tightened(facts: Facts, engine: Engine) -> Facts:
    """A copy of a text with one tab where runs of spaces or tabs were, none at its ends."""
    with facts.path.open("rb") as file, engine.folder.new_file(".txt") as copy:
        for block in whole_lines(file):
            block = re.sub(rb"[ \t]+", b"\t", block)
            block = block.replace(b"\n\t", b"\n").replace(b"\t\n", b"\n").strip(b"\t")
            copy.write(block)
    return Facts(copy.path, facts.quotes, facts.damaged, copy.size)


def whole_lines(file: object, size: int = 1 << 22) -> Iterator[bytes]:
    """The bytes of a file in blocks of whole lines."""
    rest = b""
    while block := file.read(size):  # type: ignore[attr-defined]
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
            continue
        yield rest + block[:end]
        rest = block[end:]
    if rest:
        yield rest
