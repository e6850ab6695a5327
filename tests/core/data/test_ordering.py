"""Rows are ordered as lexsort orders them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
