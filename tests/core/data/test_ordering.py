"""Rows are ordered as lexsort orders them."""

import itertools
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data import ordering
from seqrec_cli.core.data.ordering import stable_order


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=30),
    st.sampled_from([None, 4, 2**45]),  # 2**45: pairs do not fit 63 bits, each of them does
)
def test_orders_like_lexsort(pairs: list[tuple[int, int]], most: int | None) -> None:
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    if most is not None:
        columns %= most
    major, minor = columns[:, 0], columns[:, 1]
    np.testing.assert_array_equal(stable_order(major, minor), np.lexsort((minor, major)))
    np.testing.assert_array_equal(stable_order(major), np.argsort(major, kind="stable"))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 400),
    st.sampled_from(["neither", "users", "both"]),
    st.booleans(),
    st.sampled_from([0, 1 << 27]),
)
def test_rows_are_ordered_by_user_time_and_position(
    seed: int, size: int, sorted_by: str, timed: bool, remembered: int
) -> None:
    random = np.random.default_rng(seed)
    users = random.integers(0, random.integers(1, 50), size).astype(np.int32)
    times = random.integers(-9, random.integers(-8, 99), size) if timed else None
    if sorted_by != "neither":
        users = np.sort(users)
    if sorted_by == "both" and times is not None:
        times = np.sort(times)
    items = np.arange(size, dtype=np.int32)
    ratings, parts = items.astype(np.float32), (items % 3).astype(np.int8)
    given_columns = [users, items, times, ratings, parts]
    before = [None if column is None else column.copy() for column in given_columns]
    rows = ordering.Rows(users, items, times, ratings, parts)
    with (
        mock.patch.object(ordering, "GROUP_ROWS", 40),
        mock.patch.object(ordering, "MOVED_ROWS", 30),
        mock.patch.object(ordering, "MOST_GROUPS", 7),
        mock.patch.object(ordering, "REMEMBERED_ROWS", remembered),
        mock.patch.object(ordering, "BLOCK_ROWS", 50),
    ):
        back = ordering.order_rows(rows)
    order = np.lexsort((users,) if times is None else (times, users))
    for got, column in zip(
        (rows.users, rows.items, rows.times, rows.ratings, rows.parts), before, strict=True
    ):
        np.testing.assert_equal(got, None if column is None else column[order])
    for column, kept in zip(given_columns, before, strict=True):
        np.testing.assert_equal(column, kept)  # the caller's own
    grouped = np.argsort(users, kind="stable")
    expected = 0
    for earlier, later in itertools.pairwise(grouped.tolist()):
        same = users[earlier] == users[later]
        expected += bool(times is not None and same and times[later] < times[earlier])
    assert back == expected
