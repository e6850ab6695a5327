"""The normal equations of the linear model: X'X and X'Y, without X.

A row of X has the weights of a history's items before a target. An item and a later one of the
same user meet in the rows of all targets after both, so the sum over pairs of items, each with the
sum of its weights over these targets, gives X'X.

Shapes: E events, S scales, M items with weights (slots 1 to M; slot 0 is none).
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models.recency import Scale, Steps, Weights

EVENTS = 2**17  # of the train part, looked at together

Stretch = tuple[NDArray[np.int64], Steps]


def add_products(
    products: Tensor,
    sides: Tensor,
    places: Sequences,
    scales: tuple[Scale, ...],
    workers: WorkerPool,
    weight: float,
) -> Iterator[float]:
    """Add X'X, its lower triangle, to `products` (S (M + 1), S (M + 1)), and X'Y to `sides`
    (S (M + 1), M + 1), both times `weight`. Yields the share of the work that is done.

    A piece of work is a block of a pair of scales, so that no two write the same place.
    `places` are slots of items.
    """
    rows = sides.shape[1]

    def block(first: int, second: int) -> None:
        part = products[first * rows : (first + 1) * rows, second * rows : (second + 1) * rows]
        for stretch in stretches(places):
            for older, newer in dict.fromkeys(((first, second), (second, first))):
                # Of two scales the first of the two orders has met gap 0.
                least = int(older != first)
                for earlier, later, gap, weights in meetings(
                    stretch, scales[older], scales[newer], least
                ):
                    if first == second:
                        # Two places with one item meet twice on the diagonal.
                        weights *= 1 + ((earlier == later) & (gap > 0))
                        ends = np.maximum(earlier, later), np.minimum(earlier, later)
                    else:
                        ends = (earlier, later) if older == first else (later, earlier)
                    add_cells(part, *ends, weights * np.float32(weight))

    def column(number: int) -> None:
        part, scale = sides[number * rows : (number + 1) * rows], scales[number]
        for items, steps in stretches(places):
            weights = Weights(scale, steps)
            for lag in range(1, scale.length + 1):
                at = np.flatnonzero(steps.left >= lag)
                found = np.broadcast_to(weight * weights.over(at, lag) / scale.decay, len(at))
                add_cells(part, items[at], items[at + lag], found.astype(np.float32))

    numbers = range(len(scales))
    pieces: list[Callable[[], None]] = [partial(block, a, b) for a in numbers for b in range(a + 1)]
    pieces.extend(partial(column, number) for number in numbers)
    for done, _ in enumerate(workers.map(lambda piece: piece(), pieces), 1):
        yield done / len(pieces)


def stretches(places: Sequences) -> Iterator[Stretch]:
    """The slots of whole users' items, about EVENTS at a time, and the steps between them."""
    start = 0
    while start < len(places):
        wanted = places.offsets[start] + EVENTS
        stop = max(start + 1, int(np.searchsorted(places.offsets, wanted, side="right")) - 1)
        part = places.between(start, stop)
        yield part.items.astype(np.int64), Steps.of(part)
        start = stop


def meetings(
    stretch: Stretch, older: Scale, newer: Scale, least: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], int, NDArray[np.float32]]]:
    """Items, those `gap` places later, the gap, and the sum of the products of their weights over
    all targets that come after both: for each gap from the largest down to `least`.

    The older item is read with the one scale and the newer with the other.
    """
    (items, steps), early, late = stretch, Weights(older, stretch[1]), Weights(newer, stretch[1])
    # Of each place, the sum over the targets within so many steps after it.
    sums, reach = np.zeros(len(items)), 0
    for gap in range(older.length - 1, least - 1, -1):
        while reach < min(newer.length, older.length - gap):
            reach += 1
            at = np.flatnonzero(steps.left >= reach)
            both = early.over(at, reach) * late.over(at, reach)
            sums[at] += both / (older.decay * newer.decay)
        at = np.flatnonzero(steps.left > gap)
        weights = early.over(at, gap) * sums[at + gap]
        yield items[at], items[at + gap], gap, weights.astype(np.float32)


def add_cells(
    part: Tensor,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> None:
    """Add weights to cells of a block of a matrix, but for those of slot 0 or of no weight."""
    there = (rows > 0) & (columns > 0) & (weights > 0)
    index = torch.from_numpy(rows[there] * part.stride(0) + columns[there])
    flat = part.as_strided((part.stride(0) * (len(part) - 1) + part.shape[1],), (1,))
    flat.index_add_(0, index, torch.from_numpy(weights[there]))
