"""Numbers in texts are read only as people write them."""

import duckdb
import pytest

from seqrec_cli.core.data.reading.casts import Kind, number_sql


@pytest.mark.parametrize("kind", ["BIGINT", "DOUBLE", "DECIMAL(38, 9)"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("12", 12), ("-3", -3), (" 5 ", 5), ("+5", 5), ("1e3", 1000), ("07", 7)),
        *(("1_0", None), ("1_000_000", None), ("0x10", None), ("0b1", None), ("0o7", None)),
        *(("\u0663", None), ("\uff11", None), ("x", None), ("", None), ("1,5", None)),
    ],
)
def test_reads_digits_alone(kind: Kind, text: str, expected: int | None) -> None:
    with duckdb.connect() as engine:
        found = engine.execute(f"SELECT {number_sql('$1', kind)}", [text]).fetchall()
    assert found == [(expected,)]
