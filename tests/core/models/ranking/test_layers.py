"""Dice, batch normalisation, attention and embeddings against formulas and torch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.models.ranking.layers import (
    Attention,
    BatchNorm,
    Dice,
    FeatureEmbeddings,
    ItemEmbeddings,
    masked_softmax,
)


def rows(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) * 3 + 1


def test_batch_norm_is_torchs_in_both_modes() -> None:
    ours, theirs = BatchNorm(4), nn.BatchNorm1d(4)
    for step in range(3):
        x = rows(9, 4, step)
        torch.testing.assert_close(ours(x, True), theirs(x))
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.variance, theirs.running_var)
    torch.testing.assert_close(ours(x, False), theirs.eval()(x))


def test_a_single_row_in_training_is_normalised_by_what_was_learnt() -> None:
    norm = BatchNorm(4)
    norm(rows(9, 4), True)
    before = norm.mean.clone()
    one = rows(1, 4, 5)
    torch.testing.assert_close(norm(one, True), norm(one, False))
    assert torch.equal(norm.mean, before)


@pytest.mark.parametrize("training", [True, False])
def test_dice_is_its_formula(training: bool) -> None:
    dice = Dice(3)
    with torch.no_grad():
        dice.alpha.copy_(torch.tensor([0.1, -0.5, 2.0]))
    dice(rows(20, 3, 7), True)  # so that what was learnt is not what it began with
    mean, variance = dice.norm.mean.double().numpy(), dice.norm.variance.double().numpy()
    x = rows(11, 3)
    found = dice(x, training).detach().numpy()
    values = x.double().numpy()
    if training:
        mean, variance = values.mean(0), values.var(0)
    p = 1 / (1 + np.exp(-(values - mean) / np.sqrt(variance + 1e-5)))
    alpha = dice.alpha.detach().double().numpy()
    np.testing.assert_allclose(found, p * values + (1 - p) * alpha * values, atol=1e-5)


def test_attention_scores_are_the_network_of_each_pair() -> None:
    generator = torch.Generator().manual_seed(0)
    attention = Attention(4, [6, 3])
    query, keys = torch.randn(2, 4, generator=generator), torch.randn(2, 5, 4, generator=generator)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)
    found = attention(query, keys, mask, False)
    for row, position in mask.nonzero().tolist():
        q, k = query[row], keys[row, position]
        x = torch.cat((q, k, q - k, q * k))
        for layer, dice in zip(attention.layers, attention.dice, strict=True):
            x = dice(layer(x)[None], False)[0]
        torch.testing.assert_close(found[row, position], attention.out(x)[0])
    assert (found[~mask] == 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_no_score(training: bool) -> None:
    """Neither where it is nor what is in it; in training it is not in the statistics either."""
    attention = Attention(4, [6])
    query, keys = rows(2, 4), rows(10, 4, 1).view(2, 5, 4)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]], dtype=torch.bool)
    other = torch.where(mask[:, :, None], keys, 1e6)
    found = attention(query, keys, mask, training)
    torch.testing.assert_close(found, attention(query, other, mask, training))
    torch.testing.assert_close(found[:, :3], attention(query, keys[:, :3], mask[:, :3], training))


def test_masked_softmax_sums_to_one_over_what_is_real_and_to_zero_over_nothing() -> None:
    scores = torch.tensor([[1.0, 2.0, 50.0], [3.0, 3.0, 3.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    found = masked_softmax(scores, mask)
    torch.testing.assert_close(found[0, :2], torch.softmax(scores[0, :2], 0))
    assert found[0, 2] == 0
    assert found[1].tolist() == [0, 0, 0]
    (gradient,) = torch.autograd.grad(found.square().sum(), scores)
    assert torch.isfinite(gradient).all()


def test_features_are_looked_up_column_by_column_and_tags_pooled_by_the_largest() -> None:
    sizes = Sizes(items=9, dense=2, sparse=(3, 4), tags=(5,))
    features = FeatureEmbeddings(sizes, 2)
    nn.init.normal_(features.sparse.weight)
    nn.init.normal_(features.tags[0].weight)
    batch = RankingBatch(
        items=torch.tensor([2, 3]),
        features=FeatureTensors(
            dense=torch.tensor([[0.5, 0.25], [0.0, 1.0]]),
            sparse=torch.tensor([[2, 1], [1, 3]]),
            tags=(torch.tensor([[2, 4, 0], [0, 0, 0]]),),
        ),
        history=torch.zeros(2, 1, dtype=torch.int64),
        negatives=torch.zeros(2, 1, dtype=torch.int64),
        mask=torch.zeros(2, 1, dtype=torch.bool),
    )
    found = features(batch)
    table, tags = features.sparse.weight, features.tags[0].weight
    dense = batch.features.dense
    first = torch.cat((dense[0], table[2], table[3 + 1], torch.maximum(tags[2], tags[4])))
    second = torch.cat((dense[1], table[1], table[3 + 3], torch.zeros(2)))
    torch.testing.assert_close(found, torch.stack((first, second)))
    assert found.shape[1] == features.width


@pytest.mark.parametrize("shared", [True, False])
def test_tables_are_shared_or_not(shared: bool) -> None:
    items = ItemEmbeddings(Sizes(9, 0, (), ()), 4, shared)
    assert len(list(items.parameters())) == (1 if shared else 2)
    ids = torch.tensor([3, 4])
    query, keys = items(ids, ids[:, None])
    assert torch.equal(query, keys[:, 0]) == shared
