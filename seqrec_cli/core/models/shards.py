"""Tables whose rows several processes share: row i lies with process i mod W.

Items are numbered by a catalogue, which may list the popular ones side by side; taking every W-th
row gives each process about the same share of them.
"""

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import nn

DRAWN = 1 << 16  # rows that are drawn at a time; a multiple of 16
SINGLY = 16  # torch draws fewer normal numbers than this one by one, and more in sixteens


@dataclass(frozen=True)
class Shard:
    """The rows that the process `rank` of `size` has of each table."""

    rank: int
    size: int

    def count(self, rows: int) -> int:
        """How many of that many rows it has."""
        return len(range(self.rank, rows, self.size))


_shard: ContextVar[Shard | None] = ContextVar("shard", default=None)


@contextlib.contextmanager
def sharing(shard: Shard | None) -> Iterator[None]:
    """While the block runs, models are made with a share of the rows of their item tables."""
    before = _shard.set(shard)
    try:
        yield
    finally:
        _shard.reset(before)


class ShardedEmbedding(nn.Embedding):
    """A table (N + 1, D) of which this process has only its share of the rows.

    `num_embeddings` is N + 1, and `weight` has the rows of the shard. It is not read directly:
    training puts the rows that a step needs into the place of `weight`.
    """

    def __init__(self, num_rows: int, hidden: int, padding_idx: int, shard: Shard) -> None:
        own = torch.empty(shard.count(num_rows), hidden)
        super().__init__(len(own), hidden, _weight=own)
        self.num_embeddings = num_rows
        self.padding_idx = padding_idx
        self.shard = shard

    @torch.no_grad()
    def draw_xavier(self, generator: torch.Generator | None) -> None:
        """Draw the rows as `nn.init.xavier_normal_` draws those of the whole table, to the bit.

        All of them are drawn, a block at a time, and those of the shard are kept; the row of
        padding is 0.
        """
        shard, rows = self.shard, self.num_embeddings
        std = math.sqrt(2.0 / float(rows + self.embedding_dim))
        room = torch.empty(min(rows, DRAWN + SINGLY), self.embedding_dim)
        for start, stop in blocks_to_draw(rows, self.embedding_dim):
            drawn = room[: stop - start].normal_(0.0, std, generator=generator)
            first = (shard.rank - start) % shard.size
            kept = drawn[first :: shard.size]
            place = (start + first) // shard.size
            self.weight[place : place + len(kept)] = kept
        assert self.padding_idx is not None
        if self.padding_idx % shard.size == shard.rank:
            self.weight[self.padding_idx // shard.size].zero_()


def blocks_to_draw(rows: int, columns: int) -> list[tuple[int, int]]:
    """Blocks (first row, end) that give the numbers of a whole table when drawn one by one."""
    starts = list(range(0, rows, DRAWN))
    if len(starts) > 1 and (rows - starts[-1]) * columns < SINGLY:
        starts.pop()
    return list(zip(starts, [*starts[1:], rows], strict=True))


def item_embedding(num_rows: int, hidden: int, padding_idx: int) -> nn.Embedding:
    """A table with a row of zeros for padding; within `sharing`, the share of its rows."""
    shard = _shard.get()
    if shard is None:
        return nn.Embedding(num_rows, hidden, padding_idx=padding_idx)
    return ShardedEmbedding(num_rows, hidden, padding_idx, shard)
