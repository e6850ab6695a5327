"""The yardstick computes what we compute, or its times would mean nothing."""

from functools import partial

import numpy as np
import pytest
import torch

from benchmarks.reference import (
    TextbookGRU4Rec,
    TextbookGRU4RecTraining,
    TextbookSASRec,
    copy_weights,
    sample,
    textbook_ranks,
)
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig


def twins(num_items: int, heads: int) -> tuple[SASRec, TextbookSASRec]:
    """Both models with the same weights, none of them 0."""
    generator = torch.Generator().manual_seed(0)
    config = SASRecConfig(hidden=8, max_length=9, heads=heads, dropout=0.2)
    ours = SASRec(num_items, config, generator)
    theirs = TextbookSASRec(num_items, 8, 2, heads, 0.2, 9).eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
        copy_weights(ours, theirs)
        for attention in theirs.attentions:
            # Ours has no bias on the keys, as it cannot matter: so any will do here.
            attention.in_proj_bias[8:16] = torch.randn(8, generator=generator)
    return ours, theirs


@pytest.mark.parametrize("heads", [1, 2])
def test_full_histories_get_the_same_states_and_weights_the_same_gradients(heads: int) -> None:
    ours, theirs = twins(30, heads)
    generator = torch.Generator().manual_seed(1)
    history = torch.randint(1, 31, (5, 9), generator=generator)
    mine, expected = ours(history), theirs(history)
    torch.testing.assert_close(mine, expected, atol=1e-5, rtol=1e-4)
    upstream = torch.randn(mine.shape, generator=generator)
    (mine * upstream).sum().backward()
    (expected * upstream).sum().backward()
    close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
    close(ours.items.weight.grad, theirs.items.weight.grad)
    close(ours.positions.weight.grad, theirs.positions.weight.grad)
    for block, attention in zip(ours.blocks, theirs.attentions, strict=True):
        query, key, value, out = (
            getattr(block.attention, part) for part in ("query", "key", "value", "out")
        )
        weights = torch.cat([part.weight.grad for part in (query, key, value)])
        close(weights, attention.in_proj_weight.grad)
        close(query.bias.grad, attention.in_proj_bias.grad[:8])
        close(value.bias.grad, attention.in_proj_bias.grad[16:])
        close(out.weight.grad, attention.out_proj.weight.grad)
        close(out.bias.grad, attention.out_proj.bias.grad)


@pytest.mark.parametrize("units", [None, 11])
def test_the_textbook_gru4rec_has_the_same_states_and_gradients(units: int | None) -> None:
    config = GRU4RecConfig(hidden=8, units=units, max_length=9)
    ours = GRU4Rec(30, config, torch.Generator().manual_seed(0))
    theirs = TextbookGRU4Rec(30, config).eval()
    theirs.copy_weights(ours)
    history = torch.randint(1, 31, (5, 9), generator=torch.Generator().manual_seed(1))
    mine, expected = ours(history), theirs(history)
    torch.testing.assert_close(mine, expected, atol=1e-5, rtol=1e-4)
    mine.square().sum().backward()
    expected.square().sum().backward()
    close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
    close(ours.items.weight.grad, theirs.items.weight.grad)
    close(ours.layers[0].weight_hh_l0.grad, theirs.recurrent.weight_hh_l0.grad)
    close(ours.layers[0].bias_ih_l0.grad, theirs.recurrent.bias_ih_l0.grad)


def test_the_textbook_gru4rec_learns_the_cycle(cycle: SequenceDataset) -> None:
    config = GRU4RecConfig(hidden=8, max_length=10, dropout=0.0, embedding_dropout=0.0)
    training = TextbookGRU4RecTraining(cycle.train, 50, config, lr=0.01)
    losses = [training.step(np.arange(len(cycle.train))) for _ in range(20)]
    assert losses[-1] < 0.8 * losses[0]


def test_full_histories_get_the_same_ranks(cycle: SequenceDataset) -> None:
    ours, theirs = twins(50, 1)
    assert cycle.test is not None
    users = np.flatnonzero(cycle.train.lengths >= 8)  # no padding, which the yardstick attends to
    histories = cycle.histories(before="test").take(users)
    ranks = textbook_ranks(theirs, histories, cycle.test.items[users], 9)
    found = evaluate(ModelScorer(ours, 50), cycle, "test", ks=[1, 3, 10])
    for k in (1, 3, 10):
        np.testing.assert_array_equal(found.per_user[f"hr@{k}"][users], ranks < k)


def test_windows_are_those_of_the_textbook() -> None:
    inputs, targets, negatives = sample(np.array([1, 2, 3, 4]), 9, 5)
    assert inputs.tolist() == [0, 0, 1, 2, 3]
    assert targets.tolist() == [0, 0, 2, 3, 4]
    assert (negatives[:2] == 0).all()
    assert not set(negatives[2:].tolist()) & {1, 2, 3, 4}
