"""A linear model of the next item, solved in closed form.

Ridge regression of what came next on the history before it, read at several time scales:

    x = for each scale, the sum over ages a = 0, 1, ... of d^a e(the item a places before the last)
    W = (X'X + D)^-1 X'Y,    D = l0 I + l1 diag(X'X)
    score(i) = log(max((x W)_i, 0) + k u(i))

with a row of X and of the one-hot Y for each target of the train part, d the scale's decay, l0 and
l1 the ridges, u(i) the share of item i in the train part and k its weight. With one scale and no
decay it is a sequential cousin of EASE (Steck, WWW 2019) and of SLIST (Choi et al., WWW 2021). The
logarithm makes it a sum with the logits of a network, or with other logarithms.

Where items are rare, what came before one tells of it too: with `backwards` b, X and Y have the
rows of all histories read from the newest item to the oldest as well, each times the root of b.

With `alike` b, what is scored is x W (I + b S) in place of x W: S is how alike items are by their
categories and tags (likeness.py). Of items that nobody has, those that features tell of have slots
too, and so scores.

With `time: true` further scales read this session alone, and an item gains by how much more popular
it was in the days before the query's moment T than it is over all, with power r:

    score(i) = log(max((x W)_i, 0) + k u(i)) + r log((n_T(i) + p N u(i)) / ((n_T + p N) u(i)))

where n_T(i) is how often it was chosen in these days, n_T how often all were, and p N of the usual
choices count beside them, so that a few days in which little happened say little.

X is never made (equations.py).

Shapes: B histories, E events, N items, M items that have weights (slots 1 to M; slot 0 is none), S
scales.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models.cholesky import factorize, solve
from seqrec_cli.core.models.equations import add_products
from seqrec_cli.core.models.fitted import FittedModelSettings, JoinedSettings
from seqrec_cli.core.models.item_shares import RecentShares, smoothed_shares
from seqrec_cli.core.models.likeness import Likeness, values_of_items
from seqrec_cli.core.models.recency import Scale, weights_read
from seqrec_cli.core.settings.base import Settings
from seqrec_cli.core.settings.registry import refused

MINUTE, DAY = 60, 86_400
MOST_SCALES = 8
USUAL_CHOICES = 5  # p: of each item, beside those of the last days
# Shares of the work, about: the equations made, their factor known, the weights known.
MADE, FACTORIZED, SOLVED = 0.4, 0.6, 0.98


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
    backwards: float = Field(
        0.0,
        ge=0,
        le=1,
        description="weight of histories read from the newest item to the oldest, beside those "
        "read as they are; 0: none",
    )
    alike: float = Field(
        0.0,
        ge=0,
        le=1e4,
        description="how many times the mean score of items with the same categories and tags an "
        "item gains; 0: none",
    )
    time: bool = Field(
        False,
        description="read when interactions were, and the moment of the query; figures with it "
        "are a track of their own",
    )
    session_decays: tuple[float, ...] = Field(
        (0.9,),
        max_length=MOST_SCALES,
        description="with time: decays of further scales, which read this session alone",
    )
    session_minutes: float = Field(
        15.0, gt=0, le=1e6, description="with time: a pause of more minutes ends a session"
    )
    trend: float = Field(
        0.5,
        ge=0,
        le=100,
        description="with time: power of how much more popular an item was in the days before the "
        "query than it is over all",
    )
    trend_days: float = Field(
        14.0, gt=0, le=1e5, description="with time: how many days before the query those are"
    )

    @field_validator("decays", "session_decays")
    @classmethod
    def decays_are_weights(cls, decays: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < decay < 1 for decay in decays) or len(set(decays)) < len(decays):
            raise ValueError("must be different numbers between 0 and 1")
        return decays

    @model_validator(mode="after")
    def times_are_read(self) -> Self:
        """Refuse a setting of times where they are not read."""
        for name in ("session_decays", "session_minutes", "trend", "trend_days"):
            value = getattr(self, name)
            if not self.time and value != LinearSettings.model_fields[name].default:
                problem = "is a setting of times, which this model does not read"
                raise refused(name, problem, "add `time: true`, or leave it out", value, ["time"])
        return self

    @property
    def scales(self) -> tuple[Scale, ...]:
        """How histories are read."""
        session = self.session_minutes * MINUTE
        own = tuple(Scale(decay, session) for decay in self.session_decays if self.time)
        return tuple(map(Scale, self.decays)) + own


class LinearConfig(JoinedSettings, LinearSettings):
    """The `linear` part of an experiment: a linear model that joins a network."""

    @property
    def needs_features(self) -> bool:
        """Whether it is made from what the dataset has of items."""
        return self.alike > 0


class LinearModelConfig(FittedModelSettings, LinearSettings):
    """The `model` part of an experiment with `name: linear`."""

    name: Literal["linear"] = "linear"

    @property
    def needs_features(self) -> bool:
        """Whether it is made from what the dataset has of items."""
        return self.alike > 0


class Linear:
    """The fitted model, a scorer.

    Attributes:
        weights: float32 (S (M + 1), M + 1), W: rows are slots of the history, scale by scale.
        slots: int64 (N + 1,), the slot of each item, 0 where it has no weights.
        popularity: float32 (N + 1,), the smoothed share of each item in the train part.
        recent: what everybody chose when; None without `time: true`.
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
        recent: RecentShares | None = None,
    ) -> None:
        self.num_items = num_items
        self.settings = settings
        self.scales = settings.scales
        self.max_length = max(scale.length for scale in self.scales)
        self.weights = weights
        self.slots = slots
        self.popularity = popularity
        self.recent = recent
        self.covered = torch.nonzero(slots).squeeze(1)  # (M,), the items that have weights

    @classmethod
    def fitting(
        cls,
        train: Sequences,
        num_items: int,
        settings: LinearSettings,
        workers: WorkerPool,
        features: Features | None = None,
    ) -> Iterator["float | Linear"]:
        """Fit; yields the share of the work that is done, and at last the model.

        Args:
            features: with `alike`, what is known of the items.

        Raises:
            TrainingError: the ridge is too small for single precision.
        """
        recent = None
        if settings.time:
            if train.times is None:
                raise ValueError("a model that reads times needs those of the train part")
            window = round(settings.trend_days * DAY)
            recent = RecentShares.of(train.times, train.items, window)
        slots = slots_of(train, num_items, settings.items)
        rows = slots.max() + 1
        size = len(settings.scales) * rows
        products, sides = torch.zeros(size, size), torch.zeros(size, rows)
        places = replace(train, items=slots[train.items].astype(np.int32))
        ways = [1.0, settings.backwards] if settings.backwards else [1.0]
        for done, weight in enumerate(ways):
            places = read_backwards(places) if done else places
            for share in add_products(products, sides, places, settings.scales, workers, weight):
                yield (done + share) / len(ways) * MADE
        del places
        products.diagonal().mul_(1 + settings.count_ridge).add_(settings.ridge)
        for share in factorize(products, workers):
            yield MADE + share * (FACTORIZED - MADE)
        for share in solve(products, sides, workers):
            yield FACTORIZED + share * (SOLVED - FACTORIZED)
        del products
        if settings.alike:
            if features is None:
                raise ValueError("a model that knows what is alike needs features of items")
            told = unseen_items(train, features)[: max(0, settings.items - int(slots.max()))]
            slots, sides = with_room(slots, sides, told)
            likeness = Likeness.of(features, slots)
            for share in likeness.spread(sides, settings.alike, workers):
                yield SOLVED + share * (1 - SOLVED)
        yield 1.0
        popularity = smoothed_shares(train.items, num_items)
        yield cls(num_items, settings, sides, torch.from_numpy(slots), popularity, recent)

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
        if weights.shape != (len(settings.scales) * rows, rows):
            raise ValueError("its weights are not those of its items and scales")
        if not {weights.dtype, shares.dtype} == {torch.float32}:
            raise ValueError("its weights are not in single precision")
        recent = None
        if settings.time:
            window = round(settings.trend_days * DAY)
            times, items = tensors["times"].numpy(), tensors["items"].numpy()
            recent = RecentShares.checked(times, items, window, num_items)
        return cls(num_items, settings, weights, slots, shares, recent)

    @classmethod
    def bytes_needed(cls, train: Sequences, num_items: int, settings: LinearSettings) -> int:
        """The memory that fitting takes beyond the data, in bytes."""
        rows = min(num_items, settings.items) + 1
        return 4 * rows**2 * len(settings.scales) * (len(settings.scales) + 1)

    def state_dict(self) -> dict[str, Tensor]:
        """What was learnt, by name."""
        learnt = {"weights": self.weights, "slots": self.slots, "popularity": self.popularity}
        if self.recent is not None:
            learnt["times"] = torch.from_numpy(self.recent.times)
            learnt["items"] = torch.from_numpy(self.recent.items)
        return learnt

    def score(self, histories: Sequences) -> Tensor:
        """The logarithm above for every id 0 to N and each history, float32 (B, N + 1).

        Without moments the query is after all that the model knows of; without times all of a
        history is of one session, which goes on.
        """
        if self.recent is not None:
            histories = self.recent.at_moments(histories)
        scores = (self.popularity * self.settings.popularity).repeat(len(histories), 1)
        predicted = self.predicted(histories)[:, 1:].clamp_(min=0)  # (B, M)
        if len(self.covered) == self.num_items:
            scores[:, 1:] += predicted
        else:
            scores.index_add_(1, self.covered, predicted)
        scores[:, PAD] = 1
        scores.log_()
        if self.recent is not None and self.settings.trend:
            scores.add_(self.trends(histories), alpha=self.settings.trend)
        return scores

    def trends(self, histories: Sequences) -> Tensor:
        """The logarithm of how much more popular each id 0 to N was before the moment of each
        history than it is over all, float32 (B, N + 1); 0 for padding."""
        assert self.recent is not None
        assert histories.moments is not None
        lately = self.recent.counts_before(histories.moments, self.num_items)
        usual = USUAL_CHOICES * self.num_items
        whole = lately.sum(1, keepdim=True).add_(usual)
        lately.add_(self.popularity, alpha=usual).div_(self.popularity).div_(whole)
        lately[:, PAD] = 1
        return lately.log_()

    def contributions(self, sequence: Sequences, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """What each item of one history adds to x W for each of `items`, float32 (items, history).

        A contribution is the item's weight in W, so it does not depend on the other items.
        """
        if self.recent is not None:
            sequence = self.recent.at_moments(sequence)
        columns = self.slots[torch.from_numpy(items)]
        added = np.zeros((len(items), len(sequence.items)), np.float32)
        for places, rows, weights in self.readings(sequence):
            found = self.weights[torch.from_numpy(rows)][:, columns].numpy()  # (read, items)
            added[:, places] += (found * weights[:, None]).T.astype(np.float32)
        added[columns.numpy() == 0] = 0  # of no weights
        return added

    def predicted(self, histories: Sequences) -> Tensor:
        """x W, float32 (B, M + 1)."""
        found = list(self.readings(histories))
        users = np.concatenate([histories.users[places] for places, _, _ in found])
        rows = np.concatenate([rows for _, rows, _ in found])
        weights = np.concatenate([weights for _, _, weights in found])
        order = np.argsort(users, kind="stable")
        starts = np.searchsorted(users[order], np.arange(len(histories)))
        return F.embedding_bag(
            torch.from_numpy(rows[order]),
            self.weights,
            torch.from_numpy(starts),
            mode="sum",
            per_sample_weights=torch.from_numpy(weights[order].astype(np.float32)),
        )

    def readings(
        self, histories: Sequences
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """For each scale the places in histories that it reads, the row of the weights of each, and
        its own weight."""
        slots = self.slots.numpy()[histories.items]
        for number, scale in enumerate(self.scales):
            weights = weights_read(histories, scale)
            places = np.flatnonzero((weights > 0) & (slots > 0))
            yield places, number * self.weights.shape[1] + slots[places], weights[places]


def read_backwards(histories: Sequences) -> Sequences:
    """The same histories from the newest item to the oldest, the last user's first."""
    offsets = histories.offsets[-1] - histories.offsets[::-1]
    times = None if histories.times is None else -histories.times[::-1]
    return Sequences(offsets, histories.items[::-1].copy(), times=times)


def slots_of(train: Sequences, num_items: int, most: int) -> NDArray[np.int64]:
    """The slot of each id 0 to N, int64: 1 to M in the order of the ids, 0 for those beyond the
    `most` most frequent items, and for those that the train part does not have."""
    counts = train.item_counts(num_items)
    kept = np.argsort(-counts[1:], kind="stable")[:most] + 1
    chosen = np.zeros(num_items + 1, np.bool_)
    chosen[kept[counts[kept] > 0]] = True
    return numbered(chosen)


def numbered(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The slots of the ids that are chosen, 1 to M in their order, and 0 for others."""
    return np.where(chosen, np.cumsum(chosen), 0)


def unseen_items(train: Sequences, features: Features) -> NDArray[np.int64]:
    """The items that the train part does not have and that a category or a tag tells of."""
    items, _, _ = values_of_items(features)
    told = np.zeros(len(features.trained) + 1, np.bool_)
    told[items] = True
    return np.flatnonzero(told & (train.item_counts(len(features.trained)) == 0))


def with_room(
    slots: NDArray[np.int64], weights: Tensor, more: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Tensor]:
    """The slots and the weights with those of the items `more`, which are 0."""
    chosen = slots > 0
    all_chosen = chosen.copy()
    all_chosen[more] = True
    places = numbered(all_chosen)
    old, rows = len(weights[0]), int(places.max()) + 1
    at = torch.from_numpy(np.append(0, places[chosen]))
    wider = torch.zeros(len(weights) // old, rows, rows)
    wider[:, at[:, None], at] = weights.view(-1, old, old)
    return places, wider.view(-1, rows)
