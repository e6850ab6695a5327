"""X'X and X'Y against X and Y made row by row."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models import equations
from seqrec_cli.core.models.equations import add_products
from seqrec_cli.core.models.recency import Scale, weights_read

ROWS = 5  # slots 0 to 4, of which 0 is none
EVENT = st.tuples(st.integers(0, ROWS - 1), st.integers(0, 9))
SCALES = st.sampled_from(
    [
        (Scale(0.6),),
        (Scale(0.6, 4),),
        (Scale(0.3), Scale(0.9)),
        (Scale(0.9), Scale(0.5, 0), Scale(0.9, 4)),
    ]
)


@settings(deadline=None)
@given(
    st.lists(st.lists(EVENT, max_size=9), min_size=1, max_size=5),
    SCALES,
    st.booleans(),
    st.sampled_from([1.0, 0.3]),
)
def test_the_equations_are_those_of_the_textbook(
    events: list[list[tuple[int, int]]], scales: tuple[Scale, ...], several: bool, weight: float
) -> None:
    lists = [[slot for slot, _ in own] for own in events]
    times = [np.cumsum([pause for _, pause in own]).tolist() for own in events]
    x = np.zeros((0, len(scales), ROWS))
    y = np.zeros((0, ROWS))
    for own, moments in zip(lists, times, strict=True):
        for at in range(1, len(own)):
            before = replace(
                Sequences.from_lists([own[:at]]),
                times=np.array(moments[:at]),
                moments=np.array([moments[at]]),
            )
            row = np.zeros((1, len(scales), ROWS))
            for number, scale in enumerate(scales):
                np.add.at(row[0, number], own[:at], weights_read(before, scale))
            x = np.concatenate((x, row))
            y = np.concatenate((y, np.eye(ROWS)[[own[at]]]))
    x[:, :, 0] = y[:, 0] = 0
    flat = x.reshape(len(x), len(scales) * ROWS)
    products, sides = torch.zeros(flat.shape[1], flat.shape[1]), torch.zeros(flat.shape[1], ROWS)
    flat_times = np.array([time for own in times for time in own], np.int64)
    whole = replace(Sequences.from_lists(lists), times=flat_times)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equations, "EVENTS", 3 if several else 2**17)
        workers = WorkerPool(torch.device("cpu"))
        *_, last = add_products(products, sides, whole, scales, workers, weight)
    assert last == 1
    np.testing.assert_allclose(products.tril().numpy(), np.tril(weight * flat.T @ flat), atol=1e-5)
    np.testing.assert_allclose(sides.numpy(), weight * flat.T @ y, atol=1e-5)
