"""Scorers that need no training: what a model must beat to be worth its while.

All of them learn from the train part alone, as models do, and read the same histories.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ordering import count_codes
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models.fitted import fit_whole
from seqrec_cli.core.models.linear import Linear, LinearModelConfig
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig
from seqrec_cli.core.storage.memory import total_memory

RECENT_SHARE = 0.1  # of the train part counts as recent
NEIGHBOUR_BYTES = 2**30  # what the item-item table may take
MOST_SCORES = 2 * 10**10  # about a minute on a core
MOST_PRODUCTS = 10**13  # in matrices: some minutes on a core
MOST_PAIRS = 10**9  # of items that transitions may look at: about a minute on one core
MOST_WORK = 1e11  # additions and multiplications of a baseline: a second or two on one core
# What needs the train part in memory, and how often at most: of its items 4 bytes each, keys of 8.
READ_AT_ONCE = ("recent popularity", "markov chain", "transitions", "linear", "history neighbours")
BYTES_AT_ONCE = 12
WHOLE = np.iinfo(np.int64).max


class Popularity:
    """The same scores for everybody: how often each item occurs."""

    max_length = 1
    device = torch.device("cpu")

    def __init__(self, items: NDArray[np.int32], num_items: int) -> None:
        self.num_items = num_items
        counts = count_codes(items, num_items + 1)
        self.counts = torch.from_numpy(counts).to(torch.float32)

    def score(self, histories: Sequences) -> Tensor:
        return self.counts.repeat(len(histories), 1)


class MarkovChain:
    """First-order Markov chain: how often each item followed the newest one.

    Items that never did are ordered by popularity, below all that did.
    """

    max_length = 1
    device = torch.device("cpu")

    def __init__(self, train: Sequences, num_items: int) -> None:
        self.num_items = num_items
        counts = train.item_counts(num_items)
        self.popularity = torch.from_numpy(counts / (counts.max() + 1.0)).to(torch.float32)
        same_user = train.users[1:] == train.users[:-1]
        pairs = train.items[:-1].astype(np.int64) * (num_items + 1) + train.items[1:]
        keys, self.times = np.unique(pairs[same_user], return_counts=True)
        self.before, self.after = np.divmod(keys, num_items + 1)

    def score(self, histories: Sequences) -> Tensor:
        newest = histories.items[histories.offsets[1:] - 1]
        scores = self.popularity.repeat(len(histories), 1)
        starts = np.searchsorted(self.before, newest, side="left")
        lengths = np.searchsorted(self.before, newest, side="right") - starts
        rows = np.repeat(np.arange(len(histories)), lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        found = np.repeat(starts, lengths) + within
        scores[torch.from_numpy(rows), torch.from_numpy(self.after[found])] += torch.from_numpy(
            self.times[found]
        )
        return scores


class ItemNeighbours:
    """Item-item neighbours: the cosine of the sets of users, summed over the history.

    Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001.
    """

    max_length = WHOLE
    device = torch.device("cpu")

    def __init__(self, train: Sequences, num_items: int) -> None:
        self.num_items = num_items
        together = items_together(train, num_items)
        norm = together.diagonal().sqrt().clamp(min=1)
        self.similarity = together.div_(norm).div_(norm[:, None]).fill_diagonal_(0)

    def score(self, histories: Sequences) -> Tensor:
        return occurrence(histories, self.num_items) @ self.similarity


class Ease:
    """The items of a history as a linear regression of each item on all others, in any order.

    EASE (Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019), in closed form.
    """

    max_length = WHOLE
    device = torch.device("cpu")
    ridge = 500.0  # the paper's for its densest data

    def __init__(self, train: Sequences, num_items: int) -> None:
        self.num_items = num_items
        together = items_together(train, num_items)
        together.diagonal().add_(self.ridge)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(together))
        self.weights = inverse.div_(-inverse.diagonal()).fill_diagonal_(0)

    def score(self, histories: Sequences) -> Tensor:
        return occurrence(histories, self.num_items) @ self.weights


class HistoryNeighbours:
    """What the most similar histories of the train part have, weighted by their similarity.

    Session-based nearest neighbours (Jannach & Ludewig, RecSys 2017), newer items counting for
    more as in Ludewig & Jannach, UMUAI 2018: a sum of decay^age over common items, divided by the
    square root of the other history's length.
    """

    max_length = WHOLE
    device = torch.device("cpu")
    neighbours = 200
    decay = 0.85

    def __init__(self, train: Sequences, num_items: int) -> None:
        self.num_items = num_items
        self.has = occurrence(train, num_items)
        self.lengths = self.has.sum(dim=1).sqrt().clamp(min=1)

    def score(self, histories: Sequences) -> Tensor:
        ages = histories.offsets[histories.users + 1] - 1 - np.arange(len(histories.items))
        asked = torch.zeros(len(histories), self.num_items + 1)
        # In the order of the history, so that of an item that came again the newest age stays.
        places = (
            torch.from_numpy(histories.users),
            torch.from_numpy(histories.items.astype(np.int64)),
        )
        weights = torch.from_numpy((self.decay**ages).astype(np.float32))
        flat = places[0] * (self.num_items + 1) + places[1]
        asked.view(-1).scatter_reduce_(0, flat, weights, "amax")
        similar = (asked @ self.has.T) / self.lengths  # (B, users)
        best, who = similar.topk(min(self.neighbours, len(self.has)), dim=1)
        kept = torch.zeros_like(similar).scatter_(1, who, best)
        return kept @ self.has


def items_together(train: Sequences, num_items: int) -> Tensor:
    """How many users have both of two items, float32 (N + 1, N + 1)."""
    together = torch.zeros(num_items + 1, num_items + 1)
    step = max(1, 2**24 // (num_items + 1))
    for start in range(0, len(train), step):
        has = occurrence(train.take(np.arange(start, min(start + step, len(train)))), num_items)
        together.addmm_(has.T, has)
    return together


def occurrence(histories: Sequences, num_items: int) -> Tensor:
    """1.0 where an item is in a history, else 0.0, (B, N + 1)."""
    has = torch.zeros(len(histories), num_items + 1)
    has[torch.from_numpy(histories.users), torch.from_numpy(histories.items.astype(np.int64))] = 1
    return has


def recent_items(dataset: SequenceDataset) -> NDArray[np.int32]:
    """The newest tenth of the train part: by time, or without times of each user's history."""
    train, times = dataset.train, dataset.timestamps.get("train")
    if times is not None and len(times):
        return train.items[times >= np.quantile(times, 1 - RECENT_SHARE, method="higher")]
    taken = np.ceil(train.lengths * RECENT_SHARE).astype(np.int64)
    first = (train.offsets[1:] - taken)[train.users]
    newest: NDArray[np.bool_] = np.arange(len(train.items)) >= first
    return train.items[newest]


