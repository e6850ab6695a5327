"""What must hold of every ranking model in the registry, whatever its weights are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import RankingBatch
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from tests.core.models.ranking.batches import SIZES, random_batch

CPU = torch.device("cpu")

VARIANTS: list[dict[str, Any]] = [
    *({"name": name} for name in sorted(RANKERS.ours)),
    *({"name": "dien", "variant": variant} for variant in ("gru", "aigru", "agru")),
    {"name": "dien", "auxiliary_weight": 0.0},
    {"name": "dien", "shared_tables": False, "attention": [], "layers": []},
    {"name": "din", "shared_tables": False, "embedding_dropout": 0.3},
    {"name": "logistic", "history": False},
]


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
