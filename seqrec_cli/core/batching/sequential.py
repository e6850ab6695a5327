"""Which users form a batch, in which order, and how windows are cut from their histories."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.batching.features import rows_as_tensors
from seqrec_cli.core.batching.packing import ATTENTION, FILL, CostModel, Layout, Packed
from seqrec_cli.core.data.negatives import SAMPLERS, Sampler, SharedSampler, sampler_name
from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.randomness import Purpose, hashed, stream

NegativesPer = Literal["target", "history", "batch"]

# The fewest targets of a part of a batch that has more than two parts. Measured on two cores: a
# step of ml-1m takes 62 ms with 2,048, 60 with 4,096 and 76 with 1,400.
PART_TARGETS = 2048
# The fewest targets of a part of two: half of the time is worth more than the overhead of a part.
HALF_TARGETS = 512


@dataclass(frozen=True, eq=False)
class TrainBatch:
    """B histories, and the next item at each position.

    Attributes:
        histories: T slots.
        targets: int64 (T,), the next item; 0 in padding.
        negatives: int64, items the user does not have; 0 in padding or if none exists. (T, K); if
            a history shares its negatives (B, K), in the order of the blocks' rows; if the batch
            shares them (K,), and then a user may have them.
        log_probabilities: float32 like the negatives, the log of each one's probability; or None.
        weight: the total weight of its targets.
    """

    histories: Packed
    targets: Tensor
    negatives: Tensor
    log_probabilities: Tensor | None
    weight: float

    def to(self, device: torch.device) -> "TrainBatch":
        return TrainBatch(
            self.histories.to(device),
            self.targets.to(device),
            self.negatives.to(device),
            None if self.log_probabilities is None else self.log_probabilities.to(device),
            self.weight,
        )


class Batches:
    """The batches of an epoch: every user with a target exactly once, in a seeded random order.

    Each epoch cuts a new permutation of the users into batches. Histories are grouped by length
    only within a batch (packing.py), so which users share a batch is random. The last, smaller
    batch is trained on like the others.
    """

    def __init__(
        self,
        train: Sequences,
        num_items: int,
        *,
        seed: int,
        batch_size: int,
        max_length: int,
        num_negatives: int,
        negatives_per: NegativesPer = "target",
        in_batch: bool = False,
        popularity_power: float | None = None,
        sampler: str | None = None,
        log_probabilities: bool = False,
        half_life: float | None = None,
        excluded_items: Tensor | None = None,
        fill: float = FILL,
        cost: CostModel = ATTENTION,
    ) -> None:
        self.train = train
        self.histories = Sequences(train.offsets, train.items)
        self.seed = seed
        self.batch_size = batch_size
        self.max_length = max_length
        self.num_negatives = num_negatives
        self.negatives_per = negatives_per
        self.in_batch = in_batch
        self.half_life = half_life
        self.fill = fill
        self.cost = cost
        self.users = np.flatnonzero(train.lengths >= 2)
        self.log_probabilities = log_probabilities
        # The items that negatives are drawn from; the samplers number them from 1.
        allowed = np.ones(num_items + 1, np.bool_)
        allowed[0 if excluded_items is None else excluded_items.cpu().numpy()] = False
        self.allowed = np.concatenate(([PAD], np.flatnonzero(allowed))).astype(np.int64)
        self.num_items = num_items
        name, number = sampler_name(sampler, popularity_power), len(self.allowed) - 1
        counts = own_counts = None
        if negatives_per == "batch" or name != "uniform":
            counts = train.item_counts(num_items)
            own_counts = counts[self.allowed[1:]]
        # Without users: those of a part come with it, so that nothing is built for all of them.
        nobody = Sequences.from_lists([])
        self.sampler = SAMPLERS[name](nobody, number, popularity_power, own_counts)
        self.pool: SharedSampler | None = None  # of negatives that a batch shares
        if negatives_per == "batch":
            by_count = in_batch or (name == "popularity" and popularity_power is None)
            power = 1.0 if by_count else popularity_power or 0.0
            assert counts is not None
            assert own_counts is not None
            self.pool = SharedSampler(own_counts, power, num_negatives)
            self.log_frequency = np.log(np.maximum(counts, 1) / len(train.items))

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.users) // self.batch_size)

    def users_of(self, epoch: int) -> list[NDArray[np.int64]]:
        """The users of each batch of an epoch."""
        order = stream(self.seed, Purpose.ORDER, epoch).permutation(self.users)
        return [
            order[start : start + self.batch_size]
            for start in range(0, len(order), self.batch_size)
        ]

    def num_targets(self, users: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of targets in each user's window, int64."""
        return np.minimum(self.train.lengths[users] - 1, self.max_length)

    def count_targets(self, users: NDArray[np.int64]) -> int:
        """The number of targets in the windows of these users."""
        return int(self.num_targets(users).sum())

    def weigh(self, users: NDArray[np.int64]) -> float:
        """The total weight of the targets in the windows of these users."""
        if self.half_life is None:
            return float(self.count_targets(users))
        decay = np.log(2) / self.half_life  # per item; the sum of a geometric series
        return float((np.expm1(-decay * self.num_targets(users)) / np.expm1(-decay)).sum())

    def split(self, users: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Split a batch into 1, 2, 4, ... parts of about equal cost, each of similar lengths."""
        if self.cost.whole:
            return [users]
        lengths = self.num_targets(users)
        total = int(lengths.sum())
        parts = total // (PART_TARGETS * self.cost.min_part_scale)
        count = 1 << max(int(total >= 2 * HALF_TARGETS), parts.bit_length() - 1)
        if count == 1:
            return [users]
        order = np.argsort(-lengths, kind="stable")
        done = np.cumsum(self.cost.of(lengths)[order])
        cuts = np.searchsorted(done, done[-1] * np.arange(1, count) / count)
        return [part for part in np.split(users[order], cuts) if len(part)]

    def share(self, epoch: int, step: int, users: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Draw the negatives that the batch shares, int64 (K,); None if it shares none."""
        if self.pool is None:
            return None
        if not self.in_batch:
            return self.allowed[self.pool.draw(self.seed, Purpose.NEGATIVES, epoch, step)]
        numbers = np.arange(self.num_negatives)
        draws = hashed(self.seed, Purpose.NEGATIVES, epoch, np.full(1, step), numbers)
        stops = np.cumsum(self.num_targets(users))
        places = (draws * stops[-1]).astype(np.int64)  # among the targets, user by user
        owners = np.searchsorted(stops, places, side="right")
        ends = self.train.offsets[users + 1]
        targets: NDArray[np.int32] = self.train.items[ends[owners] - stops[owners] + places]
        return targets.astype(np.int64)

    def log_share(self, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """The log of each item's probability in one of the K draws that a batch shares."""
        assert self.pool is not None
        if not self.in_batch:
            return self.pool.log_probability(np.searchsorted(self.allowed, items))
        # The probability of a target in a batch is about its frequency.
        return np.asarray(self.log_frequency[items], np.float32)

    def make(
        self, epoch: int, users: NDArray[np.int64], shared: NDArray[np.int64] | None = None
    ) -> TrainBatch:
        """Cut the windows of these users and draw their negatives for this epoch.

        `shared` are the negatives of the whole batch, of which these users may be a part.
        """
        ends = self.train.offsets[users + 1]
        lengths = self.num_targets(users)
        layout = Layout.of(lengths, self.fill)
        # Interaction k of the batch is item `source[k]` of the train part; the next is its target.
        stops = np.cumsum(lengths)
        source = np.arange(stops[-1]) + np.repeat(ends - 1 - stops, lengths)
        log_probabilities = None
        if shared is not None:
            negatives = shared
            if self.log_probabilities:
                log_probabilities = self.log_share(shared)
        else:
            sampler = self.sampler.for_users(self.renumbered(self.histories.take(users)))
            if self.negatives_per == "history":
                rows, positions = layout.rows, np.zeros(len(users), np.int64)
            else:
                rows = np.repeat(np.arange(len(users)), lengths)
                positions = source - self.train.offsets[users[rows]]
            negatives = self.draw(sampler, epoch, rows, users, positions)
            if self.log_probabilities:
                log_probabilities = sampler.log_probability(rows[:, None], negatives)
            negatives = self.allowed[negatives]
            if self.negatives_per == "target":
                negatives = layout.spread_rows(negatives)
                log_probabilities = (
                    None if log_probabilities is None else layout.spread_rows(log_probabilities)
                )
        return TrainBatch(
            Packed(
                layout.spread(self.train.items[source]),
                torch.from_numpy(layout.ages),
                layout.blocks,
                torch.from_numpy(layout.last),
                rows_as_tensors(self.train.features, users[layout.rows]),
            ),
            layout.spread(self.train.items[source + 1]),
            torch.from_numpy(negatives),
            None if log_probabilities is None else torch.from_numpy(log_probabilities),
            self.weigh(users),
        )

    def draw(
        self,
        sampler: Sampler,
        epoch: int,
        rows: NDArray[np.int64],
        users: NDArray[np.int64],
        positions: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Draw K negatives for each row of `users` and position in its history, int64 (R, K)."""
        counters = positions[:, None] * self.num_negatives + np.arange(self.num_negatives)
        keys = users[rows][:, None]
        purpose = Purpose.NEGATIVES
        return sampler.draw(self.seed, purpose, epoch, rows[:, None], counters, keys)

    def renumbered(self, known: Sequences) -> Sequences:
        """Sequences with each item renumbered by its place in `allowed`."""
        if len(self.allowed) == self.num_items + 1:
            return known
        return Sequences(known.offsets, np.searchsorted(self.allowed, known.items).astype(np.int32))
