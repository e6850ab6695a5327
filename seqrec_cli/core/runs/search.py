"""What is searched for settings, and how a trial of it ended."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from seqrec_cli.core.experiment.loading import AnyExperiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.space import Space
from seqrec_cli.core.runs.beginning import begin
from seqrec_cli.errors import ConfigError

Outcome = Literal["finished", "pruned", "refused", "unfinished"]


@dataclass(frozen=True)
class TrialEnded:
    """A trial is over.

    Attributes:
        outcome: finished; pruned, as it was worse than others; refused, as the settings do not go
            together or the training failed; unfinished, as the time was over.
        score: what the search maximizes; None if there was no validation.
        value: the experiment's metric at the best validation; epoch: when that was.
        remark: why it was refused.
    """

    number: int
    changes: tuple[str, ...]
    outcome: Outcome
    score: float | None
    value: float | None
    epoch: int
    seconds: float
    remark: str = ""


def score_of(trial: TrialEnded) -> float:
    """What trials are compared by."""
    return -math.inf if trial.score is None else trial.score


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched.

    Attributes:
        load: makes the experiment with settings changed by KEY=VALUE.
        data: the npz.
        seed: of the search; trainings have the seed of the experiment.
        prune: end trials early that are worse than others.
    """

    space: Space
    load: Callable[[Sequence[str]], AnyExperiment]
    data: Path
    data_sha256: str
    device: torch.device
    seed: int = 0
    prune: bool = True

    @property
    def metric(self) -> str:
        """What trials are compared by."""
        return self.load([]).training.metric

    def facts(self) -> dict[str, Any]:
        """What a search that goes on must agree in."""
        base = self.load([])
        return {
            "the space": self.space.text,
            "the experiment": base.to_yaml(),
            "the dataset": self.data_sha256,
            "the seed of the search": self.seed,
            "pruning": self.prune,
        }


def make_search(
    space: Space,
    load: Callable[[Sequence[str]], AnyExperiment],
    data: Path,
    device: torch.device,
    *,
    seed: int,
    prune: bool,
) -> Search:
    """A search on the dataset at `data` (the npz), of which the experiment itself can begin.

    Raises:
        DatasetError, ConfigError: it cannot, or it would read the test part.
    """
    experiment = load([])
    if isinstance(experiment, RankingExperiment) and experiment.training.validate_on == "test":
        raise ConfigError(
            "the experiment validates on the test part, which a search must not read",
            "choose by rows that are held out: `--set training.validate_on=held_out`",
        )
    checksum = begin(experiment, data, device).dataset.sha256
    return Search(
        space=space,
        load=load,
        data=data,
        data_sha256=checksum,
        device=device,
        seed=seed,
        prune=prune,
    )
