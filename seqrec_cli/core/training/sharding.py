"""Item tables whose rows the workers share, for losses with sampled negatives.

Before a step each worker asks the owners for the rows that its parts of the batch read. Its model
computes with these alone, renumbered; the gradients of the rows go back to the owners, who add them
in the order of the parts and change their rows. So the model knows nothing of it, and the rows
become the same bytes as in one process (see `shards.py` for which rows lie where).

Only tensors are sent. Shapes: W workers, R rows that a worker reads, N + 1 rows of a table, D
columns.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from seqrec_cli.core.batching.sequential import TrainBatch
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.models.shards import Shard, ShardedEmbedding
from seqrec_cli.core.storage.tensors import content_of
from seqrec_cli.core.training.distributed import Found, Team, joined
from seqrec_cli.core.training.optimizers import rows_in_use
from seqrec_cli.errors import ConfigError

GATHERED_BYTES = 1 << 25  # of a table's rows that are brought together at a time


def exchange(team: Team, tensor: Tensor, given: list[int], taken: list[int]) -> Tensor:
    """Give each worker its rows of `tensor`, and take those that they give.

    Args:
        tensor: what is given, worker by worker.
        given: how many rows each of the W workers is given.
        taken: how many each gives.
    """
    if team.size == 1:
        return tensor
    received = tensor.new_empty(sum(taken), *tensor.shape[1:])
    with team.waiting():
        dist.all_to_all_single(received, tensor.contiguous(), taken, given)
    return received


@dataclass(frozen=True, eq=False)
class Route:
    """Which rows a worker asks of whom, and which are asked of it.

    Attributes:
        order: int64 (R,), its rows, owner by owner.
        given: how many rows it asks of each worker.
        taken: how many each worker asks of it.
        asked: int64, the rows that are asked of it, worker by worker, numbered within its shard.
    """

    order: Tensor
    given: list[int]
    taken: list[int]
    asked: Tensor

    @classmethod
    def to_owners(cls, team: Team, ids: Tensor) -> "Route":
        """The route of ids (R,) to the workers that have these rows."""
        owners = ids % team.size
        order = owners.argsort(stable=True)
        counts = torch.bincount(owners, minlength=team.size)
        ones = [1] * team.size
        given, taken = counts.tolist(), exchange(team, counts, ones, ones).tolist()
        asked = exchange(team, ids[order], given, taken) // team.size
        return cls(order, given, taken, asked)

    def rows_of(self, team: Team, shard: Tensor) -> Tensor:
        """The rows of a table, (R, D), of which each worker has its `shard`."""
        received = exchange(team, shard[self.asked], self.taken, self.given)
        return torch.empty_like(received).index_copy_(0, self.order, received)


class ShardedTables:
    """The item tables of a model, of which this worker has the rows of `shard`."""

    def __init__(self, model: Any, shard: Shard) -> None:
        """Take the tables of a model that was made within `sharing(shard)`.

        Raises:
            ConfigError: the model makes a table of its own, which is whole.
        """
        self.shard = shard
        self.modules: dict[str, ShardedEmbedding] = {}
        for name in sorted(model.tables):
            module = model.get_submodule(name.removesuffix(".weight"))
            if not isinstance(module, ShardedEmbedding):
                raise ConfigError(
                    f"the model makes its table `{name}` by itself, so its rows cannot be shared",
                    "leave out `--table sharded`",
                )
            self.modules[name] = module
        self.ids = torch.zeros(0, dtype=torch.int64)  # of the rows that were read last

    def has(self, name: str) -> bool:
        """Whether a tensor of a checkpoint is a table, or the state of its optimizer."""
        plain = name.removeprefix("model.").removeprefix("optimiser.tables.").removesuffix(".sums")
        return plain in self.modules

    @contextlib.contextmanager
    def holding(self, team: Team, ids: Tensor) -> Iterator[None]:
        """While the block runs the tables have the rows `ids`, int64 (R,), in that order.

        `ids` are distinct, in ascending order, and begin with padding. All workers do it at once.
        """
        self.ids = ids
        route = Route.to_owners(team, ids)
        own = {name: module.weight for name, module in self.modules.items()}
        try:
            for module in self.modules.values():
                rows = route.rows_of(team, module.weight.detach())
                module.weight = nn.Parameter(rows)
            yield
        finally:
            for name, module in self.modules.items():
                module.weight = own[name]

    @contextlib.contextmanager
    def step(
        self, team: Team, parts: Mapping[int, Callable[[], TrainBatch]], device: torch.device
    ) -> Iterator[dict[int, Callable[[], TrainBatch]]]:
        """While the block runs the tables have the rows of these parts, which are renumbered."""
        batches = {number: part() for number, part in parts.items()}
        read = [PADDING, *(items for b in batches.values() for items in items_of(b))]
        ids = distinct(read)
        with self.holding(team, ids.to(device)):
            yield {n: as_made(in_local_numbers(batch, ids)) for n, batch in batches.items()}

    def total(
        self, team: Team, found: Mapping[int, Found], parts: int, parameters: Mapping[str, Tensor]
    ) -> tuple[float, list[Tensor]]:
        """The batch's loss and gradients as of `Team.total`; of the tables, those of the shard.

        `parameters` are the model's by name, with the shards of the tables.
        """
        places = [n for n, name in enumerate(parameters) if name in self.modules]
        others = [n for n in range(len(parameters)) if n not in places]
        rest = {number: (loss, [g[n] for n in others]) for number, (loss, g) in found.items()}
        named = list(parameters.items())
        loss, dense = team.total(rest, parts, [named[n][1] for n in others])
        total = dict(zip(others, dense, strict=True))
        for place in places:
            own = {number: gradients[place] for number, (_, gradients) in found.items()}
            total[place] = self.to_owners(team, own, parts, named[place][1])
        return loss, [total[n] for n in range(len(named))]

    def to_owners(
        self, team: Team, gradients: Mapping[int, Tensor], parts: int, shard: Tensor
    ) -> Tensor:
        """The sum of all workers' gradients of the shard (rows, D), sparse, in the parts' order.

        `gradients` are one's own, by part, sparse, for the rows that were read. Where sums need not
        be exact those of a row are added before they are sent.
        """
        if not team.exact and gradients:
            whole = joined([gradients[number] for number in sorted(gradients)])
            places, sums = rows_in_use(whole)
            summed = torch.sparse_coo_tensor(
                places.unsqueeze(0), sums, whole.shape, check_invariants=False
            )
            gradients = {team.rank: summed}
        counts = torch.zeros(team.size, parts, dtype=torch.int64)
        ids, values, owners = [], [], []
        for number in sorted(gradients):
            rows = self.ids[gradients[number]._indices()[0]]
            owners.append(rows % team.size)
            counts[:, number] = torch.bincount(owners[-1], minlength=team.size).cpu()
            ids.append(rows)
            values.append(gradients[number]._values())
        # Stable: what one owner is given is part by part, and in a part as it was.
        order = torch.cat([self.ids[:0], *owners]).argsort(stable=True)
        given = counts.sum(1).tolist()
        asked = exchange(team, counts.to(shard.device), [1] * team.size, [1] * team.size).cpu()
        taken = asked.sum(1).tolist()
        places = exchange(team, torch.cat([self.ids[:0], *ids])[order], given, taken) // team.size
        sent = torch.cat([shard.new_empty(0, *shard.shape[1:]), *values])[order]
        received = exchange(team, sent, given, taken)
        # Part by part: those of one worker lie side by side, and so do its parts.
        sizes = asked.flatten().tolist()
        cut = list(zip(torch.split(places, sizes), torch.split(received, sizes), strict=True))
        pieces = [cut[w * parts + n] for n in range(parts) for w in range(team.size)]
        return torch.sparse_coo_tensor(
            torch.cat([rows for rows, _ in pieces]).unsqueeze(0),
            torch.cat([rows for _, rows in pieces]),
            shard.shape,
            is_coalesced=False,
            check_invariants=False,
        )

    def blocks(
        self, team: Team, shard: Tensor, rows: int, most: int, everybody: bool = False
    ) -> Iterator[Tensor | None]:
        """The rows of a table in their order, a block at a time; None where only the first has it.

        Its N + 1 `rows` are brought together from the shards, `most` of each; all workers take
        part.
        """
        for start in range(0, -(-rows // team.size), most):
            own = shard[start : start + most]
            count = min(rows, (start + most) * team.size) - start * team.size
            room = own.new_zeros(-(-count // team.size), *own.shape[1:])
            room[: len(own)] = own
            pieces = gathered(team, room, everybody)
            yield None if pieces is None else torch.stack(pieces, 1).flatten(0, 1)[:count]

    def catalogue(
        self, team: Team, names: Sequence[str], vectors: Callable[[], Tensor]
    ) -> Iterator[tuple[int, Tensor]]:
        """What `vectors` gives for a block of rows of these tables, and the first row of each."""
        tables = {name: self.modules[name] for name in names}
        own = {name: module.weight for name, module in tables.items()}
        rows = next(iter(tables.values())).num_embeddings
        most = rows_at_once(team, *own.values())
        blocks = (self.blocks(team, w.detach(), rows, most, True) for w in own.values())
        first = 0
        try:
            for together in zip(*blocks, strict=True):
                for module, block in zip(tables.values(), together, strict=True):
                    assert block is not None
                    module.weight = nn.Parameter(block, requires_grad=False)
                yield first, vectors()
                first += most * team.size
        finally:
            for name, module in tables.items():
                module.weight = own[name]


def rows_at_once(team: Team, *shards: Tensor) -> int:
    """How many rows of each worker are brought together at a time."""
    row_bytes = sum(shard[:1].nbytes for shard in shards)
    return max(1, GATHERED_BYTES // (max(1, row_bytes) * team.size))


def gathered(team: Team, own: Tensor, everybody: bool) -> list[Tensor] | None:
    """All workers' tensors of one shape; None for those that do not lead, unless for everybody."""
    if team.size == 1:
        return [own]
    pieces = [torch.empty_like(own) for _ in range(team.size)] if everybody or team.leads else None
    with team.waiting():
        if everybody:
            dist.all_gather(pieces, own)
        else:
            dist.gather(own, pieces, dst=0)
    return pieces


