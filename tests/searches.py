"""A search for settings, as tests make it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from seqrec_cli.core.experiment.loading import AnyExperiment, load_experiment
from seqrec_cli.core.experiment.space import load_space
from seqrec_cli.core.runs.search import Search, TrialEnded, make_search
from seqrec_cli.core.runs.trials import SearchLimits, run_search
from seqrec_cli.core.runs.tuning import opened

SPACE = """\
model.hidden: [4, 8]
training.lr: {low: 0.001, high: 0.3, log: true}
model.dropout: {low: 0.0, high: 0.8}
"""


def loader(*more: str) -> Callable[[Sequence[str]], AnyExperiment]:
    return lambda changes: load_experiment(Path("toy.yaml"), [*more, *changes])


def toy_search(
    *more: str, space: str = SPACE, data: str = "data/toy.npz", **options: Any
) -> Search:
    """A search over the settings of toy.yaml."""
    Path("space.yaml").write_text(space)
    load = loader(*more)
    settings = {"seed": 0, "prune": True} | options
    return make_search(
        load_space(Path("space.yaml"), load), load, Path(data), torch.device("cpu"), **settings
    )


def searched(folder: str, trials: int, *more: str, **options: Any) -> list[TrialEnded]:
    """Search on, to so many trials; returns all of them."""
    with opened(Path(folder), toy_search(*more, **options)) as tuning:
        for _ in run_search(tuning, SearchLimits(trials=trials)):
            pass
        return tuning.ended


def plain(trials: Sequence[TrialEnded]) -> list[TrialEnded]:
    """Trials without how long they took."""
    return [replace(trial, seconds=0.0) for trial in trials]
