"""How much each item of a history weighs: by how many came after it, and by when.

A scale gives the item a places before the newest one the weight d^a; a scale of the session gives
none to items before the last break, a pause of more than so many hours. Either is a product over
the steps from item to item, so weights between any two places follow from one running sum.

Shapes: E events of histories laid end to end, S scales.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences

LEAST_WEIGHT = 0.05  # items whose weight is less are not read


@dataclass(frozen=True)
class Scale:
    """A reading of histories.

    Attributes:
        decay: weight of an item relative to the next more recent one.
        session: seconds of a pause that ends a session; items before it are not read. None: all
            are.
    """

    decay: float
    session: float | None = None

    @property
    def length(self) -> int:
        """The number of items that it reads."""
        return max(1, math.ceil(math.log(LEAST_WEIGHT) / math.log(self.decay)))


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of histories, from each item to the next.

    Attributes:
        left: int64 (E,), how many items of the same history follow each.
        pauses: int64 (E,), seconds since the item before, 0 for the first of a history; None: no
            times.
    """

    left: NDArray[np.int64]
    pauses: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, histories: Sequences) -> "Steps":
        """The steps of histories, with times if they have any."""
        ends = np.repeat(histories.offsets[1:], histories.lengths)
        left = ends - 1 - np.arange(len(histories.items))
        if histories.times is None:
            return cls(left)
        pauses = np.diff(histories.times, prepend=histories.times[:1])
        pauses[histories.offsets[:-1][histories.lengths > 0]] = 0
        return cls(left, pauses)


class Weights:
    """The products of one scale's factors over steps.

    `over(at, count)` is the weight of items at places `at` (K,) for what comes right after `count`
    more items: the decay to the power of `count`, and nothing across the end of a session.
    """

    def __init__(self, scale: Scale, steps: Steps) -> None:
        self.scale = scale
        self.breaks: NDArray[np.int64] | None = None
        if scale.session is not None and steps.pauses is not None:
            self.breaks = np.cumsum(steps.pauses > scale.session)

    def over(self, at: NDArray[np.int64], count: Any) -> Any:
        """The weights, float64 (K,), or one for all; `count` is a number or int64 (K,)."""
        factor = self.scale.decay**count
        if self.breaks is None:
            return factor
        return factor * (self.breaks[at + count] == self.breaks[at])


def weights_read(histories: Sequences, scale: Scale) -> NDArray[np.float64]:
    """The weight of each item of histories for what comes next, float64 (E,), 0 for those that the
    scale does not read.

    With moments, what comes next comes then: after a pause that ends the session nothing is read by
    a scale of the session.
    """
    steps = Steps.of(histories)
    at = np.arange(len(histories.items))
    weights = Weights(scale, steps).over(at, steps.left) * (steps.left < scale.length)
    if scale.session is not None and histories.times is not None and histories.moments is not None:
        newest = histories.times[np.maximum(histories.offsets[1:] - 1, 0)]
        weights *= (histories.moments - newest <= scale.session)[histories.users]
    return np.asarray(weights, np.float64)
