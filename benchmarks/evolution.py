"""DIEN's recurrences, all rows at once over padding, beside a loop over packed sequences.

    seqrec prepare dien-ml-1m --task ranking
    python -m benchmarks.evolution [--data data/dien-ml-1m.npz]

The reference is how it is usually written, as in the package prediction-flow: a cell in Python for
each step over a PackedSequence, its gates left to autograd, its states written into slices; before
it torch's GRU over packed histories; an auxiliary loss over padded positions; torch's embeddings,
a look-up for each column; rows one by one out of a Dataset, put together by torch's DataLoader;
torch's Adam. It has the weights of ours and gives the same logits and gradients:
tests/benchmarks/test_evolution.py. Three things are timed:

    the evolution layer alone, forward and back, over the batches of an epoch
    an epoch of DIEN where the model differs
    an epoch of DIEN where batches and Adam differ too

Seconds are medians, ours and the reference taking turns in one process, on one core.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import Batches, RankingBatch, Sizes, to_batch
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.models.layers import pool
from seqrec_cli.core.models.ranking.dien import DIEN, DIENConfig, Discriminator
from seqrec_cli.core.models.ranking.layers import Attention, masked_softmax
from seqrec_cli.core.training.optimizers import Adam

REPEATS = 15
BATCH = 128
CPU = torch.device("cpu")


def cell(x: Tensor, h: Tensor, a: Tensor, weights: GatedUnit) -> Tensor:
    """One step of AUGRU for some rows: x (R, I), h (R, D), a (R,) to (R, D)."""
    r_x, u_x, n_x = F.linear(x, weights.read, weights.bias).chunk(3, 1)
    r_h, u_h, n_h = F.linear(h, weights.recurrent).chunk(3, 1)
    reset = torch.sigmoid(r_x + r_h)
    update = a.view(-1, 1) * torch.sigmoid(u_x + u_h)
    new = torch.tanh(n_x + reset * n_h)
    return (1.0 - update) * h + update * new


def packed_loop(x: Tensor, a: Tensor, lengths: Tensor, weights: GatedUnit) -> Tensor:
    """The last state of each row (B, D), step by step; x (B, T, I), a (B, T)."""
    data, sizes, order, back = pack_padded_sequence(
        x, lengths, batch_first=True, enforce_sorted=False
    )
    scales = pack_padded_sequence(a, lengths, batch_first=True, enforce_sorted=False).data
    h = x.new_zeros(int(sizes[0]), weights.recurrent.shape[1])
    outputs = x.new_zeros(len(data), h.shape[1])
    begin = 0
    for size in sizes:
        rows = slice(begin, begin + size)
        h = cell(data[rows], h[:size], scales[rows], weights)
        outputs[rows] = h
        begin += size
    states, _ = pad_packed_sequence(PackedSequence(outputs, sizes, order, back), batch_first=True)
    steps = torch.arange(states.shape[1]).repeat(len(states), 1)
    return states[steps == lengths.view(-1, 1) - 1]


def pairwise_scores(
    attention: Attention, query: Tensor, keys: Tensor, mask: Tensor, training: bool
) -> Tensor:
    """The network of [q, k, q - k, q * k] side by side, (B, T)."""
    q = query.unsqueeze(1).expand_as(keys)
    x = torch.cat((q, keys, q - keys, q * keys), dim=2)[mask]
    for layer, dice in zip(attention.layers, attention.dice, strict=True):
        x = dice(layer(x), training)
    scores = query.new_zeros(mask.shape)
    scores[mask] = attention.out(x).squeeze(1)
    return scores


def auxiliary_loss(
    network: Discriminator, states: Tensor, clicked: Tensor, other: Tensor, real: Tensor
) -> Tensor:
    """The auxiliary loss over all positions (B, T, D), the real ones (B, T) counted."""
    logits = []
    for items in (clicked, other):
        x = torch.cat((states, items), dim=2).flatten(0, 1)
        for layer in network.layers:
            x = torch.sigmoid(layer(x))
        logits.append(network.out(x).view(real.shape))
    losses = F.logsigmoid(logits[0]) * real + F.logsigmoid(-logits[1]) * real
    return -losses.sum() / (2 * real.sum())


class LoopedDIEN(DIEN):
    """DIEN with AUGRU: torch's GRU over packed histories, and a loop over packed states."""

    def __init__(self, sizes: Sizes, config: DIENConfig, generator: torch.Generator) -> None:
        super().__init__(sizes, config, generator)
        size = config.embedding
        self.gru = nn.GRU(size, size, batch_first=True)
        # torch's update gate is 1 - ours, so its weights have the other sign.
        sign = torch.ones(3 * size)
        sign[size : 2 * size] = -1
        with torch.no_grad():
            self.gru.weight_ih_l0.copy_(self.extraction.read * sign[:, None])
            self.gru.weight_hh_l0.copy_(self.extraction.recurrent * sign[:, None])
            self.gru.bias_ih_l0.copy_(self.extraction.bias * sign)
            self.gru.bias_hh_l0.zero_()
        del self.extraction

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        table = self.items.candidates
        query, keys, others = (table(x) for x in (batch.items, batch.history, batch.negatives))
        logits, states = self.rank(batch, query, keys, noise)
        assert self.auxiliary is not None
        real = (batch.mask[:, 1:] & (batch.negatives[:, 1:] != 0)).float()
        loss = auxiliary_loss(self.auxiliary, states[:, :-1], keys[:, 1:], others[:, 1:], real)
        return logits, self.auxiliary_weight * loss

    def columns(self, batch: RankingBatch) -> Tensor:
        """The other features, a look-up for each."""
        pieces, table = [batch.features.dense], self.features.sparse
        for column, start in zip(batch.features.sparse.T, self.features.offsets, strict=True):
            assert table is not None
            pieces.append(table(column + start))
        for tags, codes in zip(self.features.tags, batch.features.tags, strict=True):
            pieces.append(pool(tags(codes), codes != 0, "max"))
        return torch.cat(pieces, dim=1)

    def rank(
        self, batch: RankingBatch, query: Tensor, keys: Tensor, noise: Noise | None
    ) -> tuple[Tensor, Tensor]:
        query, keys = (dropout(x, self.embedding_drop, noise) for x in (query, keys))
        # A packed row has a step at least; that of an empty history counts for nothing.
        lengths = batch.mask.sum(1).clamp(min=1)
        packed = pack_padded_sequence(keys, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(
            self.gru(packed)[0], batch_first=True, total_length=keys.shape[1]
        )
        scores = pairwise_scores(self.attention, query, states, batch.mask, noise is not None)
        weights = masked_softmax(scores / query.shape[1] ** 0.5, batch.mask)
        last = packed_loop(states, weights, lengths, self.evolution)
        x = torch.cat((last, query, self.columns(batch)), dim=1)
        return self.head(x, noise), states


class OneByOne(Dataset[dict[str, Any]]):
    """Rows as dictionaries, each made when it is asked for."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, row: int) -> dict[str, Any]:
        own, features = self.examples, self.examples.features
        found = {"item": np.int64(own.items[row]), "label": own.labels[row]}
        found |= {f"dense_{n}": features.dense[row, n] for n in range(features.dense.shape[1])}
        found |= {
            f"sparse_{n}": np.int64(features.sparse[row, n])
            for n in range(features.sparse.shape[1])
        }
        sequences = {f"tags_{n}": codes[row] for n, codes in enumerate(features.tags)}
        sequences |= {"history": own.history[row], "negatives": own.negatives[row]}
        for name, sequence in sequences.items():
            padded = np.zeros(len(sequence), np.int64)
            padded[: len(sequence)] = sequence
            found[name] = padded
            found[f"{name}_length"] = np.int64((sequence > 0).sum())
        return found


def one_by_one(examples: Examples) -> Iterator[tuple[RankingBatch, Tensor]]:
    """The batches of an epoch and their labels, from torch's DataLoader."""
    features = examples.features
    for found in DataLoader(OneByOne(examples), batch_size=BATCH, shuffle=True):
        dense = [found[f"dense_{n}"] for n in range(features.dense.shape[1])]
        sparse = [found[f"sparse_{n}"] for n in range(features.sparse.shape[1])]
        batch = RankingBatch(
            found["item"],
            FeatureTensors(
                torch.stack(dense, 1),
                torch.stack(sparse, 1),
                tuple(found[f"tags_{n}"] for n in range(len(features.tags))),
            ),
            found["history"],
            found["negatives"],
            torch.arange(found["history"].shape[1]) < found["history_length"].view(-1, 1),
        )
        yield batch, found["label"]


def at_once(rows: RankingBatch, labels: Tensor) -> Iterator[tuple[RankingBatch, Tensor]]:
    """The same from tensors."""
    for own in Batches(len(rows), BATCH, 0).rows_of(1):
        yield rows.take(own), labels[own]


def epoch(model: Any, optimizer: Any, batches: Iterator[tuple[RankingBatch, Tensor]]) -> None:
    """A step for each batch."""
    parameters = list(model.parameters())
    for step, (batch, labels) in enumerate(batches, 1):
        logits, extra = model.learn(batch, Noise(0, 1, step, 0, CPU))
        loss = F.binary_cross_entropy_with_logits(logits, labels) + extra
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()


def layer(rows: RankingBatch, looped: bool) -> Callable[[], None]:
    """The evolution layer forward and back over the batches of an epoch."""
    generator = torch.Generator().manual_seed(0)
    unit = GatedUnit(16, 16, generator)
    lengths = rows.mask.sum(1).clamp(min=1)
    x = torch.randn(*rows.mask.shape, 16, generator=generator)
    a = masked_softmax(torch.randn(rows.mask.shape, generator=generator), rows.mask)
    batches = [
        (x[own].requires_grad_(), a[own].requires_grad_(), lengths[own])
        for own in torch.arange(len(rows)).split(BATCH)
    ]

    def work() -> None:
        for inputs, scale, steps in batches:
            last = packed_loop(inputs, scale, steps, unit) if looped else unit(inputs, scale)[:, -1]
            torch.autograd.grad(last.sum(), [inputs, scale, *unit.parameters()])

    return work


def turns(ours: Callable[[], Any], theirs: Callable[[], Any]) -> dict[str, float]:
    """The median seconds of both, one after the other several times, and their ratio."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        for work, seconds in zip((ours, theirs), found, strict=True):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
    a, b = (statistics.median(seconds) for seconds in found)
    return {"seconds": round(a, 4), "reference_seconds": round(b, 4), "ratio": round(b / a, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/dien-ml-1m.npz"))
    torch.set_num_threads(1)
    dataset = RankingDataset.load(parser.parse_args().data, parts=["train"])
    rows, labels = to_batch(dataset.train, CPU), torch.from_numpy(dataset.train.labels.copy())
    ours, looped, usual = (
        kind(Sizes.of(dataset.encoders), DIENConfig(), torch.Generator().manual_seed(0))
        for kind in (DIEN, LoopedDIEN, LoopedDIEN)
    )
    adam, same = (
        Adam(dict(m.named_parameters()), 2e-3, (0.9, 0.999), 1e-3) for m in (ours, looped)
    )
    theirs = torch.optim.Adam(usual.parameters(), lr=2e-3, weight_decay=1e-3)
    found: dict[str, Any] = {"rows": len(rows), "batch_size": BATCH, "torch": torch.__version__}
    for name, work, reference in (
        ("evolution layer, forward and back", layer(rows, False), layer(rows, True)),
        (
            "epoch of DIEN, the model differs",
            lambda: epoch(ours, adam, at_once(rows, labels)),
            lambda: epoch(looped, same, at_once(rows, labels)),
        ),
        (
            "epoch of DIEN, as it is usually written",
            lambda: epoch(ours, adam, at_once(rows, labels)),
            lambda: epoch(usual, theirs, one_by_one(dataset.train)),
        ),
    ):
        found[name] = turns(work, reference)
        print(name, found[name], flush=True)  # noqa: T201
    target = Path(__file__).parent / "results" / "evolution.json"
    target.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
