"""Packing loses nothing, invents nothing and wastes little."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.batching.packing import Layout, Packed, pack, pack_padded, time_major
from seqrec_cli.core.data.sequences import Sequences

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=30)


@given(LENGTHS, st.floats(0, 1))
def test_every_item_has_a_slot_of_its_own_and_rows_lie_in_blocks(
    lengths: list[int], fill: float
) -> None:
    layout = Layout.of(np.array(lengths), fill)
    assert len(set(layout.slots.tolist())) == sum(lengths)
    assert layout.size == sum(rows * length for rows, length in layout.blocks)
    assert sum(rows for rows, _ in layout.blocks) == len(lengths)
    begin = 0
    for row, length in enumerate(lengths):
        slots = layout.slots[begin : begin + length]
        assert slots.tolist() == list(range(slots[0], slots[0] + length))
        assert layout.last[row] == slots[-1]
        assert layout.ages[slots].tolist() == list(range(length - 1, -1, -1))
        begin += length
    for rows, length in layout.blocks:
        assert rows >= 1
        assert length >= 1


@given(LENGTHS)
def test_fill_bounds_the_padding_of_each_row(lengths: list[int]) -> None:
    layout = Layout.of(np.array(lengths), 0.8)
    ordered = sorted(lengths, reverse=True)
    row = 0
    for rows, length in layout.blocks:
        assert ordered[row] == length
        assert ordered[row + rows - 1] >= 0.8 * length
        row += rows


def test_fill_0_makes_one_block() -> None:
    assert Layout.of(np.array([3, 200, 50]), fill=0).blocks == ((3, 200),)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=1, max_size=9))
def test_pack_keeps_the_newest_items_in_order(lists: list[list[int]]) -> None:
    batch = pack(Sequences.from_lists(lists), 5)
    for row, items in enumerate(lists):
        end = int(batch.last[row]) + 1
        kept = items[-5:]
        assert batch.items[end - len(kept) : end].tolist() == kept
    assert int((batch.items > 0).sum()) == sum(min(len(items), 5) for items in lists)


def test_views_cut_tensors_into_blocks() -> None:
    batch = pack(Sequences.from_lists([[1, 2, 3], [4], [5, 6, 7]]), 9)
    found = [items.tolist() for (items,) in batch.views(batch.items)]
    assert found == [[[1, 2, 3], [5, 6, 7]], [[4]]]


@pytest.mark.parametrize("rows", [[[0, 0, 1], [2, 3, 4], [0, 0, 0]]])
def test_padded_histories_and_their_cells(rows: list[list[int]]) -> None:
    history = torch.tensor(rows)
    batch, cells, slots = pack_padded(history)
    assert history.flatten()[cells].tolist() == batch.items[slots].tolist()
    assert batch.items[batch.last].tolist() == [1, 4, 0]


def test_time_major_takes_every_item_once_and_the_longest_rows_to_the_end() -> None:
    lengths = [4, 9, 1, 8, 9]
    layout = Layout.of(np.array(lengths))
    ages = torch.from_numpy(layout.ages)
    batch = Packed(torch.ones_like(ages), ages, layout.blocks, torch.from_numpy(layout.last))
    order, sizes = time_major(batch)
    assert sorted(order.tolist()) == sorted(layout.slots.tolist())
    assert sizes == [sum(length > time for length in lengths) for time in range(9)]
