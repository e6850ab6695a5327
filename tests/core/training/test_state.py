"""The state between two events is all that resuming needs."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.training.small import CPU, copied, experiment, run, same, take


def test_the_state_of_torchs_own_generators_does_not_matter(cycle: SequenceDataset) -> None:
    first, second = Training(experiment(), 50, CPU), Training(experiment(), 50, CPU)
    run(first, cycle)
    torch.rand(17)
    np.random.default_rng().random(3)
    run(second, cycle)
    assert same(first, second)


@pytest.mark.parametrize("stop_after", [0, 1, 5, 6, 7, 8, 9, 15, 20, 31])
def test_resuming_at_any_event_equals_going_on(cycle: SequenceDataset, stop_after: int) -> None:
    whole = Training(experiment(patience=3), 50, CPU)
    events = run(whole, cycle)
    assert len(events) > 31

    interrupted = Training(experiment(patience=3), 50, CPU)
    seen = list(take(fit(interrupted, cycle.without_test()), stop_after))
    tensors, counters = copied(interrupted)
    resumed = Training(experiment(patience=3), 50, CPU)
    resumed.restore(tensors, counters)
    rest = run(resumed, cycle)
    assert seen + rest == events
    assert same(whole, resumed)


def test_two_epochs_and_two_more_equal_four(cycle: SequenceDataset) -> None:
    whole = Training(experiment(epochs=4, validate_every=4), 50, CPU)
    run(whole, cycle)
    half = Training(experiment(epochs=2, validate_every=4), 50, CPU)
    run(half, cycle)
    resumed = Training(experiment(epochs=4, validate_every=4), 50, CPU)
    resumed.restore(*copied(half))
    run(resumed, cycle)
    assert same(whole, resumed)
