"""The steps of an epoch: a batch in parts, their gradients added up, the weights changed."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from seqrec_cli.core.batching.sequential import Batches, TrainBatch
from seqrec_cli.core.devices import training_mode
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.training.distributed import Found, add_up
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.objective import batch_loss
from seqrec_cli.core.training.pace import Pace
from seqrec_cli.errors import TrainingError


def pace_of(training: Training, batches: Batches) -> Pace:
    """How far a training is, and what its settings say of that."""
    settings = training.experiment.training
    return Pace(training, settings, len(batches), training.team.clock)


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
    team = training.team
    batches_left = batches.users_of(epoch)[done:]
    upcoming = begin(done + 1)
    for step, users in enumerate(batches_left, done + 1):
        (count, parts), total = upcoming, batches.weigh(users)
        team.agree()
        training_mode(training.model)
        statistics = training.statistics()
        with rows_for(training, parts) as parts:
            # From the last: that of many short histories takes longest, and is not waited for.
            results = training.workers.map(work, reversed(parts))
            if step < len(batches):
                # Queued behind this step's parts: the core that is done first makes the next ones.
                upcoming = begin(step + 1)
            # Running statistics change while gradients are computed, and nothing else does.
            safe = contextlib.nullcontext() if statistics else training.safe_to_interrupt()
            with safe:
                found = dict(results)
        add = partial(total_of, training, found, count)
        # On a core of the pool: torch's own threads would spin beside the next step's parts.
        loss, gradient = training.workers.alone(add) if team.size == 1 else add()
        try:
            factor = pace.lr_factor((epoch - 1) * len(batches) + step - 1)
            loss = update_weights(training, loss, [gradient], epoch, step, factor)
        except TrainingError:
            training.set_statistics(statistics)
            raise
        yield loss


def rows_for(
    training: Training, parts: dict[int, Callable[[], TrainBatch]]
) -> contextlib.AbstractContextManager[dict[int, Callable[[], TrainBatch]]]:
    """Within the block, these parts can be computed: shared tables have the rows that they read."""
    if training.sharded is None:
        return contextlib.nullcontext(parts)
    return training.sharded.step(training.team, parts, training.device)


def total_of(training: Training, found: dict[int, Found], count: int) -> Found:
    """The batch's loss and gradients, of `count` parts of which `found` has one's own."""
    parameters = training.trained_parameters()
    if training.sharded is None:
        return training.team.total(found, count, list(parameters.values()))
    return training.sharded.total(training.team, found, count, parameters)


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
        if training.averages is not None:
            training.averages.add()

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
