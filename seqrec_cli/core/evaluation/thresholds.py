"""Figures that a run must reach: `ndcg@10=0.12`."""

import math
from collections.abc import Mapping, Sequence

from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.settings.yaml import nearest
from seqrec_cli.core.storage.text import is_number
from seqrec_cli.errors import InputError

LOWER_IS_BETTER = ("log_loss", "calibration_error", "popularity rank", "predicted/observed")

Threshold = tuple[str, float]


def parse_pair(text: str, name: str, example: str) -> Threshold:
    """Read `name`=VALUE, such as `example`.

    Raises:
        InputError: it is something else.
    """
    key, _, value = text.partition("=")
    if not key.strip() or not is_number(value.strip()) or not math.isfinite(float(value)):
        raise InputError(f"`{text}` is not {name}=VALUE", f"write for example `{example}`")
    return key.strip(), float(value)


def parse_threshold(text: str) -> Threshold:
    """Read METRIC=VALUE.

    Raises:
        InputError: it is something else.
    """
    metric, least = parse_pair(text, "METRIC", "ndcg@10=0.12")
    if metric.startswith(LOWER_IS_BETTER):
        raise InputError(
            f"higher is not better for {metric}", "name another metric, such as auc=0.7"
        )
    return metric, least


def missed(
    figures: Mapping[str, Mapping[str, Figure]],
    runs: Sequence[str],
    thresholds: Sequence[Threshold],
) -> list[str]:
    """Which of the runs do not reach a threshold, in words.

    Raises:
        InputError: a metric is not among the figures.
    """
    found = []
    for name in runs:
        for metric, least in thresholds:
            if metric not in figures[name]:
                raise InputError(
                    f"there is no figure `{metric}`", nearest(metric, list(figures[name]))
                )
            if figures[name][metric].mean < least:
                found.append(
                    f"{metric} of {name} is {figures[name][metric].mean:.4f}, below {least:g}"
                )
    return found
