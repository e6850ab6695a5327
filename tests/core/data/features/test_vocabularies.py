"""Texts have one code each, by those of the train part."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.vocabularies import (
    FIRST,
    UNKNOWN,
    IdsEncoder,
    SparseEncoder,
    TagsEncoder,
    pad_lists,
)


def test_codes_leave_room_for_padding_and_for_what_is_unknown_or_rare() -> None:
    column = TextColumn.of(["a", "b", "a", "b", "a", "c", ""])
    encoder = SparseEncoder.fit("city", "row", column, 2)
    assert encoder.values.tolist() == ["a", "b"]
    found = encoder.encode(TextColumn.of(["a", "b", "c", "new", ""]))
    assert found.tolist() == [FIRST, FIRST + 1, UNKNOWN, UNKNOWN, UNKNOWN]
    assert encoder.size == 4


def test_tags_are_codes_once_each_and_unknown_ones_share_one() -> None:
    encoder = TagsEncoder.fit("topics", "row", TextColumn.of(["a|b", "b|a", "b", "c"]), 2)
    assert encoder.values.tolist() == ["b", "a"]
    found = encoder.encode(TextColumn.of(["a|b|a", "new|c|b", "", "b", "NA|b"]))
    assert found.tolist() == [[3, 2], [1, 2], [0, 0], [2, 0], [2, 0]]


def test_ids_have_one_code_wherever_they_are() -> None:
    encoder = IdsEncoder.fit("item", "item", TextColumn.of(["5", "7", "7", "nan", "nan"]), 1)
    assert encoder.values.tolist() == ["7", "5"]
    assert encoder.encode(["5", "9", "7"]).tolist() == [3, 1, 2]
    lists = encoder.encode_lists([["5", "7", "9"], [], ["7"]], 2)
    assert lists.tolist() == [[2, 1], [0, 0], [2, 0]]


@given(st.lists(st.lists(st.integers(1, 9), max_size=5)), st.integers(1, 4))
def test_lists_keep_their_newest_and_are_padded_behind(lists: list[list[int]], width: int) -> None:
    flat = np.array([value for own in lists for value in own], np.int32)
    table = pad_lists(flat, np.array([len(own) for own in lists], np.int64), width)
    assert table.tolist() == [own[-width:] + [0] * (width - len(own)) for own in lists]
