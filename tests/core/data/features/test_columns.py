"""A column holds its cells, each distinct text once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.features.columns import TextColumn, to_texts

CELLS = st.lists(st.text(max_size=2), max_size=30)


def cells_of(column: TextColumn) -> list[str]:
    return [column.texts[text] for text in column.rows.tolist()]


@given(CELLS, st.data())
def test_gives_the_cells_back_all_or_some(cells: list[str], data: st.DataObject) -> None:
    column = TextColumn.of(cells)
    assert cells_of(column) == cells
    assert column.texts == list(dict.fromkeys(cells))
    assert column.counts.tolist() == [cells.count(text) for text in column.texts]
    rows = data.draw(st.lists(st.integers(-len(cells), len(cells) - 1)) if cells else st.just([]))
    taken = column.take(np.array(rows, np.int64))
    assert cells_of(taken) == [cells[row] for row in rows]
    assert set(taken.texts) == set(cells_of(taken))


def test_no_texts_are_an_array_of_texts_too() -> None:
    assert to_texts([]).dtype.kind == "U"
    assert to_texts(["a", "bcd"]).tolist() == ["a", "bcd"]
