"""Texts from files in messages: short ones, and options that a shell takes as they are."""

from collections.abc import Sequence

from seqrec_cli.wording import typed

# What the engine does not take for a column.
KEYWORDS = frozenset(
    {"all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both"}
    | {"case", "cast", "check", "collate", "column", "constraint", "create", "default"}
    | {"deferrable", "desc", "describe", "distinct", "do", "else", "end", "except", "false"}
    | {"fetch", "for", "foreign", "from", "group", "having", "in", "initially", "intersect"}
    | {"into", "lambda", "lateral", "leading", "limit", "not", "null", "offset", "on", "only"}
    | {"or", "order", "pivot", "pivot_longer", "pivot_wider", "placing", "primary", "qualify"}
    | {"references", "returning", "select", "show", "some", "summarize", "symmetric", "table"}
    | {"then", "to", "trailing", "true", "union", "unique", "unpivot", "using", "variadic"}
    | {"when", "where", "window", "with", "anti", "asof", "authorization", "between", "binary"}
    | {"collation", "concurrently", "cross", "exists", "extract", "freeze", "full", "generated"}
    | {"glob", "ilike", "inner", "interval", "is", "isnull", "join", "left", "like", "map"}
    | {"natural", "notnull", "outer", "overlaps", "positional", "right", "row", "semi"}
    | {"similar", "struct", "tablesample", "try_cast", "verbose", "by", "at", "unpack"}
)


def shortened(text: str, most: int = 60) -> str:
    """A text, cut where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def without_option(column: str, value: str) -> str:
    """The option that leaves the rows with a value in a column out."""
    return where_option(column, value, "<>")


def without_options(column: str, values: Sequence[str]) -> str:
    """The option that leaves out the rows with these values in a column, as a shell takes it."""
    wanted = ", ".join(map(quoted_value, values))
    return typed("--where", f"{quoted_column(column)} not in ({wanted})")


def where_option(column: str, value: str, compared: str = "=") -> str:
    """The option that keeps the rows with a value in a column, as a shell takes it."""
    return typed("--where", f"{quoted_column(column)} {compared} {quoted_value(value)}")


def quoted_column(column: str) -> str:
    """A column as an expression has it: in quotes where it would be something else there."""
    plain = column.isidentifier() and column.lower() not in KEYWORDS
    return column if plain else '"' + column.replace('"', '""') + '"'


def quoted_value(value: str) -> str:
    """A value as an expression has it: in quotes even if it is a number, of which the engine makes
    one where the column has numbers."""
    return "'" + value.replace("'", "''") + "'"
