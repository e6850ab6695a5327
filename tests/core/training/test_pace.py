"""Budgets: a training stops and validates where it is told, and goes on from there."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import TrainingConfig
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.training import distributed
from seqrec_cli.core.training import pace as pacing
from seqrec_cli.core.training.events import EpochDone, Event, Spent, StepDone, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.schedule import lr_factor
from seqrec_cli.core.training.sequential import fit
from tests.core.training.small import copied, experiment, run, same

CPU = torch.device("cpu")
STEPS = 7  # in an epoch: 200 users in batches of 32


def steps_of(events: list[Event]) -> int:
    return sum(isinstance(event, StepDone | EpochDone) for event in events)


def test_stops_after_max_steps_in_the_midst_of_an_epoch(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=50, max_steps=10, validate_every=20), 50, CPU)
    events = run(training, cycle)
    assert steps_of(events) == 10
    assert events[-1] == Spent("max_steps", epoch=2, steps=10)
    validated = events[-2]
    assert isinstance(validated, Validated)
    assert (validated.epoch, validated.step) == (2, 10)
    assert (training.counters.epoch, training.counters.step) == (1, 3)


def test_epochs_that_end_first_are_no_budget_used_up(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=2, max_steps=100, validate_every=2), 50, CPU)
    events = run(training, cycle)
    assert isinstance(events[-1], Validated)
    assert steps_of(events) == 2 * STEPS


@pytest.mark.parametrize("every", ["3 steps", "3 step", "3steps"])
def test_validates_each_so_many_steps_and_at_the_end(cycle: SequenceDataset, every: str) -> None:
    training = Training(experiment(epochs=2, validate_every=every), 50, CPU)
    events = run(training, cycle)
    places = [
        steps_of(events[:place]) for place, e in enumerate(events) if isinstance(e, Validated)
    ]
    assert places == [3, 6, 9, 12, 14]
    assert [e.step for e in events if isinstance(e, Validated)] == places
    assert training.counters.validated_step == 12


def test_validating_inside_an_epoch_changes_no_weight(cycle: SequenceDataset) -> None:
    by_epoch, by_step = (
        Training(experiment(validate_every=every), 50, CPU) for every in (1, "2 steps")
    )
    run(by_epoch, cycle)
    run(by_step, cycle)
    ours, theirs = by_epoch.state()[0], by_step.state()[0]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 7, 8, 11, 16])
def test_resuming_between_steps_equals_going_on(cycle: SequenceDataset, stop_after: int) -> None:
    changes: dict[str, Any] = {
        "max_steps": 12, "validate_every": "3 steps", "schedule": "cosine", "validate_users": 50,
    }  # fmt: skip
    whole = Training(experiment(**changes), 50, CPU)
    events = run(whole, cycle)
    interrupted = Training(experiment(**changes), 50, CPU)
    seen = list(itertools.islice(fit(interrupted, cycle.without_test()), stop_after))
    resumed = Training(experiment(**changes), 50, CPU)
    resumed.restore(*copied(interrupted))
    assert seen + run(resumed, cycle) == events
    assert same(whole, resumed)


def test_more_steps_later_are_as_many_at_once(cycle: SequenceDataset) -> None:
    whole = Training(experiment(max_steps=12, validate_every="4 steps"), 50, CPU)
    run(whole, cycle)
    first = Training(experiment(max_steps=5, validate_every="4 steps"), 50, CPU)
    run(first, cycle)
    rest = Training(experiment(max_steps=12, validate_every="4 steps"), 50, CPU)
    rest.restore(*copied(first))
    run(rest, cycle)
    assert same(whole, rest)


class Clock:
    """A clock that a minute passes on each look at it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 60
        return self.seconds


def test_minutes(cycle: SequenceDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "time", SimpleNamespace(monotonic=Clock()))
    training = Training(experiment(max_minutes=9, validate_every="3 minutes"), 50, CPU)
    events = run(training, cycle)
    assert events[-1] == Spent("max_minutes", epoch=1, steps=7)
    places = [
        steps_of(events[:place]) for place, e in enumerate(events) if isinstance(e, Validated)
    ]
    # After three minutes, and three after that validation, which takes one; then at the end.
    assert places == [3, 6, 7]
    assert training.counters.seconds >= 9 * 60
    resumed = Training(experiment(max_minutes=12, validate_every="3 minutes"), 50, CPU)
    resumed.restore(*copied(training))
    assert 0 < steps_of(run(resumed, cycle)) <= 3


def test_a_schedule_follows_the_budget() -> None:
    cosine = {"schedule": "cosine", "epochs": 100}
    training = Training(experiment(max_steps=20, **cosine), 50, CPU)
    pace = pacing.Pace(training, training.experiment.training, STEPS, Clock())
    training.counters.epoch, training.counters.step = 2, 6
    assert pace.lr_factor(pace.done) == lr_factor(training.experiment.training, 20, 20) == 0
    timed = Training(experiment(max_minutes=10, **cosine), 50, CPU)
    pace = pacing.Pace(timed, timed.experiment.training, STEPS, Clock())
    timed.counters.step, timed.counters.seconds = 5, 300.0
    assert pace.lr_factor(pace.done) == pytest.approx(0.5)
    timed.counters.seconds = 600.0
    assert pace.lr_factor(pace.done) == pytest.approx(0)


def test_a_sample_of_users_is_the_same_each_time_and_ranks_exactly(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=1, validate_users=30), 50, CPU)
    event = run(training, cycle)[-1]
    assert isinstance(event, Validated)
    assert event.users == 30
    scorer = ModelScorer(training.model, 50)
    options = {"ks": [10], "seen": "exclude"}
    sample = evaluate(scorer, cycle, "valid", seed=3, most_users=30, **options)  # type: ignore[arg-type]
    assert sample.means()["ndcg@10"] == event.metrics["ndcg@10"]
    everybody = evaluate(scorer, cycle, "valid", **options)  # type: ignore[arg-type]
    exact = dict(zip(everybody.users, everybody.per_user["ndcg@10"], strict=True))
    values = [exact[user] for user in sample.users]
    assert values == sample.per_user["ndcg@10"].tolist()


@pytest.mark.parametrize(
    ("given", "kept"),
    [(4, 4), ("4", None), ("4 epochs", 4), ("500 steps", "500 steps"), ("1 minute", "1 minutes")],
)
def test_what_a_distance_between_validations_may_be(given: Any, kept: Any) -> None:
    if kept is None:
        with pytest.raises(ValueError, match="number of epochs, or such as `500 steps`"):
            TrainingConfig.model_validate({"validate_every": given})
        return
    settings = TrainingConfig.model_validate({"validate_every": given})
    assert settings.validate_every == kept
    assert TrainingConfig.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("wrong", [0, -1, "0 steps", "1.5 steps", "soon", "3 hours", 2.5, True])
def test_what_it_may_not_be(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"number of epochs, or such as|must not be true"):
        TrainingConfig.model_validate({"validate_every": wrong})
