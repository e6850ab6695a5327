"""Vectors from elsewhere: what is added, what an item without an own vector is, what is learnt."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.registry import MODELS, build_model
from seqrec_cli.core.models.sequential.textbook import textbook
from seqrec_cli.errors import ConfigError

ITEMS, SIZE = 9, 5
UNTRAINED, BARE = 8, 9  # the items that nobody has; the last has no vector either
KINDS: list[dict[str, Any]] = [
    {"name": "sasrec", "hidden": 8, "max_length": 6},
    {"name": "gru4rec", "hidden": 8, "max_length": 6, "tied": False, "item_bias": True},
    {"name": "two_tower", "output": 6, "history": {"name": "gru4rec", "hidden": 8}},
]


def told() -> Features:
    vectors = np.random.default_rng(0).normal(size=(ITEMS, SIZE)).astype(np.float32)
    vectors[BARE - 1] = 0
    return Features(Encoders(), None, np.arange(1, ITEMS + 1) < UNTRAINED, vectors)


def made(kind: dict[str, Any], features: Features | None = None, **settings: Any) -> Any:
    content = {"item_vectors": "added", **settings}
    kind = kind | {"history": kind["history"] | content} if "history" in kind else kind | content
    config = MODELS[kind["name"]].settings_class.model_validate(kind)
    return build_model(config, ITEMS, torch.Generator().manual_seed(0), features or told())


def reader_of(model: Any) -> Any:
    return getattr(model, "history", model)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_rows_are_own_plus_projected(kind: dict[str, Any]) -> None:
    for how in ("added", "alone"):
        reader = reader_of(made(kind, item_vectors=how))
        w = {name: value.detach().double().numpy() for name, value in reader.named_parameters()}
        vectors = told().vectors
        assert vectors is not None
        for item in range(1, ITEMS + 1):
            own = w["items.weight"][item] if how == "added" and item < UNTRAINED else 0
            length = np.linalg.norm(vectors[item - 1]) or 1
            expected = own + w["content.projection.weight"] @ (vectors[item - 1] / length)
            found = reader.read_items(torch.tensor(item)).detach().numpy()
            np.testing.assert_allclose(found, np.broadcast_to(expected, 8), atol=1e-6)
        assert not reader.read_items(torch.tensor([0, BARE])).any()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_an_unseen_item_counts_by_its_vector(kind: dict[str, Any]) -> None:
    model, features = made(kind), told()
    assert features.vectors is not None
    assert set(model.excluded_items.tolist()) == {0, UNTRAINED, BARE}
    vectors = features.vectors.copy()
    vectors[UNTRAINED - 1] = vectors[0]  # as the first item
    other = made(kind, replace(features, vectors=vectors))
    histories = Sequences.from_lists([[1, UNTRAINED], [2, 3]])
    before, after = (ModelScorer(m, ITEMS).score(histories) for m in (model, other))
    # What is read in a history, and what is scored.
    assert (before[0] - after[0]).abs().max() > 1e-4
    assert (before[1, UNTRAINED] - after[1, UNTRAINED]).abs() > 1e-4
    torch.testing.assert_close(before[1, 1:UNTRAINED], after[1, 1:UNTRAINED])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
@pytest.mark.parametrize("tuned", [False, True])
def test_what_is_learnt(kind: dict[str, Any], tuned: bool) -> None:
    model = made(kind, tune_vectors=tuned)
    reader = reader_of(model)
    names = {name.removeprefix("history.") for name in model.state_dict()}
    assert "content.projection.weight" in names
    assert ("content.table.weight" in names) == tuned
    assert any("content.table" in name for name in model.tables) == tuned
    if tuned:
        vectors = torch.nn.functional.normalize(torch.from_numpy(told().vectors))
        torch.testing.assert_close(reader.content.table.weight.detach()[1:], vectors)
    states = model(torch.tensor([[1, 2, UNTRAINED]]))
    (states * torch.arange(states.shape[-1])).sum().backward()
    own = reader.items.weight.grad
    assert own[1].any()
    assert not own[[0, UNTRAINED, BARE]].any()


def test_ids_are_hidden_in_training() -> None:
    model, ids = made(KINDS[0], hide_ids=0.5), torch.ones(4000, dtype=torch.int64)
    noisy = model.read_items(ids, Noise(0, 1, 1, 0, torch.device("cpu")))
    without = model.content(ids)
    hidden = (noisy == without).all(1).float().mean()
    assert 0.45 < hidden < 0.55
    assert torch.equal(model.read_items(ids[:2]), model.read_items(ids[:2]))


def plain_module_agrees(model: Any, num_items: int, histories: list[list[int]]) -> None:
    """The plain module gives the scores of the model, for histories of up to 3 items."""
    padded = torch.tensor([h + [0] * (3 - len(h)) for h in histories])
    with torch.no_grad():
        found = textbook(model, 0, "include")(padded)
    expected = ModelScorer(model, num_items).score(Sequences.from_lists(histories))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_the_plain_module_reads_them(kind: dict[str, Any]) -> None:
    plain_module_agrees(made(kind), ITEMS, [[1, UNTRAINED, 3], [2, BARE], [5]])


def test_a_dataset_without_vectors_is_refused() -> None:
    for features in (None, replace(told(), vectors=None)):
        config = MODELS["sasrec"].settings_class(item_vectors="added")
        with pytest.raises(ConfigError, match="has none"):
            build_model(config, ITEMS, None, features)


def test_a_setting_without_a_use_is_refused() -> None:
    with pytest.raises(ValidationError, match="tune_vectors"):
        MODELS["gru4rec"].settings_class(tune_vectors=True)
