"""Training: fit() yields what happened; stop iterating and the work stops.

Everything random is keyed by (seed, epoch, step or user), so what `Training.state` returns - the
weights, the optimiser's moments and a few counters - is all it takes to go on bit for bit, in the
middle of an epoch too.
"""

import contextlib
import functools
import math
import operator
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.batching import Batches
from seqrec_cli.core.config import Experiment
from seqrec_cli.core.dataset import SequenceDataset
from seqrec_cli.core.evaluation import evaluate, queries
from seqrec_cli.core.models import build_model
from seqrec_cli.core.objective import batch_loss
from seqrec_cli.core.optimisers import RowwiseAdagrad
from seqrec_cli.core.packing import FILL
from seqrec_cli.core.parallel import Cores
from seqrec_cli.core.randomness import Noise, Purpose, torch_stream
from seqrec_cli.core.scoring import ModelScorer
from seqrec_cli.errors import ConfigError, DatasetError, TrainingError


@dataclass(frozen=True)
class StepDone:
    """A batch was trained on. Epochs and steps count from 1; loss is the epoch's mean so far."""

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch is over; loss is the mean over its batches."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class Validated:
    """The valid part was ranked, full catalogue, seen items excluded."""

    epoch: int
    loss: float  # the epoch's mean
    metrics: dict[str, float]
    is_best: bool


@dataclass(frozen=True)
class Stopped:
    """Training ended before its last epoch: no better validation for `patience` of them."""

    epoch: int
    best_epoch: int


Event = StepDone | EpochDone | Validated | Stopped


@dataclass
class Counters:
    """Where a training stands."""

    epoch: int = 0  # epochs that are over
    step: int = 0  # batches done of the next one
    loss_sum: float = 0.0  # over those batches
    loss: float = 0.0  # the mean over the last epoch that is over
    validated: int = 0  # the last epoch that was validated
    best: float = -math.inf
    best_epoch: int = 0
    worse: int = 0  # validations since the best


