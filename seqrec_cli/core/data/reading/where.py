"""Conditions on rows, as the user writes them: an expression over the columns and nothing else."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import duckdb

from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.engine import Engine, first_sentence, name, quoted
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.errors import InputError

LONGEST = 10_000  # characters
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
# What an expression may be made of; anything else, a query in it above all, is refused.
CLASSES = frozenset(
    {"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "CAST", "CASE"}
    | {"FUNCTION", "COLLATE"}
)
FUNCTIONS = frozenset(
    {"lower", "upper", "trim", "length", "strlen", "contains", "starts_with", "ends_with", "prefix"}
    | {"suffix", "abs", "round", "floor", "ceil", "coalesce", "regexp_matches", "like_escape"}
    | {"regexp_full_match", "substring", "left", "right", "replace", "year", "month", "day"}
    | {"hour", "minute", "date_part", "date_trunc", "+", "-", "*", "/", "//", "%", "~~", "!~~"}
    | {"~~*", "!~~*", "^@", "||", "not_like_escape", "ilike_escape", "greatest", "least", "~"}
    | {"list_contains", "list_has", "list_has_any", "list_has_all", "len"}
    | {"list_value", "to_timestamp", "epoch", "isnan", "strptime", "split_part", "row"}
)


@dataclass(frozen=True)
class Wording:
    """How messages call the option that has an expression.

    Attributes:
        option: as typed.
        example: makes an expression, quoted for a shell; asked for where one is needed.
        place: what has the columns.
    """

    option: str
    example: Callable[[], str]
    place: str


def condition(expression: str, profiles: Sequence[Profile], engine: Engine, place: str) -> str:
    """SQL of a condition over the columns of the relation.

    Raises:
        InputError: it is no expression, has more in it than one, or names no column of the file.
    """
    wording = Wording("--where", lambda: "\"event in ('cart', 'purchase')\"", f"`{place}`")
    by_name = {profile.name.lower(): profile for profile in profiles}
    used = columns_in(expression, [profile.name for profile in profiles], engine, wording)
    return with_columns(expression, {label: by_name[label.lower()] for label in used})


def columns_in(
    expression: str, names: Sequence[str], engine: Engine, wording: Wording
) -> list[str]:
    """The columns that an expression reads, as it spells them; nothing is run.

    The engine tells apart what differs in the case of letters beyond A to Z.

    Raises:
        InputError: as `condition`.
    """
    if not expression.strip() or len(expression) > LONGEST:
        reason = "it is empty" if not expression.strip() else "it is too long"
        raise malformed(expression, reason, wording)
    tree = parsed(expression, engine, wording)
    if [statement.get("node", {}).get("type") for statement in tree] != ["SELECT_NODE"]:
        raise malformed(expression, "it is more than one expression", wording)
    node = tree[0]["node"]
    selected = node.get("select_list", [])
    plain = len(selected) == 1 and node.get("from_table", {}).get("type") == "EMPTY"
    extras = ("where_clause", "having", "qualify", "sample", "group_expressions", "modifiers")
    if not plain or any(node.get(extra) for extra in extras) or node.get("cte_map", {}).get("map"):
        raise malformed(expression, "it is more than one expression", wording)
    known, used = {name.lower() for name in names}, dict[str, str]()
    for inner in nodes(selected[0]):
        kind = inner.get("class")
        if kind not in CLASSES:
            reason = f"`{str(kind).lower().replace('_', ' ')}` has no place in it"
            raise malformed(expression, reason, wording)
        if kind == "FUNCTION" and inner.get("function_name", "").lower() not in FUNCTIONS:
            reason = f"the function `{inner['function_name']}` is not known here"
            raise malformed(expression, reason, wording)
        if kind == "COLUMN_REF":
            label = ".".join(inner["column_names"])
            if label.lower() not in known:
                raise unknown(expression, label, names, wording)
            used.setdefault(label.translate(LOWER), label)
    return [*used.values()]


def parsed(expression: str, engine: Engine, wording: Wording) -> list[dict[str, Any]]:
    """The statements in `SELECT (expression)`, as the engine parses them; nothing is run."""
    text = f"SELECT ({expression}\n)"
    try:
        found = json.loads(engine.value(f"SELECT json_serialize_sql({quoted(text)})"))
    except duckdb.Error as error:
        raise malformed(expression, first_sentence(error), wording) from None
    if found.get("error"):
        reason = str(found.get("error_message", "it cannot be read"))
        raise malformed(expression, reason, wording)
    statements: list[dict[str, Any]] = found["statements"]
    return statements


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """All the expressions in one, itself the first."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for key, inner in tree.items():
            if key not in ("cast_type", "value"):
                yield from nodes(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from nodes(inner)


def with_columns(expression: str, columns: Mapping[str, Profile]) -> str:
    """The condition as a subquery over a row of its columns, each with the type it looks like."""
    if not columns:
        return f"({expression}\n)"
    typed = ", ".join(map(typed_sql, columns.values()))
    # Named outside: inside, a column of a file and its own new name would be one.
    names = ", ".join(map(name, columns))
    return f"(SELECT CAST(({expression}\n) AS BOOLEAN) FROM (SELECT {typed}) AS own({names}))"


def typed_sql(profile: Profile) -> str:
    """A column with the type that its values look like; NULL where one is of none."""
    text = profile.column.sql
    if profile.column.listed:
        return text
    if profile.column.kind.endswith("moment"):
        return profile.column.raw
    if profile.is_truth:
        return f"TRY_CAST({text} AS BOOLEAN)"
    if profile.whole and not any(value.startswith("-0") for value in profile.values):
        return number_sql(text, "BIGINT")
    if profile.numeric:
        return number_sql(text, "DOUBLE")
    if profile.date_forms and profile.date_forms[0].name == "ISO 8601":
        return f"TRY_CAST({text} AS TIMESTAMP)"
    return f"nullif(trim({text}), '')"


def malformed(expression: str, reason: str, wording: Wording) -> InputError:
    reason = re.sub(r"\s+", " ", reason)[:200]
    if reason.endswith('at or near ")"') and ")" not in expression:  # the one that we put behind it
        reason = "it ends too early"
    return InputError(
        f"`{wording.option} {expression[:100]}` is no condition: {reason}",
        f"write an expression over the columns: `{wording.option} {wording.example()}`",
    )


def unknown(expression: str, label: str, names: Sequence[str], wording: Wording) -> InputError:
    close = get_close_matches(label, names, n=1)
    known = ", ".join(f"`{each}`" for each in names[:30])
    return InputError(
        f"`{wording.option} {expression[:100]}`: {wording.place} has no column `{label}`",
        f"did you mean `{close[0]}`?" if close else f"it has {known}; texts are in single quotes",
    )
