"""Sequences hold lists, and can be taken and joined."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
