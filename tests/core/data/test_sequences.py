"""Sequences hold lists, and can be taken and joined."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data import sequences as module
from seqrec_cli.core.data.lazy import chained, is_lazy
from seqrec_cli.core.data.sequences import Sequences

LISTS = st.lists(st.lists(st.integers(1, 9), max_size=4), max_size=6)


@settings(deadline=None)
@given(LISTS)
def test_sequences_hold_lists(lists: list[list[int]]) -> None:
    sequences = Sequences.from_lists(lists)
    assert [history.tolist() for history in sequences] == lists
    assert sequences.lengths.tolist() == list(map(len, lists))
    assert sequences.users.tolist() == [user for user, own in enumerate(lists) for _ in own]


@settings(deadline=None)
@given(LISTS, st.data())
def test_sequences_can_be_taken_and_joined(lists: list[list[int]], data: st.DataObject) -> None:
    sequences = Sequences.from_lists(lists)
    if lists:
        users = data.draw(st.lists(st.integers(0, len(lists) - 1)))
        taken = sequences.take(np.array(users, np.int64))
        assert [history.tolist() for history in taken] == [lists[user] for user in users]
    later = [own[::-1][:2] for own in lists]
    joined = sequences.followed_by(Sequences.from_lists(later))
    assert [h.tolist() for h in joined] == [a + b for a, b in zip(lists, later, strict=True)]


def in_pieces(sequences: Sequences) -> Sequences:
    """The same, read by parts, with the places of items as their times."""
    half, times = len(sequences.items) // 2, np.arange(len(sequences.items), dtype=np.int64)
    pieces = chained([sequences.items[:half], sequences.items[half:]])
    return replace(sequences, items=pieces, times=chained([times[:half], times[half:]]))


@settings(deadline=None)
@given(LISTS, st.data())
def test_what_is_read_by_parts_is_the_same(lists: list[list[int]], data: st.DataObject) -> None:
    plain = Sequences.from_lists(lists)
    parts = in_pieces(plain)
    plain = replace(plain, times=np.arange(len(plain.items), dtype=np.int64))
    users = np.array(data.draw(st.lists(st.integers(0, len(lists) - 1))) if lists else [], np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TAKEN_AT_ONCE", 3)
        pairs = [
            (parts, plain),
            (parts.take(users), plain.take(users)),
            (parts.followed_by(parts), plain.followed_by(plain)),
            (parts.followed_by(parts).take(users), plain.followed_by(plain).take(users)),
            (parts.followed_by(plain).take(users), plain.followed_by(plain).take(users)),
            (parts.distinct(), plain.distinct()),
            *zip(parts.cut(plain.lengths // 2), plain.cut(plain.lengths // 2), strict=True),
            (parts.between(0, len(lists) // 2), plain.between(0, len(lists) // 2)),
            (parts.loaded(), plain),
        ]
        assert is_lazy(parts.take(users).items) == (plain.lengths[users].sum() > 3)
    for found, expected in pairs:
        np.testing.assert_array_equal(found.offsets, expected.offsets)
        np.testing.assert_array_equal(found.items, expected.items)
        assert found.items.dtype == np.int32
        if expected.times is not None:
            np.testing.assert_array_equal(found.times, expected.times)
    assert parts.count_repeats() == plain.count_repeats()
    assert parts.item_counts(9).tolist() == np.bincount(plain.items, minlength=10).tolist()
    assert (parts.bytes_on_disk, plain.bytes_on_disk) == (12 * len(plain.items), 0)
