"""Training: fit() yields what happened; stop iterating and the work stops.

Everything random is keyed by (seed, epoch, step or user), so what `Training.state` returns - the
weights, the optimizer's moments and a few counters - is all it takes to go on bit for bit, in the
middle of an epoch too.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import FILL
from seqrec_cli.core.batching.sequential import Batches, TrainBatch
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.devices import WorkerPool, training_mode
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.evaluation.sequential import Evaluation, evaluate
from seqrec_cli.core.evaluation.weighing import pick_weights
from seqrec_cli.core.experiment.sequential import Experiment, TrainingConfig
from seqrec_cli.core.inference.scoring import Joined, ModelScorer, Seen
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.switch import check_environment
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.randomness import Purpose, torch_stream
from seqrec_cli.core.storage.memory import in_words, total_memory
from seqrec_cli.core.storage.tensors import MemoryLimit
from seqrec_cli.core.training.distributed import ALONE, Found, Team, add_up
from seqrec_cli.core.training.events import Event, JoinedFitted, Joining, Refitted, Validated
from seqrec_cli.core.training.joining import join
from seqrec_cli.core.training.loop import check_finite, epochs, note_validation, train_epoch
from seqrec_cli.core.training.objective import batch_loss
from seqrec_cli.core.training.optimizers import Adagrad, Adam, Optimizer, RowwiseAdagrad
from seqrec_cli.core.training.pace import Pace
from seqrec_cli.core.training.seen import check_reachable, settle_seen
from seqrec_cli.core.training.state import Counters, Resumable
from seqrec_cli.errors import ConfigError, DatasetError, TrainingError


class Training(Resumable):
    """A model with its optimizer and counters: what a training is between two steps."""

    def __init__(
        self,
        experiment: Experiment,
        num_items: int,
        device: torch.device,
        features: Features | None = None,
    ) -> None:
        check_environment()
        settings = experiment.training
        self.experiment = experiment
        self.num_items = num_items
        self.device = device
        self.counters = Counters()
        self.joined: list[Joined] = []
        generator = torch_stream(experiment.seed, Purpose.WEIGHTS)
        with MemoryLimit():
            model = build_model(experiment.model, num_items, generator, features)
        self.model = model.to(device)
        parameters = self.trained_parameters()
        tables = {name: parameters.pop(name) for name in sorted(self.model.tables)}
        table_lr = settings.table_lr or settings.lr
        adam = partial(Adam, betas=settings.betas, weight_decay=settings.weight_decay)
        adagrad = partial(Adagrad, momentum=settings.momentum)
        make: Callable[..., Optimizer] = adam if settings.optimizer == "adam" else adagrad
        self.optimizers = {"others": make(parameters, settings.lr)}
        if settings.table_optimizer == "adagrad":
            self.model.sparse_gradients()
            self.optimizers["tables"] = RowwiseAdagrad(tables, table_lr)
        else:
            by_name = adam if settings.table_optimizer == "adam" else make
            self.optimizers["tables"] = by_name(tables, table_lr)
        self.encode = torch.compile(self.model.encode) if settings.compile else self.model.encode
        self.workers = WorkerPool(device)

    def facts(self) -> dict[str, Any]:
        """The weights of what joins the network."""
        weights = {joined.name: joined.weight for joined in self.joined}
        return {"weights": weights} if weights else {}


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
    for event in join_each(training, data):
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


def pace_of(training: Training, batches: Batches) -> Pace:
    """How far a training is, and what its settings say of that."""
    settings = training.experiment.training
    return Pace(training, settings, len(batches), training.team.clock)


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
    for event in join_each(training, data):
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


def make_batches(training: Training, data: SequenceDataset) -> Batches:
    """The batches of a training on the train part."""
    settings = training.experiment.training
    return Batches(
        data.learnt(),
        data.num_items,
        seed=training.experiment.seed,
        batch_size=settings.batch_size,
        max_length=training.model.max_length,
        num_negatives=settings.negatives,
        negatives_per=settings.negatives_per,
        in_batch=settings.in_batch,
        popularity_power=settings.popularity_power,
        sampler=settings.sampler,
        log_probabilities=settings.loss.corrects_sampling,
        half_life=settings.loss.target_half_life,
        excluded_items=training.model.excluded_items,
        fill=FILL if training.device.type == "cpu" else 0.0,
        cost=training.model.cost,
    )


def check_negatives(settings: TrainingConfig, data: SequenceDataset, max_length: int) -> None:
    """Refuse more negatives than memory can hold, of a batch with the longest histories.

    Raises:
        ConfigError: with their size and that of the memory.
    """
    longest = np.minimum(np.sort(data.train.lengths)[-settings.batch_size :], max_length)
    shared = {"target": int(longest.sum()), "history": len(longest), "batch": 1}
    size = 8 * settings.negatives * shared[settings.negatives_per]
    if size > total_memory():
        raise ConfigError(
            f"the negatives of a batch take {in_words(size)} of memory, and there are "
            f"{in_words(total_memory())}",
            "use fewer `training.negatives`, or `training.negatives_per: batch`",
        )


def train_steps(
    training: Training, batches: Batches, epoch: int, done: int, pace: Pace | None = None
) -> Iterator[float]:
    """Change the weights once for each batch of an epoch but the first `done`; yields the losses.

    A batch is cut into parts, each for one core; their gradients add up to the batch's. How many
    parts depends on the batch alone, so the number of cores does not change the result.
    """

    def begin(step: int) -> tuple[int, dict[int, Callable[[], TrainBatch]]]:
        users = batches_left[step - done - 1]
        make = partial(batches.make, epoch, shared=batches.share(epoch, step, users))
        split = batches.split(users)
        own = {n: training.workers.begin(partial(make, split[n])) for n in team.own(len(split))}
        return len(split), own

    def work(number: int) -> tuple[int, Found]:
        noise = Noise(training.experiment.seed, epoch, step, number, training.device)
        batch = parts[number]().to(training.device)
        loss, gradients = part_gradients(training, batch, total, noise)
        return number, (loss, list(gradients))

    pace = pace or pace_of(training, batches)
    team, parameters = training.team, list(training.trained_parameters().values())
    batches_left = batches.users_of(epoch)[done:]
    upcoming = begin(done + 1)
    for step, users in enumerate(batches_left, done + 1):
        (count, parts), total = upcoming, batches.weigh(users)
        team.agree()
        training_mode(training.model)
        statistics = training.statistics()
        # From the last: that of many short histories takes longest, and is not to be waited for.
        results = training.workers.map(work, reversed(parts))
        if step < len(batches):
            # Queued behind this step's parts: the core that is done first makes the next ones.
            upcoming = begin(step + 1)
        # Running statistics change while gradients are computed, and nothing else does.
        safe = contextlib.nullcontext() if statistics else training.safe_to_interrupt()
        with safe:
            found = dict(results)
        loss, gradient = team.total(found, count, parameters)
        try:
            factor = pace.lr_factor((epoch - 1) * len(batches) + step - 1)
            loss = update_weights(training, loss, [gradient], epoch, step, factor)
        except TrainingError:
            training.set_statistics(statistics)
            raise
        yield loss


def part_gradients(
    training: Training, batch: TrainBatch, total: float, noise: Noise
) -> tuple[float, tuple[Tensor, ...]]:
    """What one part adds to the loss of a batch that weighs `total`, and to the gradients."""
    settings = training.experiment.training
    with autocast(training.device, settings.precision):
        states = training.encode(batch.histories, noise)  # (T, D)
        loss = batch_loss(training.model, states, batch, settings, noise)
    loss = loss * (batch.weight / total)
    parameters = list(training.trained_parameters().values())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    return float(loss.detach()), gradients


def update_weights(
    training: Training,
    loss: float,
    gradients: Sequence[Sequence[Tensor]],
    epoch: int,
    step: int,
    factor: float,
) -> float:
    """Change the weights by the parts' gradients; returns the loss, `l2_emb` included."""
    settings, model = training.experiment.training, training.model
    if settings.l2_emb:
        loss += settings.l2_emb * float(model.items.weight.detach().square().sum())
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss became {loss} in epoch {epoch}, step {step}",
            f"lower `training.lr` (it is {settings.lr})",
        )

    def update() -> None:
        parameters = training.trained_parameters().values()
        for parameter, gradient in zip(parameters, add_up(gradients), strict=True):
            parameter.grad = gradient
        if settings.l2_emb:
            add_l2(model.items.weight, settings.l2_emb)
        for optimizer in training.optimizers.values():
            optimizer.step(factor)

    training.workers.alone(update)
    return loss


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Compute in bfloat16 where that loses little, if the experiment says so."""
    if precision == "bfloat16":
        # Without its cache, which all threads share: one would clear it under the other.
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    return contextlib.nullcontext()


@torch.no_grad()
def add_l2(table: Tensor, weight: float) -> None:
    """Add the gradient of `weight` times the squared norm of `table`."""
    assert table.grad is not None
    table.grad.add_(table, alpha=2 * weight)


def join_each(training: Training, data: SequenceDataset) -> Iterator[Joining | JoinedFitted]:
    """Fit the models that join the network on the train part."""
    training.joined = []
    for event in join(training.experiment, data, training.workers):
        if isinstance(event, Joined):
            training.joined.append(event)
        else:
            yield event


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
    with training.safe_to_interrupt():
        scorer.refresh()
        most, team = settings.validate_users, training.team
        if any(joined.picked for joined in scorer.joined):
            seed, others = training.experiment.seed, team if team.size > 1 else None
            pick_weights(scorer, data, settings.metric, seen, seed, most, others)
        outcome = evaluate_valid(training.experiment, data, scorer, seen, most, team)
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
) -> Evaluation:
    """Rank the valid part in full, for all its users or for a sample that stays the same."""
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
    )


def check_data(data: SequenceDataset) -> None:
    """Refuse a dataset that cannot be trained on, before anything is begun.

    Raises:
        DatasetError: there is nobody to train on, or nobody to validate on.
    """
    if not (data.train.lengths >= 2).any():
        raise DatasetError(
            f"the dataset `{data.name}` has no user with two items in its train part",
            "prepare it with another split, or from more data",
        )
    queries(data, "valid")


def check_team(training: Training, data: SequenceDataset) -> None:
    """Refuse more workers than there are parts in a batch.

    Raises:
        ConfigError: with what to use instead.
    """
    batches, size = make_batches(training, data), training.team.size
    parts = max(len(batches.split(users)) for users in batches.users_of(1)[:16])
    if training.statistic_names:
        parts = 1  # what one part changes, the next ones would read
    if parts < size:
        settings = training.experiment.training
        larger = (
            ""
            if parts == 1 and len(batches) == 1
            else (
                f", or larger batches: `--set training.batch_size={2 * size * settings.batch_size}`"
            )
        )
        raise ConfigError(
            f"a batch of {settings.batch_size} users is cut into {parts} "
            f"{'part' if parts == 1 else 'parts'}, fewer than the {size} workers",
            f"use {parts} {'worker' if parts == 1 else 'workers'}{larger}",
        )


def check_device(experiment: Experiment, device: torch.device) -> None:
    """Refuse what the device cannot do.

    Raises:
        ConfigError: with the setting and what to use instead.
    """
    if experiment.training.precision == "bfloat16" and device.type == "mps":
        raise ConfigError("`training.precision: bfloat16` does not work on mps", "use float32")
