"""What must hold of every ranking model in the registry, whatever its weights are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors

SIZES = Sizes(items=12, dense=1, sparse=(4, 3), tags=(6,))
CPU = torch.device("cpu")

VARIANTS: list[dict[str, Any]] = [
    *({"name": name} for name in sorted(RANKERS.ours)),
    *({"name": "dien", "variant": variant} for variant in ("gru", "aigru", "agru")),
    {"name": "dien", "auxiliary_weight": 0.0},
    {"name": "dien", "shared_tables": False, "attention": [], "layers": []},
    {"name": "din", "shared_tables": False, "embedding_dropout": 0.3},
    {"name": "logistic", "history": False},
]


def random_batch(rows: int = 6, length: int = 5, seed: int = 0) -> RankingBatch:
    """Rows of every length of history, the first of none; padding is on the right."""
    generator = torch.Generator().manual_seed(seed)

    def codes(most: int, *shape: int) -> torch.Tensor:
        return torch.randint(1, most, shape, generator=generator)

    mask = torch.arange(length) < (torch.arange(rows) % (length + 1))[:, None]
    return RankingBatch(
        items=codes(12, rows),
        features=FeatureTensors(
            dense=torch.rand(rows, 1, generator=generator),
            sparse=torch.stack((codes(4, rows), codes(3, rows)), dim=1),
            tags=(codes(6, rows, 3) * (torch.arange(3) < 2),),
        ),
        history=codes(12, rows, length) * mask,
        negatives=codes(12, rows, length) * mask,
        mask=mask,
    )


@pytest.fixture(params=VARIANTS, ids=lambda settings: "-".join(map(str, settings.values())))
def config(request: pytest.FixtureRequest) -> Any:
    return RANKERS[request.param["name"]].settings_class(**request.param)


@pytest.fixture
def model(config: Any) -> Any:
    made = build_ranker(config, SIZES, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():  # none of them 0
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
        for name, buffer in made.named_buffers():
            if buffer.is_floating_point():
                low = 0.5 if "variance" in name else -0.5
                buffer.copy_(low + torch.rand(buffer.shape, generator=generator))
    return made


def test_gives_a_logit_a_row(model: Any) -> None:
    logits = model(random_batch())
    assert logits.shape == (6,)
    assert len(set(logits.tolist())) == 6
    assert (logits < 0).any() or (logits > 1).any()  # no probabilities


def test_a_row_alone_is_as_in_a_batch(model: Any) -> None:
    batch = random_batch()
    together = model(batch)
    for row in range(6):
        torch.testing.assert_close(model(batch.take(torch.tensor([row])))[0], together[row])


def test_padding_does_not_matter(model: Any) -> None:
    batch = random_batch()
    wider = replace(
        batch,
        history=torch.nn.functional.pad(batch.history, (0, 3)),
        negatives=torch.nn.functional.pad(batch.negatives, (0, 3)),
        mask=torch.nn.functional.pad(batch.mask, (0, 3)),
    )
    torch.testing.assert_close(model(wider), model(batch))


def test_an_empty_history_and_unknown_everything_are_finite(model: Any) -> None:
    ones, zeros = torch.ones(3, 1, dtype=torch.int64), torch.zeros(3, 4, dtype=torch.int64)
    batch = RankingBatch(
        items=ones[:, 0],
        features=FeatureTensors(
            torch.zeros(3, 1), ones.expand(-1, 2), (torch.zeros(3, 1, dtype=torch.int64),)
        ),
        history=zeros,
        negatives=zeros,
        mask=zeros > 0,
    )
    assert torch.isfinite(model(batch)).all()
    logits, extra = model.learn(batch, Noise(0, 1, 1, 0, CPU))
    loss = logits.square().sum() + (extra if extra is not None else 0.0)
    gradients = torch.autograd.grad(
        loss, list(model.parameters()), materialize_grads=True, allow_unused=True
    )
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def test_reads_the_candidate_the_features_and_the_history(config: Any, model: Any) -> None:
    batch = random_batch()
    before = model(batch)[5].item()
    own = batch.features
    features = {
        "dense": own.dense + 1,
        "sparse": own.sparse * 0 + 1 + (own.sparse == 1),
        "tags": (own.tags[0].flip(1) % 5 + 1,),
    }
    changes: dict[str, Any] = {"items": batch.items % 11 + 1}
    if getattr(config, "history", True):
        changes["history"] = (batch.history % 11 + 1) * batch.mask
    changes |= {f"{name} features": replace(own, **{name: x}) for name, x in features.items()}
    for name, changed in changes.items():
        assert (
            abs(model(replace(batch, **{name.split()[-1]: changed}))[5].item() - before) > 1e-6
        ), name


def test_ranking_does_not_look_at_what_the_user_does_not_have(model: Any) -> None:
    batch = random_batch()
    other = replace(batch, negatives=(batch.negatives % 11 + 1) * batch.mask)
    assert torch.equal(model(batch), model(other))


def test_gradients_reach_every_weight_and_are_finite(model: Any) -> None:
    batch = random_batch(rows=12)
    logits, extra = model.learn(batch, Noise(0, 1, 1, 0, CPU))
    loss = (logits - 1).square().sum() + (extra if extra is not None else 0.0)
    parameters = dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    for name, gradient in zip(parameters, gradients, strict=True):
        assert torch.isfinite(gradient).all(), name
        # Batch statistics take away what a bias before them adds.
        assert gradient.abs().max() > 0 or name.endswith("bias"), name


def test_saved_weights_give_the_same_logits(config: Any, model: Any, tmp_path: Path) -> None:
    model(random_batch(), Noise(0, 1, 1, 0, CPU))  # statistics are saved too
    save_tensors(tmp_path / "weights.safetensors", model.state_dict(), {})
    other = build_ranker(config, SIZES, torch.Generator())
    other.load_state_dict(load_tensors(tmp_path / "weights.safetensors")[0])
    torch.testing.assert_close(model(random_batch()), other(random_batch()), rtol=0, atol=0)


def test_same_generator_same_weights() -> None:
    for name in RANKERS.ours:
        first, second = (
            build_ranker(RANKERS[name].settings_class(), SIZES, torch.Generator().manual_seed(5))
            for _ in range(2)
        )
        for (which, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
            assert torch.equal(a, b), (name, which)


def test_logistic_regression_is_a_sum_of_weights() -> None:
    model = build_ranker(RANKERS["logistic"].settings_class(), SIZES)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(generator=generator)
    batch = random_batch()
    found = model(batch).detach().numpy()
    weights = {name: p.detach().double().numpy() for name, p in model.named_parameters()}
    for row in range(6):
        history = batch.history[row][batch.mask[row]].tolist()
        tags = [tag for tag in batch.features.tags[0][row].tolist() if tag]
        expected = weights["bias"][0] + weights["items.weight"][int(batch.items[row]), 0]
        expected += float(batch.features.dense[row, 0]) * weights["dense"][0]
        expected += weights["sparse.weight"][int(batch.features.sparse[row, 0]), 0]
        expected += weights["sparse.weight"][4 + int(batch.features.sparse[row, 1]), 0]
        expected += np.mean([weights["tags.0.weight"][tag, 0] for tag in tags])
        if history:
            expected += np.mean([weights["history.weight"][item, 0] for item in history])
        np.testing.assert_allclose(found[row], expected, rtol=1e-5)


def test_din_sums_what_attention_weighs_without_normalising() -> None:
    model = build_ranker(RANKERS["din"].settings_class(), SIZES, torch.Generator().manual_seed(0))
    batch = random_batch()
    pooled: list[torch.Tensor] = []
    model.head.register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0]))
    model(batch)
    query, keys = model.items(batch.items, batch.history)
    scores = model.attention(query, keys, batch.mask, False)
    expected = (scores[:, :, None] * keys).sum(1)
    torch.testing.assert_close(pooled[0][:, :16], expected)
    assert pooled[0][0, :16].abs().max() == 0  # the row without history


def dien(variant: str) -> Any:
    config = RANKERS["dien"].settings_class(variant=variant, embedding=4)
    return build_ranker(config, SIZES, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("variant", ["gru", "aigru", "agru", "augru"])
def test_interests_evolve_as_the_variant_says(variant: str) -> None:
    """Row by row and step by step, from the weights alone."""
    model, batch = dien(variant), random_batch()
    with torch.no_grad():
        query, keys = model.items(batch.items, batch.history)
        states = model.extraction(keys, batch.mask.float())
        found = model.evolve(query, states, batch.mask, False)
        for row in range(6):
            length = int(batch.mask[row].sum())
            own = states[row : row + 1, :length]
            if not length:
                assert found[row].abs().max() == 0
                continue
            ones = torch.ones(1, length)
            if variant == "gru":
                own = model.evolution(own, ones)
            mask = torch.ones(1, length, dtype=torch.bool)
            scores = model.attention(query[row : row + 1], own, mask, False)
            weights = torch.softmax(scores / 4**0.5, dim=1)
            if variant == "gru":
                expected = (weights[0, :, None] * own[0]).sum(0)
            elif variant == "aigru":
                expected = model.evolution(own * weights[:, :, None], ones)[0, -1]
            else:
                expected = model.evolution(own, weights)[0, -1]
            torch.testing.assert_close(found[row], expected)


def test_the_auxiliary_loss_is_the_mean_over_real_steps_of_both_halves() -> None:
    model, batch = dien("augru"), random_batch()
    model.auxiliary_weight = 2.0
    _, found = model.learn(batch, Noise(0, 1, 1, 0, CPU))
    with torch.no_grad():
        _, keys = model.items(batch.items, batch.history)
        _, others = model.items(batch.items, batch.negatives)
        states = model.extraction(keys, batch.mask.float())
        terms = []
        for row in range(6):
            for t in range(int(batch.mask[row].sum()) - 1):
                for item, label in ((keys[row, t + 1], 1), (others[row, t + 1], 0)):
                    x = torch.cat((states[row, t], item))
                    for layer in model.auxiliary.layers:
                        x = torch.sigmoid(layer(x))
                    p = float(torch.sigmoid(model.auxiliary.out(x)))
                    terms.append(-np.log(p if label else 1 - p))
    assert len(terms) == 2 * (1 + 2 + 3 + 4)
    np.testing.assert_allclose(found.item(), 2.0 * np.mean(terms), rtol=1e-5)
