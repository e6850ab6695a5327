"""Which users form a batch, in which order, and how windows are cut from their histories."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.dataset import Sequences
from seqrec_cli.core.packing import FILL, Layout, Packed
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.core.sampling import UniformSampler


@dataclass(frozen=True, eq=False)
class TrainBatch:
    """Histories, and for each position the item that came next.

    Attributes:
        histories: T slots.
        targets: int64 (T,), the next item; 0 in padding.
        negatives: int64 (T, K), items the user does not have; 0 in padding or where none exists.
    """

    histories: Packed
    targets: Tensor
    negatives: Tensor

    def to(self, device: torch.device) -> "TrainBatch":
        return TrainBatch(
            self.histories.to(device), self.targets.to(device), self.negatives.to(device)
        )


class Batches:
    """The batches of an epoch: every user with a target exactly once, in a seeded random order.

    The order is a fresh permutation of the users in each epoch, cut into batches; only within a
    batch are histories grouped by length (packing.py), so what shares a batch is pure chance. The
    last, short batch is trained on like the others.
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
        fill: float = FILL,
    ) -> None:
        self.train = train
        self.seed = seed
        self.batch_size = batch_size
        self.max_length = max_length
        self.num_negatives = num_negatives
        self.fill = fill
        self.users = np.flatnonzero(train.lengths >= 2)
        self.sampler = UniformSampler(train, num_items)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.users) // self.batch_size)

    def users_of(self, epoch: int) -> list[NDArray[np.int64]]:
        """The users of each batch of an epoch."""
        order = stream(self.seed, Purpose.ORDER, epoch).permutation(self.users)
        return [
            order[start : start + self.batch_size]
            for start in range(0, len(order), self.batch_size)
        ]

    def make(self, epoch: int, users: NDArray[np.int64]) -> TrainBatch:
        """Cut the windows of these users and draw their negatives for this epoch."""
        ends = self.train.offsets[users + 1]
        lengths = np.minimum(self.train.lengths[users] - 1, self.max_length)
        layout = Layout.of(lengths, self.fill)
        # Interaction k of the batch is item `source[k]` of the train part, and its target the next.
        stops = np.cumsum(lengths)
        source = np.arange(stops[-1]) + np.repeat(ends - 1 - stops, lengths)
        owner = np.repeat(users, lengths)
        position = source - self.train.offsets[owner]
        counters = position[:, None] * self.num_negatives + np.arange(self.num_negatives)
        negatives = torch.zeros(layout.size, self.num_negatives, dtype=torch.int64)
        negatives[torch.from_numpy(layout.slots)] = torch.from_numpy(
            self.sampler.draw(self.seed, Purpose.NEGATIVES, epoch, owner[:, None], counters)
        )
        return TrainBatch(
            Packed(
                layout.spread(self.train.items[source]),
                torch.from_numpy(layout.ages),
                layout.blocks,
                torch.from_numpy(layout.last),
            ),
            layout.spread(self.train.items[source + 1]),
            negatives,
        )
