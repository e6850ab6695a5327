"""The loop over epochs and validations: its events in order, and when it ends."""

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.training.events import EpochDone, Event, StepDone, Stopped, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import TrainingError
from tests.core.training.small import CPU, experiment, run


def test_events_tell_the_story_in_order(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=3, validate_every=2), 50, CPU)
    events = run(training, cycle)
    kinds = [type(event) for event in events]
    steps = 7  # 200 users in batches of 32; the last step of an epoch is its EpochDone
    one = [StepDone] * (steps - 1) + [EpochDone]
    assert kinds == [*one, *one, Validated, *one, Validated]
    assert [e.epoch for e in events if isinstance(e, Validated)] == [2, 3]
    assert [e.step for e in events if isinstance(e, StepDone)][: steps - 1] == list(range(1, steps))


def test_patience_stops_when_validation_gets_no_better(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=50, lr=1e-12, patience=2), 50, CPU)
    events = run(training, cycle)
    assert events[-1] == Stopped(epoch=3, best_epoch=1)
    assert [e.is_best for e in events if isinstance(e, Validated)] == [True, False, False]


def test_a_loss_that_is_not_finite_stops_before_it_touches_the_weights(
    cycle: SequenceDataset,
) -> None:
    training = Training(experiment(epochs=3, lr=1e25, validate_every=3), 50, CPU)
    seen: list[Event] = []
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) in epoch \d+, step \d+"):
        seen.extend(fit(training, cycle.without_test()))
    assert seen
    assert all(np.isfinite(e.loss) for e in seen if isinstance(e, StepDone | EpochDone))
