"""The manifest of a dataset for next-item models: its source, its counts, its times."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.interactions import Origin
from seqrec_cli.core.data.reading.units import show_moment
from seqrec_cli.core.data.sequences import Sequences


def describe_origin(origin: Origin) -> dict[str, Any]:
    """Where the log came from, for the manifest."""
    return {
        "path": origin.path,
        "sha256": origin.sha256,
        "format": origin.format,
        "columns": dict(origin.columns),
        "titles": origin.titles,
        "obtained": origin.obtained,
        "licence": origin.licence,
        "reading": dict(origin.reading),
        "findings": origin.findings.as_dict(),
    }


def describe_histories(histories: Sequences, num_items: int) -> dict[str, Any]:
    """Counts of users, items and interactions, all parts together."""
    return describe_counts(histories.lengths, histories.count_repeats(), num_items)


def describe_counts(lengths: NDArray[np.int64], repeats: int, num_items: int) -> dict[str, Any]:
    """Likewise, of the lengths of all histories (users,) and the number of repeats in them."""
    users, kept = len(lengths), int(lengths.sum())
    return {
        "users": users,
        "items": num_items,
        "interactions": kept,
        "density": (kept - repeats) / (users * num_items),
        "repeats": repeats / kept,
        "history_length": length_quantiles(lengths),
    }


def length_quantiles(lengths: NDArray[np.int64]) -> dict[str, float]:
    """How long the histories are."""
    ranked, last = np.sort(lengths), len(lengths) - 1
    low, quarter, middle, three, high = np.interp(
        np.array((0, 0.25, 0.5, 0.75, 1)) * last, np.arange(last + 1), ranked
    )
    return {
        "min": int(low),
        "25%": float(quarter),
        "median": float(middle),
        "75%": float(three),
        "max": int(high),
        "mean": float(lengths.mean()),
    }


def time_range(times: NDArray[np.int64] | None, unit: str) -> dict[str, Any] | None:
    """The first and the last time, as numbers and for people; None without times."""
    if times is None:
        return None
    first, last = int(times.min()), int(times.max())
    return {
        "unit": unit,
        "first": first,
        "last": last,
        "from": show_moment(first, unit),
        "to": show_moment(last, unit),
    }
