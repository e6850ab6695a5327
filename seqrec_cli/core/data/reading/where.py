"""Conditions on rows, as the user writes them: an expression over the columns and nothing else."""

import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import duckdb

from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.engine import Engine, first_sentence, name, quoted
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.errors import InputError

LONGEST = 10_000  # characters
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
    | {"list_value", "to_timestamp", "epoch", "isnan", "strptime", "split_part", "row"}
)


def condition(expression: str, profiles: Sequence[Profile], engine: Engine, place: str) -> str:
    """SQL of a condition over the columns of the relation.

    Raises:
        InputError: it is no expression, has more in it than one, or names no column of the file.
    """
    if not expression.strip() or len(expression) > LONGEST:
        raise malformed(expression, "it is empty" if not expression.strip() else "it is too long")
    tree = parsed(expression, engine)
    if [statement.get("node", {}).get("type") for statement in tree] != ["SELECT_NODE"]:
        raise malformed(expression, "it is more than one expression")
    node = tree[0]["node"]
    selected = node.get("select_list", [])
    plain = len(selected) == 1 and node.get("from_table", {}).get("type") == "EMPTY"
    extras = ("where_clause", "having", "qualify", "sample", "group_expressions", "modifiers")
    if not plain or any(node.get(extra) for extra in extras) or node.get("cte_map", {}).get("map"):
        raise malformed(expression, "it is more than one expression")
    by_name = {profile.name.lower(): profile for profile in profiles}
    columns = {}
    for inner in nodes(selected[0]):
        kind = inner.get("class")
        if kind not in CLASSES:
            raise malformed(
                expression, f"`{str(kind).lower().replace('_', ' ')}` has no place in it"
            )
        if kind == "FUNCTION" and inner.get("function_name", "").lower() not in FUNCTIONS:
            raise malformed(
                expression, f"the function `{inner['function_name']}` is not known here"
            )
        if kind == "COLUMN_REF":
            label = ".".join(inner["column_names"])
            if label.lower() not in by_name:
                raise unknown(expression, label, [p.name for p in profiles], place)
            columns[label.lower()] = by_name[label.lower()]
    return with_columns(expression, columns, engine)


def parsed(expression: str, engine: Engine) -> list[dict[str, Any]]:
    """The statements in `SELECT (expression)`, as the engine parses them; nothing is run."""
    text = f"SELECT ({expression}\n)"
    try:
        found = json.loads(engine.value(f"SELECT json_serialize_sql({quoted(text)})"))
    except duckdb.Error as error:
        raise malformed(expression, first_sentence(error)) from None
    if found.get("error"):
        raise malformed(expression, str(found.get("error_message", "it cannot be read")))
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


def with_columns(expression: str, columns: dict[str, Profile], engine: Engine) -> str:
    """The condition as a subquery over a row of its columns, each with the type it looks like."""
    typed = ", ".join(f"{typed_sql(profile)} AS {name(key)}" for key, profile in columns.items())
    if not typed:
        return f"({expression}\n)"
    return f"(SELECT CAST(({expression}\n) AS BOOLEAN) FROM (SELECT {typed}))"


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


def malformed(expression: str, reason: str) -> InputError:
    reason = re.sub(r"\s+", " ", reason)[:200]
    return InputError(
        f"`--where {expression[:100]}` is no condition: {reason}",
        "write an expression over the columns: `--where \"event in ('cart', 'purchase')\"`",
    )


def unknown(expression: str, label: str, names: Sequence[str], place: str) -> InputError:
    close = get_close_matches(label, names, n=1)
    known = ", ".join(f"`{each}`" for each in names[:30])
    return InputError(
        f"`--where {expression[:100]}`: `{place}` has no column `{label}`",
        f"did you mean `{close[0]}`?" if close else f"it has {known}; texts are in single quotes",
    )
