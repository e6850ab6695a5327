"""Counts in a manifest against NumPy and plain Python."""

import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.manifest import describe_histories, time_range
from seqrec_cli.core.data.sequences import Sequences

HISTORIES = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=9), min_size=1, max_size=9)


@given(HISTORIES)
def test_histories_are_counted(histories: list[list[int]]) -> None:
    found = describe_histories(Sequences.from_lists(histories), 6)
    lengths = [len(history) for history in histories]
    pairs = sum(len(set(history)) for history in histories)
    assert (found["users"], found["items"]) == (len(histories), 6)
    assert found["interactions"] == sum(lengths)
    assert found["density"] == pairs / (6 * len(histories))
    assert found["repeats"] == (sum(lengths) - pairs) / sum(lengths)
    quantiles = found["history_length"]
    assert (quantiles["min"], quantiles["max"]) == (min(lengths), max(lengths))
    assert quantiles["median"] == statistics.median(lengths)
    assert quantiles["25%"] == np.quantile(lengths, 0.25)
    np.testing.assert_allclose(quantiles["mean"], statistics.fmean(lengths))


def test_times_are_numbers_and_dates() -> None:
    times = np.array([86_400, 0, 172_800])
    found = time_range(times, "seconds")
    assert found is not None
    assert (found["first"], found["last"], found["unit"]) == (0, 172_800, "seconds")
    assert found["from"].startswith("1970-01-01")
    assert found["to"].startswith("1970-01-03")
    assert time_range(None, "seconds") is None