ONE_SCALE = LinearModelConfig(decays=(0.85,), ridge=100)  # one reading of the history is cheap

Baseline = (
    Popularity | MarkovChain | ItemNeighbours | HistoryNeighbours | Ease | Transitions | Linear
)

BASELINES: dict[str, Callable[[SequenceDataset], Baseline]] = {
    "popularity": lambda data: Popularity(data.train.items, data.num_items),
    "recent popularity": lambda data: Popularity(recent_items(data), data.num_items),
    "markov chain": lambda data: MarkovChain(data.train.loaded(), data.num_items),
    "transitions": lambda data: Transitions(
        data.train.loaded(), data.num_items, TransitionsConfig()
    ),
    "linear": lambda data: fit_whole(
        "linear", data.train, data.num_items, ONE_SCALE, WorkerPool(torch.device("cpu"))
    ),
    "ease": lambda data: Ease(data.train, data.num_items),
    "history neighbours": lambda data: HistoryNeighbours(data.train, data.num_items),
    "item neighbours": lambda data: ItemNeighbours(data.train, data.num_items),
}


def affordable(name: str, dataset: SequenceDataset, users: int) -> bool:
    """Whether a baseline is within reach, in memory and in minutes, when it is asked for `users`.

    Every baseline scores all items for each of them. Item neighbours need 4 bytes and a product for
    each pair of items; transitions look at every occurrence of each user's newest items, which are
    as popular as items in histories are. Linear and EASE solve a system as large as the catalogue;
    history neighbours hold each history against all others. Some need all of the train part, which
    of a dataset of shards is not in memory.
    """
    items = float(dataset.num_items)
    if users * items > MOST_SCORES:
        return False
    if name in READ_AT_ONCE and BYTES_AT_ONCE * dataset.train.bytes_on_disk > total_memory():
        return False
    if name in ("linear", "ease"):
        return 7 / 3 * items**3 <= MOST_WORK
    if name == "history neighbours":
        whole = float(dataset.num_users)
        return 4 * users * whole * items <= MOST_WORK and 4 * whole * items <= NEIGHBOUR_BYTES
    if name == "item neighbours":
        pairs = float(dataset.num_items + 1) ** 2
        products = (users + dataset.num_users) * pairs
        return 4 * pairs <= NEIGHBOUR_BYTES and products <= MOST_PRODUCTS
    if name == "transitions":
        times = dataset.item_counts().astype(np.float64)
        typical = (times**2).sum() / max(1.0, times.sum())
        return bool(TransitionsConfig().lags * users * typical <= MOST_PAIRS)
    return True
