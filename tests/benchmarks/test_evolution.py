"""The loop over packed sequences computes what DIEN computes, or its times would mean nothing."""

from pathlib import Path
from typing import Any

import torch

from benchmarks.evolution import LoopedDIEN, one_by_one
from seqrec_cli.core.batching.ranking import Sizes, to_batch
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.dien import DIEN, DIENConfig
from tests.core.data.ranking.toy import toy_dataset

CPU = torch.device("cpu")


def test_gives_the_same_logits_losses_and_gradients(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, users=100)
    found: list[Any] = []
    for kind in (DIEN, LoopedDIEN):
        model = kind(Sizes.of(data.encoders), DIENConfig(), torch.Generator().manual_seed(0))
        batch = to_batch(data.train, CPU)
        logits, extra = model.learn(batch, Noise(0, 1, 1, 0, CPU))
        weights = [model.items.candidates.weight, model.evolution.recurrent]
        weights += [*model.auxiliary.parameters(), *model.features.parameters()]
        gradients = torch.autograd.grad(logits.square().sum() + extra, weights)
        found.append((model(batch), logits, extra, *gradients))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_rows_one_by_one_are_the_same_rows(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, users=100)
    whole = to_batch(data.train, CPU)
    batches = list(one_by_one(data.train))
    items = torch.cat([batch.items for batch, _ in batches])
    assert sorted(items.tolist()) == sorted(whole.items.tolist())
    real = sum(int(batch.mask.sum()) for batch, _ in batches)
    assert real == int(whole.mask.sum())
    assert sum(float(labels.sum()) for _, labels in batches) == data.train.labels.sum()
