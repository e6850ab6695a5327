"""Evaluation of ranking models: logits of rows, and metrics with bootstrap intervals."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.batching.ranking import RankingBatch, to_batch
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.devices import WorkerPool, evaluation_mode
from seqrec_cli.core.evaluation import classification as metrics
from seqrec_cli.core.evaluation.classification import Values
from seqrec_cli.core.evaluation.statistics import (
    RESAMPLES,
    SMALL_SAMPLE,
    interval,
    resampled_counts,
    student,
    two_sided,
)
from seqrec_cli.core.evaluation.summary import Comparisons, Figure, plain_figures
from seqrec_cli.core.models.ranking.interface import RankingModel
from seqrec_cli.errors import DatasetError, RunError

RankingPart = Literal["valid", "test"]

CHUNK_ROWS = 2048  # scored at a time
WEIGHTS = 2**22  # weights of resampled rows in memory at a time

# Metrics of rows; GAUC, a metric of users, is computed separately.
METRICS: dict[str, Callable[[Values, Values, Values], Values]] = {
    "auc": metrics.auc,
    "log_loss": metrics.log_loss,
    "calibration_error": metrics.calibration_error,
    "predicted/observed": metrics.predicted_to_observed,
}
LOWER_IS_BETTER = ("log_loss", "calibration_error")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The logits of a model for rows.

    Attributes:
        labels: float64 (R,).
        logits: float64 (R,).
        users: int64 (R,), 0 to U - 1.
        user_aucs: float64 (U,), NaN for users with one kind of label.
    """

    labels: Values
    logits: Values
    users: NDArray[np.int64]
    user_aucs: Values

    @classmethod
    def of(cls, examples: Examples, logits: Values) -> "Predictions":
        labels = examples.labels.astype(np.float64)
        _, users = np.unique(examples.users, return_inverse=True)
        return cls(labels, logits, users, metrics.user_aucs(labels, logits, users))

    @property
    def skipped_users(self) -> int:
        """The number of users with one kind of label, who do not count for GAUC."""
        return int(np.isnan(self.user_aucs).sum())

    @property
    def user_rows(self) -> Values:
        """The number of rows of each user, (U,)."""
        return np.bincount(self.users).astype(np.float64)

    def values(self, counts: Values) -> dict[str, Values]:
        """Every metric, (W,) each, with users weighted by `counts` (W, U)."""
        weights = counts[:, self.users]
        values = {
            name: metric(self.labels, self.logits, weights) for name, metric in METRICS.items()
        }
        values["gauc"] = metrics.grouped(self.user_aucs, self.user_rows, counts)
        return values

    def means(self) -> dict[str, float]:
        """Every metric that is not NaN."""
        values = self.values(np.ones((1, len(self.user_aucs))))
        return {name: float(value[0]) for name, value in values.items() if not np.isnan(value[0])}


