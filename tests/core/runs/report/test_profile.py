"""The profile of a dataset against counting by hand."""

from collections import Counter

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.runs.report.profile import (
    gini,
    log_edges,
    profile_of,
    repeats_of,
    share_of_top,
)
from tests.conftest import leave_one_out


def test_repeats_are_those_that_a_person_would_count() -> None:
    random = np.random.default_rng(0)
    histories = [random.integers(1, 9, size=random.integers(0, 20)).tolist() for _ in range(50)]
    expected = [item in row[:at] for row in histories for at, item in enumerate(row)]
    assert repeats_of(Sequences.from_lists(histories)).tolist() == expected


def test_gini_is_half_of_the_mean_difference() -> None:
    counts = np.random.default_rng(1).integers(0, 40, size=30)
    differences = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(counts) == pytest.approx(differences / (2 * counts.mean()))
    assert gini(np.full(5, 3)) == 0
    assert gini(np.zeros(5, np.int64)) == 0


def test_the_most_popular_tenth() -> None:
    assert share_of_top(np.array([1] * 18 + [20, 22])) == pytest.approx(42 / 60)
    assert share_of_top(np.array([3, 1])) == pytest.approx(0.75)


def test_every_user_is_in_one_bar() -> None:
    random = np.random.default_rng(2)
    histories = [
        [int(item) for item in random.integers(1, 21, size=3 + int(random.exponential(40)))]
        for _ in range(300)
    ]
    plots = {plot.name: plot for plot in profile_of(leave_one_out(histories, 20)).plots}
    assert list(plots) == ["lengths", "popularity", "repeats"]  # without times
    (bars,) = plots["lengths"].series
    lengths = Counter(map(len, histories))
    for at, count in enumerate(bars.y):
        inside = range(int(bars.x[at]), int(bars.x[at + 1]))
        last = at == len(bars.y) - 1
        assert count == sum(lengths[n] for n in inside) + last * lengths[int(bars.x[-1])]
    assert sum(bars.y) == 300
    (curve,) = plots["popularity"].series
    counts = sorted(Counter(item for row in histories for item in row).values(), reverse=True)
    assert [counts[int(rank) - 1] for rank in curve.x] == list(curve.y)


def test_edges_leave_no_whole_number_without_a_bar() -> None:
    for values in (np.array([1]), np.array([3, 3]), np.array([1, 1000]), np.arange(2, 9)):
        edges = log_edges(values)
        assert (np.diff(edges) >= 1).all()
        assert edges[0] <= values.min()
        assert edges[-1] > values.max()


def test_the_facts_are_those_of_the_data(cycle: SequenceDataset) -> None:
    facts = dict(profile_of(cycle).facts)
    assert facts["users"] == "200"
    assert facts["items"] == "50"
    assert facts["repeats"] == "0.0% of interactions"
    assert "times" not in facts
