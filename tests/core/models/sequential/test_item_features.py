"""Features of items as vectors, against sums that are made by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.features.vocabularies import PAD, UNKNOWN
from seqrec_cli.core.models.sequential.item_features import values_of_tables
from seqrec_cli.core.models.sequential.registry import MODELS, build_model
from seqrec_cli.errors import ConfigError
from tests.core.models.conftest import NUM_ITEMS, features
from tests.core.models.sequential.test_content import plain_module_agrees

KINDS: list[dict[str, Any]] = [
    {"name": "sasrec", "hidden": 8, "max_length": 6},
    {"name": "gru4rec", "hidden": 8, "max_length": 6, "tied": False, "item_bias": True},
]


def made(kind: dict[str, Any], told: Any = None, **settings: Any) -> Any:
    config = MODELS[kind["name"]].settings_class(**kind, item_features=True, **settings)
    return build_model(config, NUM_ITEMS, torch.Generator().manual_seed(0), told or features())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
@pytest.mark.parametrize("beside", ["none", "added", "alone"])
def test_rows_are_own_plus_what_each_feature_has(kind: dict[str, Any], beside: str) -> None:
    told = features()
    assert told.items is not None
    given = np.random.default_rng(1).normal(size=(NUM_ITEMS, 3)).astype(np.float32)
    told = replace(told, vectors=given if beside != "none" else None)
    assert told.items is not None
    model = made(kind, told, item_vectors=beside)
    w = {name: value.detach().double().numpy() for name, value in model.named_parameters()}
    read = model.read_items(torch.arange(NUM_ITEMS + 1)).detach().numpy()
    assert not read[0].any()
    outputs = w.get("outputs.weight", w["items.weight"])
    scored = model.item_vectors().detach().numpy()[:, : read.shape[1]]
    for row in range(NUM_ITEMS):
        expected = w["content.features.projection.weight"] @ told.items.dense[row]
        for column, code in enumerate(told.items.sparse[row]):
            expected = expected + w[f"content.features.sparse.{column}.weight"][code - UNKNOWN]
        for column, codes in enumerate(told.items.tags):
            own = [code - UNKNOWN for code in codes[row] if code != PAD]
            if own:
                expected = expected + w[f"content.features.tags.{column}.weight"][own].mean(0)
        if beside != "none":
            unit = given[row] / np.linalg.norm(given[row])
            expected = expected + w["content.projection.weight"] @ unit
        has_own = told.trained[row] and beside != "alone"
        for found, table in ((read, w["items.weight"]), (scored, outputs)):
            whole = expected + (table[row + 1] if has_own else 0)
            np.testing.assert_allclose(found[row + 1], whole, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_the_plain_module_reads_them(kind: dict[str, Any]) -> None:
    plain_module_agrees(made(kind), NUM_ITEMS, [[1, NUM_ITEMS, 3], [2, 9], [5]])


def test_all_of_it_is_learnt() -> None:
    model = made(KINDS[0])
    states = model(torch.arange(1, 7).view(1, 6))
    (states * torch.arange(states.shape[-1])).sum().backward()
    learnt = {n: p.grad for n, p in model.named_parameters() if n.startswith("content.")}
    assert set(learnt) == {
        *("content.features.projection.weight", "content.features.sparse.0.weight"),
        "content.features.tags.0.weight",
    }
    assert all(grad is not None and grad.any() for grad in learnt.values())


def test_tables_are_named_with_their_values() -> None:
    model, encoders = made(KINDS[0]), features().encoders
    weights = model.state_dict()
    assert values_of_tables(encoders.side("item")).keys() == {"sparse.0.weight", "tags.0.weight"}
    for name, values in model.values_of_tables(encoders).items():
        assert len(weights[name]) == len(values) + 1
    plain = build_model(MODELS["sasrec"].settings_class(), NUM_ITEMS, None, None)
    assert plain.values_of_tables(encoders) == {}


def test_a_dataset_without_features_of_items_is_refused() -> None:
    of_users = features().encoders.side("user")
    for told in (None, replace(features(), items=None), replace(features(), encoders=of_users)):
        config = MODELS["sasrec"].settings_class(item_features=True)
        with pytest.raises(ConfigError, match="the dataset has none"):
            build_model(config, NUM_ITEMS, None, told)