def score_rows(model: RankingModel, batch: RankingBatch, device: torch.device) -> Values:
    """The logits of rows, float64 (R,); in chunks, each on one core.

    Raises:
        RunError: a logit is not finite.
    """

    def work(rows: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            logits: torch.Tensor = model(batch.take(rows))
            return logits

    evaluation_mode(model)
    order = torch.arange(len(batch), device=batch.items.device)
    chunks = list(WorkerPool(device).map(work, torch.split(order, CHUNK_ROWS)))
    logits = torch.cat(chunks).double().cpu().numpy() if chunks else np.zeros(0)
    if not np.isfinite(logits).all():
        raise RunError(
            "the model's logits are not finite numbers",
            "its weights are broken: train again, or use another run",
        )
    return np.asarray(logits)


def predict(model: RankingModel, examples: Examples, device: torch.device) -> Predictions:
    """The logits of a model for rows."""
    return Predictions.of(examples, score_rows(model, to_batch(examples, device), device))


def bootstrap(predictions: Predictions, seed: int) -> dict[str, Values]:
    """Every metric of resampled users, (resamples,) each; the same users for the same seed."""
    chunks = [
        predictions.values(counts)
        for counts in resampled(len(predictions.user_aucs), len(predictions.labels), seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def resampled(users: int, rows: int, seed: int) -> Iterator[Values]:
    """How often each user is drawn, (resamples of this chunk, users); chunks bounded by memory."""
    for counts in resampled_counts(users, seed, RESAMPLES):
        step = max(1, WEIGHTS // max(rows, users))
        for start in range(0, len(counts), step):
            yield counts[start : start + step].astype(np.float64)


def figures(predictions: Predictions, draws: dict[str, Values]) -> dict[str, Figure]:
    """Every metric that is not NaN, with its 95 % bootstrap interval over users.

    Resampling can only raise the calibration error, so its percentile interval would be biased: its
    interval is +- 1.96 bootstrap standard errors (of few users Student's quantile).
    """
    figures_by_metric = {}
    users = len(predictions.user_aucs)
    left_out = without_each(predictions)
    for name, value in predictions.means().items():
        drawn = draws[name][~np.isnan(draws[name])]
        if name == "calibration_error":
            margin = student(users - 1) * float(drawn.std(ddof=1))
            figures_by_metric[name] = Figure(value, max(0.0, value - margin), value + margin)
        else:
            rest = left_out[name][~np.isnan(left_out[name])]
            influences = rest.mean() - rest if len(rest) else rest
            low, high = interval(drawn[:, None], np.array([value]), influences[:, None])
            figures_by_metric[name] = Figure(value, float(low[0]), float(high[0]))
    return figures_by_metric


def without_each(predictions: Predictions) -> dict[str, Values]:
    """Every metric without each user in turn, (U,) each; of a large sample zeros, for which
    `interval` does not ask."""
    users = len(predictions.user_aucs)
    if users >= SMALL_SAMPLE:
        return dict.fromkeys([*METRICS, "gauc"], np.zeros(users))
    counts = 1 - np.eye(users)
    step = max(1, WEIGHTS // max(len(predictions.labels), users))
    chunks = [predictions.values(counts[at : at + step]) for at in range(0, users, step)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def differences_of(
    a: Predictions, b: Predictions, draws: tuple[dict[str, Values], dict[str, Values]]
) -> dict[str, tuple[float, float]]:
    """For each metric with a direction: a minus b on the same rows, and its two-sided p-value."""
    first, second = a.means(), b.means()
    differences_by_metric: dict[str, tuple[float, float]] = {}
    for name in ("auc", "gauc", "log_loss", "calibration_error"):
        if name in first and name in second:
            drawn = draws[0][name] - draws[1][name]
            p = two_sided(drawn[~np.isnan(drawn)])
            differences_by_metric[name] = (first[name] - second[name], p)
    return differences_by_metric


def check_part(examples: Examples | None, name: str, part: str) -> Examples:
    """The rows of a part, checked.

    Raises:
        DatasetError: there are none, or all have the same label.
    """
    if examples is None or not len(examples):
        raise DatasetError(
            f"the dataset `{name}` has no {part} part", "prepare it with another `--split`"
        )
    if len(np.unique(examples.labels)) < 2:
        raise DatasetError(
            f"every row of the {part} part of `{name}` has the same label, so there is nothing to "
            "rank",
            "prepare it from more data, or with another `--split`",
        )
    return examples


def constant_rate(train: Examples, rows: Examples) -> Values:
    """The logit of the share of positives in the train part, for every row, (R,)."""
    rate = (float(train.labels.sum()) + 0.5) / (len(train) + 1)
    return np.full(len(rows), np.log(rate / (1 - rate)))


def item_rate(train: Examples, rows: Examples, prior: float = 5.0) -> Values:
    """The logit of each candidate's share of positives in the train part, (R,).

    Smoothed by `prior` rows with the share of positives of all candidates.
    """
    most = int(max(train.candidates.max(), rows.candidates.max())) + 1
    counts = np.bincount(train.candidates, minlength=most)
    positives = np.bincount(train.candidates, weights=train.labels, minlength=most)
    rate = (float(train.labels.sum()) + 0.5) / (len(train) + 1)
    shares = (positives + prior * rate) / (counts + prior)
    share = shares[rows.candidates]
    return np.asarray(np.log(share / (1 - share)))


BASELINES: dict[str, Callable[[Examples, Examples], Values]] = {
    "constant rate": constant_rate,
    "item's rate": item_rate,
}


@dataclass(frozen=True, eq=False)
class RankingReport:
    """The results of an evaluation of rows.

    Attributes:
        part: the part of the dataset that was evaluated.
        predictions: those of each scorer.
        figures: each metric of each scorer with its 95 % interval.
        comparisons: of each pair of runs.
    """

    dataset: RankingDataset
    part: RankingPart
    seed: int
    predictions: Mapping[str, Predictions]
    figures: Mapping[str, dict[str, Figure]]
    comparisons: Comparisons

    @property
    def first(self) -> Predictions:
        """The first predictions: labels and users are the same in all."""
        return next(iter(self.predictions.values()))

    def plain(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        first = self.first
        return {
            "data": self.dataset.name,
            "data_sha256": self.dataset.sha256,
            "task": self.dataset.task,
            "split": self.part,
            "seed": self.seed,
            "rows": len(first.labels),
            "positives": int(first.labels.sum()),
            "users": len(first.user_aucs),
            "users_left_out_of_gauc": first.skipped_users,
        } | plain_figures(self.figures, self.comparisons)


def evaluate_rows(
    models: Mapping[str, Any],
    dataset: RankingDataset,
    part: RankingPart,
    device: torch.device,
    *,
    baselines: bool,
    seed: int,
) -> RankingReport:
    """Score the rows of a part by each of `models`, and compare each pair of them.

    Raises:
        DatasetError: the part has no rows, or all have the same label.
        RunError: a logit is not finite.
    """
    rows = check_part(dataset.test if part == "test" else dataset.valid, dataset.name, part)
    predictions = {name: predict(model, rows, device) for name, model in models.items()}
    for name, rate in BASELINES.items() if baselines else ():
        predictions[name] = Predictions.of(rows, rate(dataset.train, rows))
    draws = {name: bootstrap(prediction, seed) for name, prediction in predictions.items()}
    return RankingReport(
        dataset=dataset,
        part=part,
        seed=seed,
        predictions=predictions,
        figures={
            name: figures(prediction, draws[name]) for name, prediction in predictions.items()
        },
        comparisons={
            (a, b): differences_of(predictions[a], predictions[b], (draws[a], draws[b]))
            for a, b in itertools.combinations(models, 2)
        },
    )