class Training:
    """A model with its optimiser and counters: what a training is between two steps."""

    def __init__(self, experiment: Experiment, num_items: int, device: torch.device) -> None:
        settings = experiment.training
        self.experiment = experiment
        self.num_items = num_items
        self.device = device
        self.counters = Counters()
        generator = torch_stream(experiment.seed, Purpose.WEIGHTS)
        self.model = build_model(experiment.model, num_items, generator).to(device)
        self.tables: RowwiseAdagrad | None = None
        groups: list[dict[str, Any]] = [{"params": list(self.model.parameters())}]
        tables = {n: p for n, p in self.model.named_parameters() if n in self.model.tables}
        others = [p for n, p in self.model.named_parameters() if n not in tables]
        if settings.table_optimiser == "adagrad":
            self.model.sparse_gradients()
            self.tables = RowwiseAdagrad(tables, settings.table_lr or settings.lr)
            groups = [{"params": others}]
        elif settings.table_lr is not None:
            own = {"params": list(tables.values()), "lr": settings.table_lr}
            groups = [{"params": others}, own]
        self.optimiser = torch.optim.Adam(
            groups,
            lr=settings.lr,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        self.encode = torch.compile(self.model.encode) if settings.compile else self.model.encode
        self.cores = Cores(device)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that exact resumption needs: tensors by name, and plain counters."""
        tensors = {f"model.{name}": t for name, t in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for kind, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{name}.{kind}"] = value
        for name, sums in self.tables.sums.items() if self.tables else ():
            tensors[f"optimiser.{name}.sums"] = sums
        return tensors, asdict(self.counters)

    def restore(self, tensors: dict[str, Tensor], counters: dict[str, Any]) -> None:
        """Go back to what `state` returned.

        Raises:
            KeyError, ValueError, TypeError, RuntimeError: they are not of this model.
        """
        weights = {
            name.removeprefix("model."): tensor
            for name, tensor in tensors.items()
            if name.startswith("model.")
        }
        self.model.load_state_dict(weights)
        for name, sums in self.tables.sums.items() if self.tables else ():
            sums.copy_(tensors[f"optimiser.{name}.sums"])
        for name, parameter in self.model.named_parameters():
            if self.tables and name in self.tables.sums:
                continue
            kinds = ("step", "exp_avg", "exp_avg_sq")
            found = {kind: tensors.get(f"optimiser.{name}.{kind}") for kind in kinds}
            if counters["epoch"] + counters["step"] == 0 and not any(
                value is not None for value in found.values()
            ):
                continue
            self.optimiser.state[parameter] = {
                kind: tensors[f"optimiser.{name}.{kind}"].to(
                    "cpu" if kind == "step" and self.device.type == "cpu" else self.device
                )
                for kind in kinds
            }
        self.counters = Counters(**counters)

    def is_finite(self) -> bool:
        """Whether all weights are finite numbers."""
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())


def fit(training: Training, data: SequenceDataset) -> Iterator[Event]:
    """Train until the last epoch or until patience is at its end, yielding what happened.

    `data` must not contain its test part. Each `validate_every` epochs, and after the last, the
    valid part is ranked in full. Between two events `training.state()` may be taken and kept.

    Raises:
        TrainingError: the loss is not finite; the weights are those before that step.
        DatasetError: there is nobody to train on, or nobody to validate on.
    """
    if data.test is not None:
        raise ValueError("fit() must not be given the test part: use dataset.without_test()")
    check_data(data)
    settings, counters = training.experiment.training, training.counters
    batches = Batches(
        data.train,
        data.num_items,
        seed=training.experiment.seed,
        batch_size=settings.batch_size,
        max_length=training.model.max_length,
        num_negatives=settings.negatives,
        share_negatives=settings.share_negatives,
        fill=FILL if training.device.type == "cpu" else 0.0,
    )
    while True:
        scheduled = counters.epoch > 0 and counters.epoch % settings.validate_every == 0
        if scheduled and counters.validated < counters.epoch:
            yield validate(training, data, scheduled)
        if counters.epoch >= settings.epochs:
            if counters.epoch > 0 and not scheduled:
                yield validate(training, data, scheduled)
            return
        if settings.patience is not None and counters.worse >= settings.patience:
            yield Stopped(counters.epoch, counters.best_epoch)
            return
        yield from train_epoch(training, batches)


def train_epoch(training: Training, batches: Batches) -> Iterator[StepDone | EpochDone]:
    """Train on what is left of the epoch."""
    counters = training.counters
    epoch = counters.epoch + 1
    for users in batches.users_of(epoch)[counters.step :]:
        loss = train_step(training, batches, users, epoch, counters.step + 1)
        counters.step += 1
        counters.loss_sum += loss
        if counters.step < len(batches):
            yield StepDone(epoch, counters.step, len(batches), counters.loss_sum / counters.step)
    mean = counters.loss_sum / len(batches)
    counters.epoch, counters.step, counters.loss_sum, counters.loss = epoch, 0, 0.0, mean
    # Last, so that whoever stops at it finds the counters at the end of the epoch.
    yield EpochDone(epoch, mean)


def train_step(
    training: Training, batches: Batches, users: NDArray[np.int64], epoch: int, step: int
) -> float:
    """Change the weights once, for one batch of users; returns its loss.

    The batch is cut into parts, each for one core; their gradients add up to the batch's. How many
    parts depends on the batch alone, so the number of cores does not change the result.
    """
    experiment, parameters = training.experiment, list(training.model.parameters())
    parts = batches.split(users)
    total = batches.count_targets(users)

    def work(number: int) -> tuple[float, tuple[Tensor, ...]]:
        batch = batches.make(epoch, parts[number]).to(training.device)
        noise = Noise(experiment.seed, epoch, step, number, training.device)
        with autocast(training.device, experiment.training.precision):
            states = training.encode(batch.histories, noise)  # (T, D)
            loss = batch_loss(training.model, states, batch, experiment.training)
        loss = loss * (batches.count_targets(parts[number]) / total)
        return float(loss.detach()), torch.autograd.grad(loss, parameters)

    shares, gradients = zip(*training.cores.map(work, range(len(parts))), strict=True)
    value: float = sum(shares)
    weight = experiment.training.l2_emb
    if weight:
        value += weight * float(training.model.items.weight.detach().square().sum())
    if not math.isfinite(value):
        raise TrainingError(
            f"the loss became {value} in epoch {epoch}, step {step}",
            f"lower `training.lr` (it is {experiment.training.lr})",
        )

    def update() -> None:
        for parameter, *of_parts in zip(parameters, *gradients, strict=True):
            parameter.grad = functools.reduce(operator.add, of_parts)
        if weight:
            add_l2(training.model.items.weight, weight)
        training.optimiser.step()
        if training.tables:
            training.tables.step()

    training.cores.alone(update)
    return value


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Compute in bfloat16 where that loses little, if the experiment says so."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


@torch.no_grad()
def add_l2(table: Tensor, weight: float) -> None:
    """Add the gradient of `weight` times the squared norm of `table`."""
    assert table.grad is not None
    table.grad.add_(table, alpha=2 * weight)


def validate(training: Training, data: SequenceDataset, scheduled: bool) -> Validated:
    """Rank the valid part and note whether it is the best so far.

    One that is not on schedule, after the last epoch, leaves the counters alone: who then resumes
    with more epochs gets what a training of that many epochs would have been.
    """
    settings, counters = training.experiment.training, training.counters
    if not training.is_finite():
        raise TrainingError(
            f"the weights are not finite after epoch {counters.epoch}",
            f"lower `training.lr` (it is {settings.lr})",
        )
    k = int(settings.metric.partition("@")[2])
    scorer = ModelScorer(training.model, training.num_items, training.device)
    outcome = evaluate(scorer, data, "valid", ks=sorted({k, 10}), seen="exclude")
    metrics = outcome.means()
    value = metrics[settings.metric]
    is_best = value > counters.best
    if scheduled:
        counters.validated = counters.epoch
        counters.worse = 0 if is_best else counters.worse + 1
        if is_best:
            counters.best, counters.best_epoch = value, counters.epoch
    return Validated(counters.epoch, counters.loss, metrics, is_best)


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


def check_settings(experiment: Experiment, device: torch.device) -> None:
    """Refuse what the device cannot do.

    Raises:
        ConfigError: with the setting and what to use instead.
    """
    if experiment.training.precision == "bfloat16" and device.type == "mps":
        raise ConfigError("`training.precision: bfloat16` does not work on mps", "use float32")
    settings = experiment.training
    if settings.table_optimiser == "adagrad" and (settings.l2_emb or settings.loss == "softmax"):
        wrong = "l2_emb" if settings.l2_emb else "loss: softmax"
        raise ConfigError(
            f"`training.{wrong}` touches the whole item table in each step, which "
            "`training.table_optimiser: adagrad` is there to avoid",
            "use `training.table_optimiser: adam`, or another loss",
        )
