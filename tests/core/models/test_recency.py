"""How much items of a history weigh, against a loop over each of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models.recency import Scale, Steps, Weights, weights_read

PAUSES = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=12), min_size=1, max_size=5)


def timed(pauses: list[list[int]]) -> Sequences:
    """Histories whose items come after these pauses."""
    times = np.concatenate([np.cumsum(own) for own in pauses]).astype(np.int64)
    return replace(Sequences.from_lists([[1] * len(own) for own in pauses]), times=times)


def slowly(pauses: list[int], scale: Scale, wait: int | None) -> list[float]:
    """The weight of each item: nothing beyond the length, and nothing before a long pause."""
    found = []
    for place in range(len(pauses)):
        age = len(pauses) - 1 - place
        later = pauses[place + 1 :] + ([] if wait is None else [wait])
        broken = scale.session is not None and any(pause > scale.session for pause in later)
        found.append(0.0 if age >= scale.length or broken else scale.decay**age)
    return found


@settings(deadline=None)
@given(PAUSES, st.sampled_from([0.3, 0.8]), st.sampled_from([None, 0, 4]), st.data())
def test_weights_are_those_of_a_loop(
    pauses: list[list[int]], decay: float, session: int | None, data: st.DataObject
) -> None:
    histories, scale = timed(pauses), Scale(decay, session)
    expected = [weight for own in pauses for weight in slowly(own, scale, None)]
    np.testing.assert_allclose(weights_read(histories, scale), expected)
    waits = data.draw(st.lists(st.integers(0, 9), min_size=len(pauses), max_size=len(pauses)))
    assert histories.times is not None
    moments = histories.times[histories.offsets[1:] - 1] + np.array(waits)
    asked = replace(histories, moments=moments)
    expected = [
        weight
        for own, wait in zip(pauses, waits, strict=True)
        for weight in slowly(own, scale, wait)
    ]
    np.testing.assert_allclose(weights_read(asked, scale), expected)


def test_without_times_a_session_goes_on() -> None:
    histories = Sequences.from_lists([[1, 2, 3]])
    np.testing.assert_allclose(weights_read(histories, Scale(0.5, 1)), [0.25, 0.5, 1])


def test_what_comes_after_a_pause_knows_nothing_of_what_was_before() -> None:
    steps = Steps.of(timed([[0, 1, 9, 1]]))
    assert steps.left.tolist() == [3, 2, 1, 0]
    weights = Weights(Scale(0.5, 5), steps)
    assert weights.over(np.array([0, 1, 2]), 1).tolist() == [0.5, 0, 0.5]
    assert weights.over(np.array([0]), 3).tolist() == [0]


@pytest.mark.parametrize(("decay", "length"), [(0.01, 1), (0.3, 3), (0.8, 14), (0.97, 99)])
def test_items_of_hardly_any_weight_are_not_read(decay: float, length: int) -> None:
    assert Scale(decay).length == length