@dataclass(frozen=True, eq=False)
class GatheredRows:
    """A table or its optimizer's state as `save_tensors` writes it, brought together in blocks.

    Attributes:
        dtype, shape: of the whole.
    """

    tables: ShardedTables
    team: Team
    shard: Tensor
    rows: int

    @property
    def dtype(self) -> torch.dtype:
        return self.shard.dtype

    @property
    def shape(self) -> torch.Size:
        return torch.Size((self.rows, *self.shard.shape[1:]))

    @property
    def nbytes(self) -> int:
        return self.shape.numel() * self.shard.element_size()

    def contents(self) -> Iterator[NDArray[np.uint8]]:
        """The bytes, a block at a time; of a worker that does not lead none."""
        most = rows_at_once(self.team, self.shard)
        for block in self.tables.blocks(self.team, self.shard, self.rows, most):
            if block is not None:
                yield content_of(block)


PADDING = torch.tensor([PAD])


def distinct(items: Sequence[Tensor]) -> Tensor:
    """The distinct ones of flat tensors, ascending, int64."""
    found: Tensor = torch.unique(torch.cat(list(items)))
    return found


def items_of(batch: TrainBatch) -> Sequence[Tensor]:
    """All items of a batch, as flat tensors."""
    return batch.histories.items, batch.targets, batch.negatives.flatten()


def in_local_numbers(batch: TrainBatch, ids: Tensor) -> TrainBatch:
    """The batch with each item as its place in `ids`, ascending; padding stays 0."""
    return replace(
        batch,
        histories=replace(batch.histories, items=torch.searchsorted(ids, batch.histories.items)),
        targets=torch.searchsorted(ids, batch.targets),
        negatives=torch.searchsorted(ids, batch.negatives),
    )


def as_made(batch: TrainBatch) -> Callable[[], TrainBatch]:
    return lambda: batch
