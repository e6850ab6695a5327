"""Numbers in texts, in SQL: only as people write them.

The engine also takes `1_0` for 10 and `0x10` for 16. A cell of that form is text, or a mistake.
"""

from typing import Literal

Kind = Literal["BIGINT", "DOUBLE", "DECIMAL(38, 9)", "DECIMAL(38, 18)"]


def number_sql(text: str, kind: Kind) -> str:
    """SQL of the number that `text`, SQL of a text, spells in digits; NULL where it spells none."""
    odd = f"contains({text}, '_')"
    if kind == "BIGINT":  # the other types take no digits of another base
        odd = f"regexp_matches({text}, '[_xXbBoO]')"
    return f"CASE WHEN NOT {odd} THEN TRY_CAST({text} AS {kind}) END"
