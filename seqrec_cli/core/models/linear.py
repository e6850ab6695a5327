"""A linear model of the next item, solved in closed form.

Ridge regression of what came next on the history before it, read at several time scales:

    x = for each scale, the sum over ages a = 0, 1, ... of d^a e(the item a places before the last)
    W = (X'X + D)^-1 X'Y,    D = l0 I + l1 diag(X'X)
    score(i) = log(max((x W)_i, 0) + k u(i))

with a row of X and of the one-hot Y for each target of the train part, d the scale's decay, l0 and
l1 the ridges, u(i) the share of item i in the train part and k its weight. With one scale and no
decay it is a sequential cousin of EASE (Steck, WWW 2019) and of SLIST (Choi et al., WWW 2021). The
logarithm makes it a sum with the logits of a network, or with other logarithms.

X is never made. An item and a later one of the same user, m targets after both, meet in m rows of
X, whose weights are a geometric series: a sum over pairs of items gives X'X.

Shapes: B histories, N items, M items that have weights (slots 1 to M; slot 0 is none), S scales.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models.cholesky import factorize, solve
from seqrec_cli.core.models.fitted import FittedModelSettings, JoinedSettings
from seqrec_cli.core.models.item_shares import smoothed_shares
from seqrec_cli.core.settings.base import Settings

LEAST_WEIGHT = 0.05  # items whose weight is less are not read
EVENTS = 2**17  # of the train part, looked at together
MOST_SCALES = 8
MADE, FACTORIZED = 0.4, 0.6  # shares of the work, about: the equations made, their factor known


class LinearSettings(Settings):
    """What is fitted, by itself or beside a network."""

    decays: tuple[float, ...] = Field(
        (0.3, 0.8, 0.97),
        min_length=1,
        max_length=MOST_SCALES,
        description="weight of an item relative to the next more recent one, a number a time scale",
    )
    ridge: float = Field(
        300.0, ge=0.001, le=1e9, description="ridge that is the same for all items, in events"
    )
    count_ridge: float = Field(
        1.0, ge=0, le=1e6, description="ridge in proportion to how often an item occurs"
    )
    popularity: float = Field(
        0.1, ge=1e-6, le=1e6, description="weight of an item's share of the train part"
    )
    items: int = Field(
        20_000,
        ge=1,
        description="most frequent items with weights; others have their popularity alone",
    )

    @field_validator("decays")
    @classmethod
    def decays_are_weights(cls, decays: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < decay < 1 for decay in decays) or len(set(decays)) < len(decays):
            raise ValueError("must be different numbers between 0 and 1")
        return decays


class LinearConfig(JoinedSettings, LinearSettings):
    """The `linear` part of an experiment: a linear model that joins a network."""


class LinearModelConfig(FittedModelSettings, LinearSettings):
    """The `model` part of an experiment with `name: linear`."""

    name: Literal["linear"] = "linear"


def lengths_of(decays: tuple[float, ...]) -> list[int]:
    """The number of items that each scale reads."""
    return [max(1, math.ceil(math.log(LEAST_WEIGHT) / math.log(decay))) for decay in decays]


class Linear:
    """The fitted model, a scorer.

    Attributes:
        weights: float32 (S (M + 1), M + 1), W: rows are slots of the history, scale by scale.
        slots: int64 (N + 1,), the slot of each item, 0 where it has no weights.
        popularity: float32 (N + 1,), the smoothed share of each item in the train part.
    """

    settings_class: ClassVar = LinearModelConfig
    device = torch.device("cpu")

    def __init__(
        self,
        num_items: int,
        settings: LinearSettings,
        weights: Tensor,
        slots: Tensor,
        popularity: Tensor,
    ) -> None:
        self.num_items = num_items
        self.settings = settings
        self.lengths = lengths_of(settings.decays)
        self.max_length = max(self.lengths)
        self.weights = weights
        self.slots = slots
        self.popularity = popularity
        self.covered = torch.nonzero(slots).squeeze(1)  # (M,), the items that have weights

    @classmethod
    def fitting(
        cls, train: Sequences, num_items: int, settings: LinearSettings, workers: WorkerPool
    ) -> Iterator["float | Linear"]:
        """Fit; yields the share of the work that is done, and at last the model.

        Raises:
            TrainingError: the ridge is too small for single precision.
        """
        slots = slots_of(train, num_items, settings.items)
        rows = slots.max() + 1
        size = len(settings.decays) * rows
        products, sides = torch.zeros(size, size), torch.zeros(size, rows)
        places = Sequences(train.offsets, slots[train.items].astype(np.int32))
        for share in add_products(products, sides, places, settings.decays, workers):
            yield share * MADE
        products.diagonal().mul_(1 + settings.count_ridge).add_(settings.ridge)
        for share in factorize(products, workers):
            yield MADE + share * (FACTORIZED - MADE)
        for share in solve(products, sides, workers):
            yield FACTORIZED + share * (1 - FACTORIZED)
        del products
        popularity = smoothed_shares(train.items, num_items)
        yield cls(num_items, settings, sides, torch.from_numpy(slots), popularity)

    @classmethod
    def restored(
        cls, num_items: int, settings: LinearSettings, tensors: Mapping[str, Tensor]
    ) -> "Linear":
        """The model whose `state_dict` was `tensors`.

        Raises:
            ValueError, KeyError: they are not of such a model.
        """
        weights, slots, shares = (tensors[name] for name in ("weights", "slots", "popularity"))
        whole = (num_items + 1,)
        if slots.shape != whole or slots.dtype != torch.int64 or shares.shape != whole:
            raise ValueError(f"it is not of {num_items} items")
        rows = int((slots > 0).sum()) + 1
        if not torch.equal(slots[slots > 0], torch.arange(1, rows)):
            raise ValueError("its slots are not the numbers of items")
        if weights.shape != (len(settings.decays) * rows, rows):
            raise ValueError("its weights are not those of its items and scales")
        if not {weights.dtype, shares.dtype} == {torch.float32}:
            raise ValueError("its weights are not in single precision")
        return cls(num_items, settings, weights, slots, shares)

    @classmethod
    def bytes_needed(cls, train: Sequences, num_items: int, settings: LinearSettings) -> int:
        """The memory that fitting takes beyond the data, in bytes."""
        rows = min(num_items, settings.items) + 1
        return 4 * rows**2 * len(settings.decays) * (len(settings.decays) + 1)

    def state_dict(self) -> dict[str, Tensor]:
        """What was learnt, by name."""
        return {"weights": self.weights, "slots": self.slots, "popularity": self.popularity}

    def score(self, histories: Sequences) -> Tensor:
        """The logarithm above for every id 0 to N and each history, float32 (B, N + 1)."""
        scores = (self.popularity * self.settings.popularity).repeat(len(histories), 1)
        predicted = self.predicted(histories)[:, 1:].clamp_(min=0)  # (B, M)
        if len(self.covered) == self.num_items:
            scores[:, 1:] += predicted
        else:
            scores.index_add_(1, self.covered, predicted)
        scores[:, PAD] = 1
        return scores.log_()

    def contributions(self, sequence: Sequences, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """What each item of one history adds to x W for each of `items`, float32 (items, history).

        A contribution is the item's weight in W, so it does not depend on the other items.
        """
        history = sequence[0]
        ages = np.arange(len(history))[::-1]
        slots = self.slots.numpy()[history]
        columns = self.slots[torch.from_numpy(items)]
        added = np.zeros((len(items), len(history)), np.float32)
        for scale, decay in enumerate(self.settings.decays):
            read = np.flatnonzero((ages < self.lengths[scale]) & (slots > 0))
            rows = torch.from_numpy(scale * self.weights.shape[1] + slots[read])
            weights = self.weights[rows][:, columns].numpy()  # (read, items)
            added[:, read] += (weights * (decay ** ages[read])[:, None]).T.astype(np.float32)
        added[columns.numpy() == 0] = 0  # of no weights
        return added

    def predicted(self, histories: Sequences) -> Tensor:
        """x W, float32 (B, M + 1)."""
        ages = histories.offsets[histories.users + 1] - 1 - np.arange(len(histories.items))
        slots = self.slots.numpy()[histories.items]
        rows, weights, users = [], [], []
        for scale, decay in enumerate(self.settings.decays):
            read = np.flatnonzero((ages < self.lengths[scale]) & (slots > 0))
            rows.append(scale * self.weights.shape[1] + slots[read])
            weights.append((decay ** ages[read]).astype(np.float32))
            users.append(histories.users[read])
        order = np.argsort(np.concatenate(users), kind="stable")
        starts = np.searchsorted(np.concatenate(users)[order], np.arange(len(histories)))
        return F.embedding_bag(
            torch.from_numpy(np.concatenate(rows)[order]),
            self.weights,
            torch.from_numpy(starts),
            mode="sum",
            per_sample_weights=torch.from_numpy(np.concatenate(weights)[order]),
        )


def slots_of(train: Sequences, num_items: int, most: int) -> NDArray[np.int64]:
    """The slot of each id 0 to N, int64: 1 to M in the order of the ids, 0 for those beyond the
    `most` most frequent items, and for those that the train part does not have."""
    counts = np.bincount(train.items, minlength=num_items + 1)
    kept = np.argsort(-counts[1:], kind="stable")[:most] + 1
    slots = np.zeros(num_items + 1, np.int64)
    slots[kept[counts[kept] > 0]] = 1
    return np.where(slots > 0, np.cumsum(slots), 0)


def add_products(
    products: Tensor,
    sides: Tensor,
    places: Sequences,
    decays: tuple[float, ...],
    workers: WorkerPool,
) -> Iterator[float]:
    """Add X'X, its lower triangle, to `products` (S (M + 1), S (M + 1)), and X'Y to `sides`
    (S (M + 1), M + 1). Yields the share of the work that is done.

    A piece of work is a block of a pair of scales, so that no two write the same place.
    """
    lengths, rows = lengths_of(decays), sides.shape[1]

    def block(scale: int, other: int) -> None:
        part = products[scale * rows : (scale + 1) * rows, other * rows : (other + 1) * rows]
        for items, left in stretches(places):
            for older, newer in dict.fromkeys(((scale, other), (other, scale))):
                first = int(older != scale)  # the first of the two pairs has met gap 0
                for gap in range(first, lengths[older]):
                    pair = (decays[older], decays[newer]), (lengths[older], lengths[newer])
                    earlier, later, weights = meetings(items, left, gap, *pair)
                    if scale == other:
                        # Two places with one item meet twice on the diagonal.
                        weights *= 1 + ((earlier == later) & (gap > 0))
                        ends = np.maximum(earlier, later), np.minimum(earlier, later)
                    else:
                        ends = (earlier, later) if older == scale else (later, earlier)
                    add_cells(part, *ends, weights)

    def column(scale: int) -> None:
        part = sides[scale * rows : (scale + 1) * rows]
        for items, left in stretches(places):
            for lag in range(1, lengths[scale] + 1):
                at = np.flatnonzero(left >= lag)
                weights = np.full(len(at), decays[scale] ** (lag - 1), np.float32)
                add_cells(part, items[at], items[at + lag], weights)

    scales = range(len(decays))
    pieces: list[Callable[[], None]] = [partial(block, a, b) for a in scales for b in range(a + 1)]
    pieces.extend(partial(column, scale) for scale in scales)
    for done, _ in enumerate(workers.map(lambda piece: piece(), pieces), 1):
        yield done / len(pieces)


def stretches(places: Sequences) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The slots of whole users' items, about EVENTS at a time, and how many items follow each."""
    start = 0
    while start < len(places):
        wanted = places.offsets[start] + EVENTS
        stop = max(start + 1, int(np.searchsorted(places.offsets, wanted, side="right")) - 1)
        offsets = places.offsets[start : stop + 1]
        items = places.items[offsets[0] : offsets[-1]].astype(np.int64)
        ends = np.repeat(offsets[1:] - offsets[0], np.diff(offsets))
        yield items, ends - 1 - np.arange(len(items))
        start = stop


def meetings(
    items: NDArray[np.int64],
    left: NDArray[np.int64],
    gap: int,
    decays: tuple[float, float],
    lengths: tuple[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Items and those `gap` places later, and the sum of the products of their weights over all
    targets that come after both, the older read with the first scale and the newer with the other.
    """
    at = np.flatnonzero(left > gap)
    together = np.minimum(left[at] - gap, min(lengths[1], lengths[0] - gap))
    ratio = decays[0] * decays[1]
    series = np.concatenate(([0.0], np.cumsum(ratio ** np.arange(max(lengths)))))
    weights = decays[0] ** gap * series[together]
    return items[at], items[at + gap], weights.astype(np.float32)


def add_cells(
    part: Tensor,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> None:
    """Add weights to cells of a block of a matrix, but for those of slot 0."""
    there = (rows > 0) & (columns > 0)
    index = torch.from_numpy(rows[there] * part.stride(0) + columns[there])
    flat = part.as_strided((part.stride(0) * (len(part) - 1) + part.shape[1],), (1,))
    flat.index_add_(0, index, torch.from_numpy(weights[there]))
