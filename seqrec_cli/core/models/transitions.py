"""What followed: counts of the train part, lag by lag, as a scorer of its own and beside a model.

The mixture transition distribution (Raftery, JRSS B 1985; with a matrix for each lag as in
Berchtold & Raftery, Statistical Science 2002). For the l-th newest item h of a history, with n(h)
the times something came l places after h in the train part, and n(h, i) the times i did,

    p(i) = sum over l of d^(l - 1) (n(h, i) + k u(i)) / (n(h) + k) / sum over l of d^(l - 1)

where d is the decay, k the smoothing and u the share of i in the train part. A model's logits plus
w log p are the logarithm of a product of two experts (Hinton, Neural Computation 2002): a network
of a few dozen dimensions cannot hold the catalogue's many single habits, counts cannot read more
than one item at a time. The counts join when the training is over: inside of it they were no
better, and made it longer (docs/accuracy.md).

Shapes: B histories, N items; column 0 is padding.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqrec_cli.core.data.sequences import PAD, Sequences, checked_sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models.fitted import FittedModelSettings, JoinedSettings
from seqrec_cli.core.models.item_shares import smoothed_shares
from seqrec_cli.core.settings.base import Settings

# Pairs that are looked at a time: popular items of a large log are followed very often.
PAIRS = 2**21


class TransitionsSettings(Settings):
    """What is counted, by itself or beside a network."""

    lags: int = Field(
        8, ge=1, le=100, description="number of most recent items whose successors are counted"
    )
    decay: float = Field(
        0.7, ge=0.01, le=1, description="weight of an item relative to the next more recent one"
    )
    smoothing: float = Field(
        100.0, ge=0.001, le=1e9, description="weight of the popularity prior, in occurrences"
    )


class TransitionsConfig(JoinedSettings, TransitionsSettings):
    """The `transitions` part of an experiment: counts that join a network."""


class TransitionsModelConfig(FittedModelSettings, TransitionsSettings):
    """The `model` part of an experiment with `name: transitions`."""

    name: Literal["transitions"] = "transitions"


class Transitions:
    """A scorer that learns from the train part by counting: the logarithm of p above."""

    settings_class: ClassVar = TransitionsModelConfig
    device = torch.device("cpu")

    def __init__(self, train: Sequences, num_items: int, settings: TransitionsSettings) -> None:
        self.train = train
        self.num_items = num_items
        self.settings = settings
        self.max_length = settings.lags
        counts = train.item_counts(num_items)
        # The train part with room behind each user, where nothing follows, and where each item
        # stands in it, item by item: any row of any lag's matrix is read off when it is asked for.
        shifted = train.users * settings.lags
        shifted += np.arange(len(shifted))
        size = len(shifted) + settings.lags * len(train)
        self.padded = np.full(size, PAD, np.int32)
        self.padded[shifted] = train.items
        self.starts = np.concatenate(([0], np.cumsum(counts)))
        order = np.argsort(train.items, kind="stable")
        self.places = shifted[order].astype(np.int32 if size < 2**31 else np.int64)
        self.popularity = smoothed_shares(train.items, num_items)

    @classmethod
    def fitting(
        cls, train: Sequences, num_items: int, settings: TransitionsSettings, workers: WorkerPool
    ) -> Iterator["float | Transitions"]:
        """Fit; yields the model."""
        yield cls(train, num_items, settings)

    @classmethod
    def restored(
        cls, num_items: int, settings: TransitionsSettings, tensors: Mapping[str, Tensor]
    ) -> "Transitions":
        """The model whose `state_dict` was `tensors`.

        Raises:
            ValueError, KeyError: they are not of such a model.
        """
        offsets, items = tensors["offsets"].numpy(), tensors["items"].numpy()
        train = checked_sequences("train", offsets, items, offsets.size - 1, num_items)
        return cls(train, num_items, settings)

    @classmethod
    def bytes_needed(cls, train: Sequences, num_items: int, settings: TransitionsSettings) -> int:
        """The memory that fitting takes beyond the data, in bytes."""
        return 24 * len(train.items) + 4 * settings.lags * len(train)

    def state_dict(self) -> dict[str, Tensor]:
        """What was learnt, by name: the train part."""
        return {
            "offsets": torch.from_numpy(self.train.offsets.copy()),
            "items": torch.from_numpy(self.train.items.copy()),
        }

    def score(self, histories: Sequences) -> Tensor:
        """log p for every id 0 to N and each history of 1 or more items, float32 (B, N + 1).

        Padding, whose p is 0, gets 0.
        """
        size = len(histories)
        probabilities = torch.zeros(size, self.num_items + 1)
        smooth, total = np.zeros(size), np.zeros(size)
        # All lags of few histories are one pass: at each lag alone calls would take most of it.
        lags, rows = np.nonzero(histories.lengths >= np.arange(1, self.settings.lags + 1)[:, None])
        items = histories.items[histories.offsets[rows + 1] - 1 - lags]
        weights = self.settings.decay**lags
        for piece in self.pieces(items):
            own, weight = rows[piece], weights[piece]
            found, ends = self.found(items[piece], lags[piece] + 1)
            counts = np.diff(np.append(0, np.cumsum(found != PAD))[ends])
            each = weight / (counts + self.settings.smoothing)
            cells = np.repeat(own * (self.num_items + 1), np.diff(ends))
            cells += found
            values = np.repeat(each.astype(np.float32), np.diff(ends))
            # What nothing follows adds to padding.
            probabilities.view(-1).index_add_(0, torch.from_numpy(cells), torch.from_numpy(values))
            smooth += np.bincount(own, each * self.settings.smoothing, size)
            total += np.bincount(own, weight, size)
        probabilities.addr_(torch.from_numpy(smooth).float(), self.popularity)
        probabilities.div_(torch.from_numpy(total).float().unsqueeze(1))
        probabilities[:, PAD] = 1
        return probabilities.log_()

    def pieces(self, items: NDArray[np.int32]) -> list[NDArray[np.int64]]:
        """Cut a list of items, by index, where they add up to more than PAIRS occurrences."""
        counts = self.starts[items + 1] - self.starts[items]
        full = np.flatnonzero(np.diff(np.cumsum(counts) // PAIRS)) + 1
        return np.split(np.arange(len(items)), full)

    def found(
        self, items: NDArray[np.int32], lags: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All that came so many places, `lags`, after each of `items`, one behind the other, PAD
        where nothing did; what came after the n-th is `ends[n]` to `ends[n + 1]` of it."""
        starts, stops = self.starts[items], self.starts[items + 1]
        spans = zip(starts.tolist(), stops.tolist(), strict=True)
        own = [self.places[start:stop] for start, stop in spans]
        places = np.concatenate([self.places[:0], *own])
        places += np.repeat(lags.astype(places.dtype), stops - starts)
        return self.padded[places], np.append(0, np.cumsum(stops - starts))
