"""Training: fit() yields what happened; stop iterating and the work stops.

Everything random is keyed by (seed, epoch, step or user), so what `Training.state` returns - the
weights, the optimizer's moments and a few counters - is all it takes to go on bit for bit, in the
middle of an epoch too.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.evaluation.sequential import Evaluation, evaluate
from seqrec_cli.core.evaluation.weighing import pick_weights
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Joined, ModelScorer, Seen
from seqrec_cli.core.models.fitted import fitting_on
from seqrec_cli.core.training.checks import check_data
from seqrec_cli.core.training.distributed import ALONE, Team
from seqrec_cli.core.training.events import Event, JoinedFitted, Joining, Refitted, Validated
from seqrec_cli.core.training.loop import check_finite, epochs, note_validation, train_epoch
from seqrec_cli.core.training.network import Training, make_batches
from seqrec_cli.core.training.pace import Pace
from seqrec_cli.core.training.seen import check_reachable, settle_seen
from seqrec_cli.core.training.sharded_validation import shared_ranks
from seqrec_cli.core.training.state import Counters
from seqrec_cli.core.training.steps import pace_of, train_steps


def fit(training: Training, data: SequenceDataset) -> Iterator[Event]:
    """Train until the budget ends or until patience runs out, yielding events.

    `data` must not contain its test part. Each `validate_every`, and at the end, the valid part is
    ranked in full, for all its users or for `validate_users` of them. Between two events
    `training.state()` may be taken and written.

    Raises:
        TrainingError: the loss is not finite; the weights are those before that step.
        DatasetError: there is nobody to train on, or nobody to validate on.
    """
    if data.test is not None:
        raise ValueError("fit() must not be given the test part: use dataset.without_test()")
    check_data(data)
    seen = settle_seen(training.experiment, data).seen
    check_reachable(data, seen)
    training.interruptible = training.team.size == 1
    batches = make_batches(training, data)
    for event in join(training, data):
        training.interruptible = False
        yield event
        training.interruptible = training.team.size == 1
    scorer = make_scorer(training)
    training.interruptible = False
    training.team.agree()
    pace = pace_of(training, batches)
    yield from epochs(
        training,
        pace,
        lambda: train_epoch(training, pace, partial(train_steps, training, batches, pace=pace)),
        lambda scheduled: validate(training, data, scorer, seen, pace, scheduled),
    )


def refit(
    training: Training,
    data: SequenceDataset,
    epoch: int,
    weights: dict[str, float],
    step: int = 0,
    first: Counters | None = None,
) -> Iterator[Event]:
    """Train the same recipe once more on train + valid, for as long as validation picked.

    The learning rate runs as it did. `training` must be a new one. The last event is `Refitted`.

    Args:
        epoch: how many epochs.
        weights: those that validation picked for what joins the network, by name.
        step: how many steps instead, where validation picked what is in the midst of an epoch.
        first: where the training ended that picked them.
    """
    data = data.with_valid_learnt()
    training.interruptible = True
    batches = make_batches(training, data)
    models: dict[str, Any] = {}
    for event in join(training, data):
        if isinstance(event, JoinedFitted):
            models[event.name] = event.model
        else:
            yield event
    training.interruptible = False
    for joined in training.joined:
        joined.weight = weights.get(joined.name, joined.weight)
    pace = pace_again(training, batches, first or Counters())
    steps = partial(train_steps, training, batches, pace=pace)
    while pace.done < (step or epoch * pace.steps):
        for done in train_epoch(training, pace, steps):
            yield done
            if pace.done == step:
                break
        check_finite(training, training.experiment.training.lr)
    yield Refitted(epoch, training, models)


def pace_again(training: Training, batches: Batches, first: Counters) -> Pace:
    """The pace of a last fit: its budget is in steps, so that the learning rate runs as it did in
    the one that ended at `first`."""
    settings = training.experiment.training
    update: dict[str, Any] = {"max_minutes": None, "validate_every": 1}
    if settings.max_minutes is not None and first.seconds:
        share = min(1.0, first.seconds / (60 * settings.max_minutes))
        done = first.epoch * len(batches) + first.step
        update["max_steps"] = max(1, min(settings.max_steps or 2**53, round(done / share)))
    return Pace(training, settings.model_copy(update=update), len(batches), training.team.clock)


def join(training: Training, data: SequenceDataset) -> Iterator[Joining | JoinedFitted]:
    """Fit the models that join the network on the train part."""
    training.joined, workers = [], WorkerPool(torch.device("cpu"))
    for name, settings in training.experiment.joined.items():
        for found in fitting_on(data, name, settings, workers):
            if isinstance(found, float):
                yield Joining(name, found)
        picked = settings.weight == "auto"
        weight = 1.0 if settings.weight == "auto" else settings.weight
        training.joined.append(Joined(name, found, weight, picked))
        yield JoinedFitted(name, found)


def make_scorer(training: Training) -> ModelScorer:
    """The scorer: the network, with what joins it."""
    return ModelScorer(training.model, training.num_items, training.device, training.joined)


def validate(
    training: Training,
    data: SequenceDataset,
    scorer: ModelScorer,
    seen: Seen,
    pace: Pace,
    scheduled: bool,
) -> Validated:
    """Rank the valid part and note whether it is the best so far.

    One that is not on schedule, after the last epoch, leaves the counters alone: who then resumes
    with more epochs gets what a training of that many epochs would have been.
    """
    settings = training.experiment.training
    check_finite(training, settings.lr)
    with training.keeping(), training.safe_to_interrupt():
        scorer.refresh()
        most, team = settings.validate_users, training.team
        if any(joined.picked for joined in scorer.joined):
            seed, others = training.experiment.seed, team if team.size > 1 else None
            pick_weights(scorer, data, settings.metric, seen, seed, most, others)
        shared = None if training.sharded is None else partial(shared_ranks, training, seen=seen)
        outcome = evaluate_valid(training.experiment, data, scorer, seen, most, team, shared)
    users = len(outcome.users) if settings.validate_users is not None else 0
    picked = [f"{joined.name} {joined.weight:g}" for joined in scorer.joined if joined.picked]
    return note_validation(
        training, outcome.means(), scheduled, pace, users=users, remark=", ".join(picked)
    )


def evaluate_valid(
    experiment: Experiment,
    data: SequenceDataset,
    scorer: ModelScorer,
    seen: Seen | None = None,
    most_users: int | None = None,
    team: Team = ALONE,
    ranker: Callable[[Queries], NDArray[np.int64]] | None = None,
) -> Evaluation:
    """Rank the valid part in full, for all its users or for a sample that stays the same.

    `ranker` as of `evaluate`.
    """
    settings = experiment.training
    k = int(settings.metric.partition("@")[2])
    return evaluate(
        scorer,
        data,
        "valid",
        ks=sorted({k, 10}),
        seen=seen or settle_seen(experiment, data).seen,
        seed=experiment.seed,
        most_users=most_users,
        team=team if team.size > 1 else None,
        ranker=ranker,
    )
