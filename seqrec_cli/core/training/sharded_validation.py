"""Validation while the workers share the rows of the item tables.

Each worker reads a share of the histories; then the tables pass by all of them once, a block at a
time, so that no worker ever has a whole one. For very many histories they pass several times.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.batching.packing import Packed, pack
from seqrec_cli.core.devices import evaluation_mode
from seqrec_cli.core.evaluation.blocks import Group, groups_of, ranks_of_groups
from seqrec_cli.core.evaluation.metrics import MISSED
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.evaluation.ranks import in_history, positions_of
from seqrec_cli.core.inference.scoring import FEWEST_HISTORIES, Seen, cut, histories_at_once
from seqrec_cli.core.models.sequential.interface import newest_states
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sharding import PADDING, ShardedTables, distinct

READ_AT_ONCE = 16  # batches of histories whose rows a worker asks for together
BATCHES_A_PASS = 2048  # of each worker, whose states wait while the tables pass by

Rows = NDArray[np.int64]


def shared_ranks(training: Training, asked: Queries, seen: Seen) -> NDArray[np.int64]:
    """The rank of each target among all items, int64 (targets,); ties count against it.

    All workers call it at once, and are given all ranks.
    """
    team, num_items = training.team, training.num_items
    read = np.minimum(asked.histories.lengths, training.model.max_length)
    most = max(FEWEST_HISTORIES, histories_at_once(num_items))
    batches = list(cut(np.argsort(read, kind="stable"), read, most))
    ranks = np.zeros(len(asked.targets.items), np.int64)
    evaluation_mode(training.model)
    for start in range(0, len(batches), BATCHES_A_PASS * team.size):
        each = batches[start : start + BATCHES_A_PASS * team.size]
        own = each[team.rank :: team.size]
        fewest_rounds = -(-len(each) // (READ_AT_ONCE * team.size))
        rows = np.concatenate([np.zeros(0, np.int64), *own])
        with torch.no_grad():
            found = ranks_of_rows(training, asked, rows, own, fewest_rounds, seen)
        ranks[positions_of(asked.targets, rows)] = found
    ranks = team.add(ranks)
    if seen == "exclude":
        ranks[in_history(asked, num_items)] = MISSED
    return ranks


def ranks_of_rows(
    training: Training, asked: Queries, rows: Rows, batches: list[Rows], rounds: int, seen: Seen
) -> NDArray[np.int64]:
    """The ranks of the targets of these rows, which are those of `batches` in their order."""
    tables, team, model = training.sharded, training.team, training.model
    assert tables is not None
    states = [model.items.weight.new_zeros(0, width_of(model))]
    for n in range(rounds):
        own = batches[n * READ_AT_ONCE : (n + 1) * READ_AT_ONCE]
        states.extend(states_of(training, tables, asked, own))
    targets = asked.targets.take(rows)
    known = asked.histories.take(rows).excluded if seen == "exclude" else None
    groups = list(groups_of(torch.cat(states), targets, known))
    vectors = vectors_of_items(training, tables, torch.from_numpy(targets.items.astype(np.int64)))
    # Those that states are multiplied with.
    names = [n for n in tables.modules if model.outputs is None or n != "items.weight"]
    width = 0
    for first, block in tables.catalogue(team, names, model.item_vectors):
        width = width or len(block)
        work = partial(hold, block=block, first=first, width=width, vectors=vectors)
        for _ in training.workers.map(work, groups):
            pass
    return ranks_of_groups(groups, len(targets.items))


def hold(group: Group, block: Tensor, first: int, width: int, vectors: Tensor) -> None:
    """Hold a group against a block of items; before the first of them, score its targets."""
    if not first:
        group.score_targets(vectors[group.targets], width)
    group.count(block, first, width)


def width_of(model: torch.nn.Module) -> int:
    """The size of the vectors that states are multiplied with."""
    return sum(
        module.embedding_dim
        for module in (model.outputs or model.items, model.biases)
        if isinstance(module, torch.nn.Embedding)
    )


def states_of(
    training: Training, tables: ShardedTables, asked: Queries, batches: list[Rows]
) -> Iterator[Tensor]:
    """The states of the newest items of each batch of histories, (B, D)."""
    model, device = training.model, training.device
    fill = {} if device.type == "cpu" else {"fill": 0.0}
    packed = [pack(asked.histories.take(rows), model.max_length, **fill) for rows in batches]
    ids = distinct([PADDING, *(batch.items for batch in packed)])

    def encode(batch: Packed) -> Tensor:
        with torch.no_grad():  # of this thread
            local = replace(batch, items=torch.searchsorted(ids, batch.items)).to(device)
            return newest_states(model, local)

    with tables.holding(training.team, ids.to(device)):
        yield from training.workers.map(encode, packed)


def vectors_of_items(training: Training, tables: ShardedTables, items: Tensor) -> Tensor:
    """The vectors that states are multiplied with, of items (T,): (T, D)."""
    ids = distinct([PADDING, items])
    with tables.holding(training.team, ids.to(training.device)):
        places = torch.searchsorted(ids, items).to(training.device)
        vectors: Tensor = training.model.item_vectors(places)
    return vectors
