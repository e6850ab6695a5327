"""Ranges of users, prepared one by one, are the log prepared as a whole."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.interactions import Interactions
from seqrec_cli.core.data.parts import cut_rows
from seqrec_cli.core.data.preparation import Preparation, prepare, rows_of_log
from seqrec_cli.core.data.ranges import all_facts, prepare_range, summed
from seqrec_cli.core.data.shards import bounds_of, cut_arrays
from seqrec_cli.errors import InputError
from tests.core.data.walks import ROWS, Row, make_log


def whole_of(
    log: Interactions, options: Preparation
) -> tuple[dict[str, object], dict[str, object]]:
    dataset = prepare(log, options, "x")
    return dataset.arrays(), dataset.manifest


@given(ROWS, st.booleans(), st.integers(1, 4), st.integers(3, 5))
def test_ranges_are_what_the_whole_log_gives(
    rows: list[Row], timed: bool, count: int, shortest: int
) -> None:
    options = Preparation(min_split_length=shortest)
    log = make_log(rows, timed=timed)
    users = len(log.user_ids)
    try:
        arrays, manifest = whole_of(make_log(rows, timed=timed), options)
    except InputError:
        return
    bounds = bounds_of(users, min(count, users))
    made = [
        prepare_range(own, log.user_ids[start:stop], log.item_ids, options)
        for own, (start, stop) in zip(
            cut_rows(rows_of_log(log), bounds), pairwise(bounds), strict=True
        )
    ]
    for (found, _), (start, stop) in zip(made, pairwise(bounds), strict=True):
        expected = cut_arrays(arrays, start, stop)  # type: ignore[arg-type]
        assert list(found) == list(expected)
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name])
            assert found[name].dtype == expected[name].dtype
    facts = all_facts([each for _, each in made])
    assert facts.order() == manifest["order"]
    assert facts.histories(len(log.item_ids)).items() <= manifest.items()
    assert facts.parts.items() <= manifest["split"].items()  # type: ignore[attr-defined]
    assert facts.dropped == manifest["dropped"]
    if timed:
        assert facts.times is not None
        time = manifest["time"]
        assert facts.times.tolist() == [time["first"], time["last"]]  # type: ignore[index]


def test_counts_are_added_by_name() -> None:
    assert summed([{"a": 1}, {"b": 2, "a": 3}]) == {"a": 4, "b": 2}
