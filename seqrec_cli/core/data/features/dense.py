"""Numbers scaled to what models read well, by an encoder fitted on the train part.

By `quantile` a number becomes its share of the known numbers below it, 0 to 1, as scikit-learn's
QuantileTransformer gives it; by `z-score` standard deviations from the mean, 10 at most. A missing
number is the mean of the known ones.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import Column
from seqrec_cli.core.data.features.kinds import SCALINGS, Owner, Scaling, check_length, numbers

QUANTILES = 1000  # of a column, at most
LARGEST_SCORE = 10.0  # standard deviations; a number further off counts as that far off


@dataclass(frozen=True, eq=False)
class DenseEncoder:
    """Scales numbers.

    Attributes:
        side: whether the column is of a row, or of its user or its item whatever the row.
        numbers: float64 (K + 1,), what a missing number counts as, and then by `quantile` the
            quantiles, ascending; by `z-score` the mean and the standard deviation.
        places: float64 (K + 1,), what the missing number becomes, and then what the quantiles
            become; by `z-score` the lowest and the highest score.
    """

    kind: ClassVar = "dense"

    name: str
    side: Owner
    scaling: Scaling
    numbers: NDArray[np.float64]
    places: NDArray[np.float64]

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, scaling: Scaling) -> "DenseEncoder":
        """Learn from the cells of the train part.

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
        """What a missing number becomes."""
        return float(self.places[0])

    def encode(self, column: Column) -> NDArray[np.float32]:
        """Each cell as a scaled number, float32 (R,)."""
        return self.scale(numbers(column.texts)).astype(np.float32)[column.rows]

    def scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers scaled, NaN being a missing one."""
        there = np.where(np.isnan(values), self.numbers[0], values)
        points, places = self.numbers[1:], self.places[1:]
        if self.scaling == "quantile":
            scaled = scale_by_rank(there, points, places)
        else:
            scaled = np.clip((there - points[0]) / points[1], places[0], places[1])
        return np.where(np.isnan(values), self.missing, scaled)

    def count_missing(self, column: Column) -> int:
        """How many cells are no number."""
        return int(np.isnan(numbers(column.texts))[column.rows].sum())

    def content(self) -> NDArray[np.float64]:
        """All that it learnt, as an array."""
        return np.stack((self.numbers, self.places))

    @classmethod
    def from_content(
        cls, name: str, side: Owner, content: NDArray[Any], scaling: str
    ) -> "DenseEncoder":
        """What `content` gave.

        Raises:
            ValueError: it is not that.
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
    """Numbers by interpolation between points to places.

    At equal points the middle of their places counts (the mean of both ways to interpolate), but
    at the ends the place of the end, as in scikit-learn's QuantileTransformer.
    """
    up = np.interp(values, points, places)
    down = np.interp(-values, -points[::-1], -places[::-1])
    scaled = (up - down) / 2
    scaled[values >= points[-1]] = places[-1]
    scaled[values <= points[0]] = places[0]
    return np.asarray(scaled, np.float64)


def quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of numbers (R,) at equal steps from 0 to 1: each of them, or QUANTILES.

    In whole numbers as far as it goes, so that equal values stay equal.
    """
    ordered = np.sort(values)
    count = min(QUANTILES, max(2, len(ordered)))
    place, rest = np.divmod(np.arange(count) * (len(ordered) - 1), count - 1)
    low, high = ordered[place], ordered[np.minimum(place + 1, len(ordered) - 1)]
    # Rounding must not put a quantile before the one below it.
    return np.maximum.accumulate(low + (high - low) * (rest / (count - 1)))
