"""Rows as tensors, and the batches of an epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.vocabularies import PAD, SparseEncoder, TagsEncoder
from seqrec_cli.core.data.ranking.dataset import Examples
from seqrec_cli.core.randomness import Purpose, stream


@dataclass(frozen=True)
class Sizes:
    """The numbers of codes and columns, by which a model's tables are sized."""

    items: int
    dense: int
    sparse: tuple[int, ...]
    tags: tuple[int, ...]

    @classmethod
    def of(cls, encoders: Encoders) -> "Sizes":
        """The sizes of the output of these encoders."""
        return cls(
            encoders.items.size,
            len(encoders.of(DenseEncoder)),
            tuple(column.size for column in encoders.of(SparseEncoder)),
            tuple(column.size for column in encoders.of(TagsEncoder)),
        )


@dataclass(frozen=True, eq=False)
class RankingBatch:
    """B rows, T positions of history; 0 is padding, on the right.

    Attributes:
        items: int64 (B,), the candidates.
        features: of the row, its user and its candidate.
        history: int64 (B, T), T at least 1.
        negatives: int64 (B, T).
        mask: bool (B, T), where the history is real.
    """

    items: Tensor
    features: FeatureTensors
    history: Tensor
    negatives: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: Tensor) -> "RankingBatch":
        """Some of the rows, cut to the longest history among them."""
        mask = self.mask[rows]
        longest = max(1, int(mask.sum(dim=1).max()))
        return RankingBatch(
            self.items[rows],
            self.features.take(rows),
            self.history[rows, :longest],
            self.negatives[rows, :longest],
            mask[:, :longest],
        )


def to_batch(examples: Examples, device: torch.device) -> RankingBatch:
    """All rows as tensors on the device."""

    def codes(values: NDArray[np.int32]) -> Tensor:
        return torch.from_numpy(values.astype(np.int64)).to(device)

    history, negatives = codes(examples.history), codes(examples.negatives)
    if not history.shape[1]:
        history = negatives = history.new_zeros(len(examples), 1)
    return RankingBatch(
        codes(examples.items),
        FeatureTensors.of(examples.features).to(device),
        history,
        negatives,
        history != PAD,
    )


class Batches:
    """The batches of an epoch: every row once, in an order seeded by the epoch.

    A last batch of a single row joins the one before: batch normalization needs two rows.
    """

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        self.rows = rows
        self.seed = seed
        starts = list(range(0, rows, batch_size))
        if len(starts) > 1 and rows - starts[-1] == 1:
            starts.pop()
        self.bounds = list(zip(starts, [*starts[1:], rows], strict=True))

    def __len__(self) -> int:
        return len(self.bounds)

    def rows_of(self, epoch: int, done: int = 0) -> Iterator[Tensor]:
        """The rows, int64, of each batch of an epoch, without the first `done` batches."""
        order = torch.from_numpy(stream(self.seed, Purpose.ORDER, epoch).permutation(self.rows))
        return (order[start:end] for start, end in self.bounds[done:])
