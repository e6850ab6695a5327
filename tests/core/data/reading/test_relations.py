"""Columns of a source are found by their names and numbers, and have a sample."""

import pytest

from seqrec_cli.core.data.reading.engine import opened_engine
from seqrec_cli.core.data.reading.relations import MOST_CELLS, Column, Relation, sampled
from tests.core.data.reading.conftest import ReadText

COLUMNS = (
    Column("user", "n::VARCHAR"),
    Column("item:token", "'i' || n"),
    Column("3", "NULL::VARCHAR", known="time"),
    Column("tags", "[n::VARCHAR, NULL, ' x ']", listed=True),
)


def relation(rows: int = 30, skipped: str = "") -> Relation:
    scan = f"(SELECT unnest(range({rows})) AS n)"
    return Relation("a.csv", "delimited", (scan,), COLUMNS, named=True, skipped=skipped)


@pytest.mark.parametrize(
    ("asked", "place"),
    [("user", 0), ("item", 1), ("item:token", 1), ("1", 0), ("3", 2), ("4", 3)],
)
def test_a_column_is_found_by_name_or_number(asked: str, place: int) -> None:
    assert relation().column(asked) is COLUMNS[place]


@pytest.mark.parametrize(
    "asked", ["", "0", "5", "User", "token", "-1", "9" * 30, "user+", "user+none", "user+tags", "+"]
)
def test_nothing_else_is_a_column(asked: str) -> None:
    assert relation().column(asked) is None


def test_a_sample_has_the_first_rows_of_each_column() -> None:
    with opened_engine() as engine:
        engine.allow([])
        user, item, nothing, tags = sampled(relation(), engine, rows=20).columns
        later = sampled(relation(skipped="n >= 7"), engine, rows=20).columns[0]
        few = sampled(relation(rows=0), engine).columns[0]
        most = sampled(relation(rows=MOST_CELLS), engine, rows=MOST_CELLS).columns[0]
    assert user.values == [str(n) for n in range(20)]
    assert item.values == [f"i{n}" for n in range(20)]
    assert nothing.cells == (None,) * 20
    assert tags.values[:4] == ["0", "x", "1", "x"]
    assert later.values == [str(n) for n in range(7, 27)]
    assert few.cells == ()
    assert len(most.cells) == MOST_CELLS // len(COLUMNS)


def test_a_number_for_a_name_is_no_label() -> None:
    assert [column.label for column in COLUMNS] == ["user", "item:token", "time", "tags"]
    assert Column("7", "x").label == ""


def test_blanks_behind_the_delimiters_are_no_part_of_the_values(read: ReadText) -> None:
    plain = "user,item,rating,at\n" + "".join(
        f"u{n % 7},the {n % 11},{n % 5},2005-07-{n % 28 + 1:02} 04:20:24\n" for n in range(60)
    )
    log, padded = read(plain), read(plain.replace(",", ", "), name="padded.csv")
    assert padded.columns == log.columns
    assert [*padded.rows.item_ids] == [*log.rows.item_ids]
    assert log.rows.times is not None
    assert padded.rows.times is not None
    assert [*padded.rows.times] == [*log.rows.times]
