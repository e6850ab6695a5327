"""The items' table keeps every text of its file, and refuses arrays that do not fit."""

from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.attributes import Attributes
from seqrec_cli.core.data.item_table import ItemTable

CELLS = {"category": ["shoes", "", "Schuhe 👟", "shoes"], "Price": ["1", "2", "3", "4"]}


def made(columns: dict[str, list[str]]) -> tuple[ItemTable, list[str]]:
    ids = np.array([12, 10, 99])
    return ItemTable.of(Attributes("items.csv", ["10", "11", "12", "13"], columns), ids)


def texts(table: ItemTable) -> dict[str, list[str]]:
    return {
        name: [column.distinct()[row] for row in column.rows.tolist()]
        for name, column in table.columns.items()
    }


def test_each_item_has_the_texts_of_its_row_and_none_without_one() -> None:
    table, left_out = made(CELLS)
    again = ItemTable.from_arrays(table.arrays(), 3)
    assert again is not None
    expected = {"category": ["Schuhe 👟", "shoes", ""], "Price": ["3", "1", ""]}
    assert texts(table) == texts(again) == expected
    assert left_out == []


def test_names_that_would_mean_two_things_are_left_out() -> None:
    cells = CELLS["Price"]
    table, left_out = made({"a": cells, "A": cells, "Title": cells, "item": cells})
    assert list(table.columns) == ["a"]
    assert left_out == ["A", "Title", "item"]


def test_no_columns_are_a_table_too() -> None:
    table = ItemTable.from_arrays(made({})[0].arrays(), 3)
    assert table is not None
    assert not table.columns
    assert ItemTable.from_arrays({}, 3) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", np.array([0, 1], np.int32)),
        ("rows", np.array([0, 1, 7], np.int32)),
        ("rows", np.array([0, -1, 1], np.int32)),
        ("rows", np.array([0, 1, 1], np.int64)),
        ("ends", np.array([4, 1, 2], np.int64)),
        ("ends", np.array([-4, 1, 2], np.int64)),
        ("ends", np.array([0, 1, 10**15], np.int64)),
        ("content", np.array([1], np.uint8)),
        ("content", np.zeros((2, 2), np.uint8)),
    ],
)
def test_refuses_arrays_that_do_not_fit(name: str, value: Any) -> None:
    arrays = made(CELLS)[0].arrays() | {f"item_table_0_{name}": value}
    with pytest.raises(ValueError, match="`category`"):
        ItemTable.from_arrays(arrays, 3)
