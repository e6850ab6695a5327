"""Numbers, scaled by an encoder fitted on the train part.

`quantile` maps a number to the share of known numbers below it, 0 to 1, as scikit-learn's
QuantileTransformer; `z-score` to standard deviations from the mean, at most 10. A missing number
counts as the mean of the known ones.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.kinds import SCALINGS, Owner, Scaling, check_length, numbers

QUANTILES = 1000  # of a column, at most
LARGEST_SCORE = 10.0  # standard deviations; larger scores are clipped


@dataclass(frozen=True, eq=False)
class DenseEncoder:
    """Scales numbers.

    Attributes:
        side: whether the column describes a row, its user or its item.
        numbers: float64 (K + 1,), the value of a missing number; then for `quantile` the quantiles,
            ascending, for `z-score` the mean and the standard deviation.
        places: float64 (K + 1,), the scaled missing number; then for `quantile` the scaled
            quantiles, for `z-score` the lowest and the highest score.
    """

    kind: ClassVar = "dense"

    name: str
    side: Owner
    scaling: Scaling
    numbers: NDArray[np.float64]
    places: NDArray[np.float64]

    @classmethod
    def fit(cls, name: str, side: Owner, column: TextColumn, scaling: Scaling) -> "DenseEncoder":
        """Fit to the cells of the train part.

        Raises:
            InputError: the name is too long.
        """
        check_length(name, name)
        known = numbers(column.texts)[column.rows]
        known = known[~np.isnan(known)]
        if not len(known):
            known = np.zeros(1)
        mean = known.mean()
        if scaling == "z-score":
            scores = np.array((0, -LARGEST_SCORE, LARGEST_SCORE))
            return cls(name, side, scaling, np.array((mean, mean, known.std() or 1.0)), scores)
        points = quantiles(known)
        places = np.linspace(0, 1, len(points))
        missing = scale_by_rank(np.array([mean]), points, places)
        numbers_, places = np.append(mean, points), np.append(missing, places)
        return cls(name, side, scaling, numbers_, places)

    @property
    def missing(self) -> float:
        """The scaled value of a missing number."""
        return float(self.places[0])

    def encode(self, column: TextColumn) -> NDArray[np.float32]:
        """Each cell as a scaled number, float32 (R,)."""
        return self.scale(numbers(column.texts)).astype(np.float32)[column.rows]

    def scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale numbers; NaN is a missing one."""
        known = np.where(np.isnan(values), self.numbers[0], values)
        points, places = self.numbers[1:], self.places[1:]
        if self.scaling == "quantile":
            scaled = scale_by_rank(known, points, places)
        else:
            scaled = np.clip((known - points[0]) / points[1], places[0], places[1])
        return np.where(np.isnan(values), self.missing, scaled)

    def count_missing(self, column: TextColumn) -> int:
        """The number of cells that are not numbers."""
        return int(np.isnan(numbers(column.texts))[column.rows].sum())

    def content(self) -> NDArray[np.float64]:
        """The fitted state as an array."""
        return np.stack((self.numbers, self.places))

    @classmethod
    def from_content(
        cls, name: str, side: Owner, content: NDArray[Any], scaling: str
    ) -> "DenseEncoder":
        """The encoder with this `content`.

        Raises:
            ValueError: the content is invalid.
        """
        wrong = content.dtype != np.float64 or content.ndim != 2 or len(content) != 2
        if wrong or content.shape[1] < 2 or not np.isfinite(content).all():
            raise ValueError(f"the encoder of `{name}` has no finite numbers and places")
        if scaling not in SCALINGS or (scaling == "z-score" and content.shape[1] != 3):
            raise ValueError(f"the encoder of `{name}` has the unknown scaling `{scaling[:40]}`")
        points, places = content[:, 1:]
        if (np.diff(places) < 0).any() or (scaling == "quantile" and (np.diff(points) < 0).any()):
            raise ValueError(f"the encoder of `{name}` has numbers that are not in order")
        if scaling == "z-score" and not points[1] > 0:
            raise ValueError(f"the encoder of `{name}` has no standard deviation above 0")
        return cls(name, side, scaling, content[0], content[1])


def scale_by_rank(
    values: NDArray[np.float64], points: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate numbers from points to places.

    Equal points take the middle of their places (the mean of interpolating from both sides), except
    at the ends, as in scikit-learn's QuantileTransformer.
    """
    up = np.interp(values, points, places)
    down = np.interp(-values, -points[::-1], -places[::-1])
    scaled = (up - down) / 2
    scaled[values >= points[-1]] = places[-1]
    scaled[values <= points[0]] = places[0]
    return np.asarray(scaled, np.float64)


def quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of numbers (R,) at equal steps from 0 to 1: one for each number, at most QUANTILES.

    Positions are computed in integers, so that equal values stay equal.
    """
    ordered = np.sort(values)
    count = min(QUANTILES, max(2, len(ordered)))
    place, rest = np.divmod(np.arange(count) * (len(ordered) - 1), count - 1)
    low, high = ordered[place], ordered[np.minimum(place + 1, len(ordered) - 1)]
    # Rounding must not put a quantile before the one below it.
    return np.maximum.accumulate(low + (high - low) * (rest / (count - 1)))
