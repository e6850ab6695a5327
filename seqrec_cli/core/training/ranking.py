"""Training of ranking models; events, counters and early stopping are those of loop.py.

A step is small and computed on one core, so that the number of cores changes no bit of it. Batch
statistics are part of what is saved.
"""

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional as F

from seqrec_cli.core.batching.ranking import Batches, RankingBatch, Sizes, to_batch
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.data.sequences import Part
from seqrec_cli.core.devices import WorkerPool, training_mode
from seqrec_cli.core.evaluation.ranking import (
    LOWER_IS_BETTER,
    Predictions,
    check_part,
    score_rows,
)
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.switch import check_environment
from seqrec_cli.core.models.ranking.registry import build_ranker
from seqrec_cli.core.randomness import Purpose, hashed, torch_stream
from seqrec_cli.core.storage.tensors import MemoryLimit
from seqrec_cli.core.training.events import Event, Validated
from seqrec_cli.core.training.loop import check_finite, epochs, note_validation, train_epoch
from seqrec_cli.core.training.optimizers import Adam, Optimizer
from seqrec_cli.core.training.pace import Pace
from seqrec_cli.core.training.state import Counters, Resumable
from seqrec_cli.errors import DatasetError, TrainingError


class RankingTraining(Resumable):
    """A ranking model with its optimizer and counters: what a training is between two steps."""

    def __init__(self, experiment: RankingExperiment, sizes: Sizes, device: torch.device) -> None:
        check_environment()
        settings = experiment.training
        self.experiment = experiment
        self.device = device
        self.counters = Counters()
        generator = torch_stream(experiment.seed, Purpose.WEIGHTS)
        with MemoryLimit():
            model = build_ranker(experiment.model, sizes, generator)
        self.model = model.to(device)
        adam = Adam(self.trained_parameters(), settings.lr, settings.betas, settings.weight_decay)
        self.optimizers: dict[str, Optimizer] = {"all": adam}
        self.workers = WorkerPool(device)

    def validation_score(self, metrics: dict[str, float]) -> float:
        """What validation picks the best weights by; higher is better."""
        value = super().validation_score(metrics)
        return -value if self.experiment.training.metric in LOWER_IS_BETTER else value


def parts_needed(experiment: RankingExperiment) -> tuple[Part, ...]:
    """The parts of a dataset that a training may see: the test part only where it says so."""
    stops_on_test = experiment.training.validate_on == "test"
    return ("train", "valid", "test") if stops_on_test else ("train", "valid")


def divide(data: RankingDataset, experiment: RankingExperiment) -> tuple[Examples, Examples]:
    """The rows to learn from, and those that pick the best weights.

    Raises:
        DatasetError: there are none of one of them, or all have the same label.
    """
    settings = experiment.training
    if settings.validate_on == "test":
        return check_part(data.train, data.name, "train"), check_part(data.test, data.name, "test")
    if data.test is not None:
        raise ValueError("training must not be given the test part: use dataset.without_test()")
    train, valid = data.train, data.valid
    if valid is None:
        train, valid = carve(train, settings.validation_share, experiment.seed)
    return check_part(train, data.name, "train"), check_part(valid, data.name, "valid")


def carve(rows: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Take a share of the users out, drawn by the seed: (the others' rows, theirs).

    Raises:
        DatasetError: there is a single user.
    """
    users = np.unique(rows.users)
    if len(users) < 2:
        raise DatasetError(
            "the train part has a single user, so no others can be held out",
            "prepare it from more data",
        )
    draws = hashed(seed, Purpose.VALID_USERS, 0, users, np.zeros(1, np.int64))
    count = min(len(users) - 1, max(1, round(share * len(users))))
    held_out = np.isin(rows.users, users[np.argsort(draws, kind="stable")[:count]])
    return rows.take(np.flatnonzero(~held_out)), rows.take(np.flatnonzero(held_out))


def fit(training: RankingTraining, train: Examples, valid: Examples) -> Iterator[Event]:
    """Train until the last epoch or until patience runs out, yielding events.

    Nothing but these rows is seen. Between two events `training.state()` may be taken and written.

    Raises:
        TrainingError: the loss is not finite; the weights are those before that step.
    """
    settings = training.experiment.training
    rows = to_batch(train, training.device)
    labels = torch.from_numpy(train.labels.copy()).to(training.device)
    asked = to_batch(valid, training.device)
    batches = Batches(len(train), settings.batch_size, training.experiment.seed)
    pace = Pace(training, settings, len(batches), time.monotonic)

    def losses(epoch: int, done: int) -> Iterator[float]:
        for step, own in enumerate(batches.rows_of(epoch, done), done + 1):
            noise = Noise(training.experiment.seed, epoch, step, 0, training.device)
            factor = pace.lr_factor((epoch - 1) * len(batches) + step - 1)
            where = own.to(training.device)
            batch, truth = rows.take(where), labels[where]
            yield training.workers.alone(
                lambda: train_step(training, batch, truth, noise, factor, epoch, step)  # noqa: B023
            )

    def validate(scheduled: bool) -> Validated:
        check_finite(training, settings.lr)
        with training.safe_to_interrupt():
            logits = score_rows(training.model, asked, training.device)
            metrics = Predictions.of(valid, logits).means()
        if settings.metric not in metrics:
            raise DatasetError(
                f"the rows that pick the best weights have no {settings.metric}: no user there has "
                "labels of both kinds",
                "use `training.metric: auc`",
            )
        return note_validation(training, metrics, scheduled, pace)

    yield from epochs(training, pace, lambda: train_epoch(training, pace, losses), validate)


def train_step(
    training: RankingTraining,
    batch: RankingBatch,
    labels: torch.Tensor,
    noise: Noise,
    factor: float,
    epoch: int,
    step: int,
) -> float:
    """Change the weights once; returns the loss, with what else is minimised."""
    model = training.model
    training_mode(model)
    statistics = training.statistics()
    logits, extra = model.learn(batch, noise)
    loss = F.binary_cross_entropy_with_logits(logits, labels)
    if extra is not None:
        loss = loss + extra
    value = float(loss.detach())
    if not math.isfinite(value):
        training.set_statistics(statistics)
        raise TrainingError(
            f"the loss became {value} in epoch {epoch}, step {step}",
            f"lower `training.lr` (it is {training.experiment.training.lr})",
        )
    parameters = list(training.trained_parameters().values())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    for optimizer in training.optimizers.values():
        optimizer.step(factor)
    return value
