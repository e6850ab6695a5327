"""Conversion of feature arrays of format 1 to the current format.

Format 1 had two conventions. Next-item datasets numbered codes from 1, with 0 for unknown values,
kept only known tags, and scaled numbers to -1 to 1 with 0 for a missing one; each side had separate
names and vocabularies. Ranking datasets had the current codes and scaling, with separate item ids.
Codes are renumbered. Numbers keep their scale, since models were trained on it, and the converted
encoders scale in the same way.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import to_texts
from seqrec_cli.core.data.features.dense import LARGEST_SCORE, scale_by_rank
from seqrec_cli.core.data.features.encoders import FORMAT

Arrays = Mapping[str, NDArray[Any]]


def upgrade(arrays: Arrays) -> Arrays:
    """Convert the arrays of a dataset or a run to the current format.

    Raises:
        ValueError, KeyError: they are of a newer version, or invalid.
    """
    if "features_format" in arrays:
        version = arrays["features_format"]
        if version.shape != (1,) or version.dtype != np.int64 or version[0] < FORMAT:
            raise ValueError("the version of its features is invalid")
        if version[0] > FORMAT:
            raise ValueError(
                f"its features were made by a newer seqrec (version {version[0]}, and {FORMAT} is "
                "known): update seqrec"
            )
        return arrays
    if "column_names" in arrays:
        return upgrade_ranking(arrays)
    sides = [side for side in ("user", "item") if f"{side}_dense_names" in arrays]
    return upgrade_next_item(arrays, sides) if sides else arrays


def upgrade_ranking(arrays: Arrays) -> Arrays:
    """Convert the arrays of a ranking dataset of format 1, or of a run."""
    names, kinds, sides = (
        texts_of(arrays, f"column_{part}") for part in ("names", "kinds", "sides")
    )
    columns = [
        (name, kind, side, "quantile" if kind == "dense" else "")
        for name, kind, side in zip(names, kinds, sides, strict=True)
    ]
    upgraded = dict(arrays)
    for number, (name, kind, _, _) in enumerate(columns):
        if kind == "dense":
            upgraded[f"column_{number}"] = with_places(name, arrays[f"column_{number}"])
    # Item ids come last, so that the other columns keep their numbers.
    upgraded[f"column_{len(columns)}"] = upgraded.pop("item_values")
    return upgraded | column_arrays([*columns, ("item", "ids", "item", "")])


def with_places(name: str, knots: NDArray[Any]) -> NDArray[np.float64]:
    """The encoder of a dense column from its mean and its quantiles (K + 1,)."""
    if knots.dtype != np.float64 or knots.ndim != 1 or len(knots) < 2:
        raise ValueError(f"the encoder of `{name}` has no mean and quantiles")
    mean, points = knots[:1], np.maximum.accumulate(knots[1:])
    places = np.linspace(0, 1, len(points))
    missing = scale_by_rank(mean, points, places)
    return np.stack((np.append(mean, points), np.append(missing, places)))


def upgrade_next_item(arrays: Arrays, sides: list[str]) -> Arrays:
    """Convert the arrays of a next-item dataset of format 1, or of a run of two towers."""
    upgraded = dict(arrays)
    columns: list[tuple[str, str, str, str]] = []
    for side in sides:
        (scaling,) = texts_of(arrays, f"{side}_dense_scaling")
        knots = arrays[f"{side}_dense_knots"]
        if knots.dtype != np.float64 or knots.ndim != 2:
            raise ValueError(f"{side}_dense_knots is not float64 of a row for each dense column")
        for row, name in enumerate(texts_of(arrays, f"{side}_dense_names")):
            upgraded[f"column_{len(columns)}"] = with_middles(name, scaling, knots[row : row + 1])
            columns.append((name, "dense", side, scaling))
        for kind in ("sparse", "tags"):
            for number, name in enumerate(texts_of(arrays, f"{side}_{kind}_names")):
                upgraded[f"column_{len(columns)}"] = arrays[f"{side}_{kind}_values_{number}"]
                columns.append((name, kind, side, ""))
                if kind == "tags":
                    codes = codes_of(arrays, f"{side}_tags_{number}")
                    upgraded[f"{side}_tags_{number}"] = np.where(codes > 0, codes + 1, codes)
        upgraded[f"{side}_sparse"] = codes_of(arrays, f"{side}_sparse") + 1  # from UNKNOWN
    return upgraded | column_arrays(columns)


def with_middles(name: str, scaling: str, knots: NDArray[Any]) -> NDArray[np.float64]:
    """The encoder of a dense column from its quantiles (1, K), or mean and deviation (1, 2).

    In format 1 equal quantiles took the middle of their places, also at the ends.
    """
    if not knots.size or np.isnan(knots).any():
        raise ValueError(f"the encoder of `{name}` has no quantiles")
    quantiles = np.maximum.accumulate(knots[0]) if scaling == "quantile" else knots[0]
    if scaling != "quantile":
        scores = np.array((0, -LARGEST_SCORE, LARGEST_SCORE))
        if len(quantiles) != 2:
            raise ValueError(f"the encoder of `{name}` has no mean and standard deviation")
        return np.stack((np.append(quantiles[:1], quantiles), scores))
    places = np.linspace(-1, 1, len(quantiles))
    points, first = np.unique(quantiles, return_index=True)
    last = np.append(first[1:], len(quantiles)) - 1
    middles = (places[first] + places[last]) / 2
    return np.stack((np.append(quantiles[len(quantiles) // 2], points), np.append(0.0, middles)))


def codes_of(arrays: Arrays, name: str) -> NDArray[np.int32]:
    """A table of codes."""
    array = arrays[name]
    if array.ndim != 2 or array.dtype != np.int32:
        raise ValueError(f"{name} is not a table of int32")
    return array


def texts_of(arrays: Arrays, name: str) -> list[str]:
    """A list of texts."""
    array = arrays[name]
    if array.ndim != 1 or array.dtype.kind != "U":
        raise ValueError(f"{name} is not a list of texts")
    return [str(text) for text in array.tolist()]


def column_arrays(columns: list[tuple[str, str, str, str]]) -> dict[str, NDArray[Any]]:
    """The arrays of the names, kinds, sides and scalings of columns."""
    parts = ("names", "kinds", "sides", "scalings")
    return {"features_format": np.array([FORMAT])} | {
        f"column_{part}": to_texts([column[place] for column in columns])
        for place, part in enumerate(parts)
    }
