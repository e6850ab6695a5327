"""Runs that differ in their seeds alone: means and standard deviations over them.

A standard deviation over seeds says how much a training varies; a bootstrap interval over users
says how much the choice of users does. They are different things, and are not mixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seqrec_cli.core.evaluation.sequential import Evaluation
from seqrec_cli.core.evaluation.summary import Figure


@dataclass(frozen=True)
class Spread:
    """A metric of several runs: mean, and sample standard deviation (None for a single run)."""

    mean: float
    deviation: float | None
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(float(np.mean(values)), deviation, len(values))


def spreads_of(
    figures: Mapping[str, Mapping[str, Figure]], groups: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Spread]]:
    """By group and metric, the spread over the runs of the group."""
    means = {name: {m: f.mean for m, f in of_run.items()} for name, of_run in figures.items()}
    return spreads_of_means(means, groups)


def spreads_of_means(
    means: Mapping[str, Mapping[str, float]], groups: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Spread]]:
    """As `spreads_of`, of each run's means by metric."""
    return {
        label: {
            metric: Spread.of([means[name][metric] for name in names]) for metric in means[names[0]]
        }
        for label, names in groups.items()
    }


def mean_outcomes(
    outcomes: Mapping[str, Evaluation], groups: Mapping[str, Sequence[str]]
) -> dict[str, Evaluation]:
    """By group, each user's metrics as means over the runs of the group, for paired tests."""
    return {
        label: replace(
            outcomes[names[0]],
            lists=None,
            per_user={
                metric: np.mean([outcomes[name].per_user[metric] for name in names], axis=0)
                for metric in outcomes[names[0]].per_user
            },
        )
        for label, names in groups.items()
    }
