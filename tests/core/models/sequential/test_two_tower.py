"""The two towers against a NumPy forward pass; features count, and items without a history too."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.packing import pack
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.two_tower import Tower, TwoTower, TwoTowerConfig, pool
from tests.core.models.conftest import NUM_ITEMS, features, user_features

HISTORY = {"name": "gru4rec", "hidden": 8, "max_length": 6}


def make(**settings: Any) -> TwoTower:
    config = TwoTowerConfig(
        **{"history": HISTORY, "output": 5, "user_layers": [7], "temperature": 0.25} | settings
    )
    return TwoTower(NUM_ITEMS, config, torch.Generator().manual_seed(0), features())


def numpy_tower(
    tower: Tower, own: NDArray[Any], rows: FeatureTensors, weights: dict[str, Any], side: str
) -> NDArray[np.float64]:
    """Concatenate, multiply, rectify, normalise; float64, one row at a time."""
    found = []
    for row in range(len(own)):
        pieces = [own[row], rows.dense[row].double().numpy()]
        for number in range(len(tower.sparse)):
            code = int(rows.sparse[row, number]) - 1
            pieces.append(weights[f"{side}.sparse.{number}.weight"][code])
        for number in range(len(tower.tags)):
            codes = [int(code) - 1 for code in rows.tags[number][row] if code]
            table = weights[f"{side}.tags.{number}.weight"]
            pieces.append(table[codes].mean(0) if codes else np.zeros(table.shape[1]))
        x = np.concatenate(pieces)
        for number in range(len(tower.layers)):
            x = np.maximum(x, 0) if number else x
            layer = f"{side}.layers.{number}"
            x = weights[f"{layer}.weight"] @ x + weights[f"{layer}.bias"]
        found.append(x / np.linalg.norm(x))
    return np.array(found)


def test_scores_follow_the_equations() -> None:
    model, told = make(item_layers=[6]), features()
    assert told.items is not None
    weights = {n: p.detach().double().numpy() for n, p in model.named_parameters()}
    people = Sequences.from_lists([[1, 2], [3], [4, 5, 6], [7], [8, 9]])
    histories = Sequences(people.offsets, people.items, user_features())
    batch = pack(histories, 6)
    vectors = model.encode(batch)[batch.last].detach().double().numpy()
    read = model.history.encode(batch)[batch.last].detach().double().numpy()
    users = numpy_tower(
        model.user_side, read, FeatureTensors.of(user_features()), weights, "user_side"
    )
    np.testing.assert_allclose(vectors, users / 0.25, atol=1e-5)
    own = weights["history.items.weight"][1:].copy() * np.sqrt(8)
    own[-1] = 0  # never trained on: its id is unknown
    items = numpy_tower(model.item_side, own, FeatureTensors.of(told.items), weights, "item_side")
    np.testing.assert_allclose(model.item_vectors().detach()[1:].numpy(), items, atol=1e-5)
    np.testing.assert_allclose(
        model.score(torch.from_numpy(vectors).float()).detach()[:, 1:], vectors @ items.T, atol=1e-5
    )


def test_features_of_users_and_items_count_unless_left_out() -> None:
    people = Sequences.from_lists([[1, 2]] * 5)
    known = pack(Sequences(people.offsets, people.items, user_features()), 6)
    unknown = pack(people, 6)
    for left_out in (False, True):
        model = make(user_features=not left_out, item_features=not left_out)
        one, other = (model.encode(batch)[batch.last] for batch in (known, unknown))
        assert torch.allclose(one, other) == left_out
        assert torch.allclose(other, other[:1].expand_as(other))  # nothing tells them apart
        names = {name for name, _ in model.named_parameters()}
        assert any(".tags." in name for name in names) != left_out


def test_items_that_are_not_trained_on_differ_by_their_features_alone() -> None:
    told = features()
    assert told.items is not None
    told.trained[-2:] = False
    for table in (told.items.dense, told.items.sparse, *told.items.tags):
        table[-1] = table[-2]
    model = TwoTower(NUM_ITEMS, make().config, torch.Generator().manual_seed(0), told)
    vectors = model.item_vectors()
    torch.testing.assert_close(vectors[-1], vectors[-2])
    assert not torch.allclose(vectors[-1], vectors[-3])
    # In a history they are nothing but an item that is not known.
    states = [model(torch.tensor([[1, item]]))[0, -1] for item in (NUM_ITEMS, NUM_ITEMS - 1, 0)]
    torch.testing.assert_close(states[0], states[1])


def test_ids_are_hidden_in_training_only_and_by_chance() -> None:
    model = make(id_dropout=0.5, dropout=0.0)
    quiet = model.item_vectors().detach()
    noisy = model.item_vectors(None, Noise(0, 1, 1, 0, torch.device("cpu"))).detach()
    changed = int((noisy != quiet).any(1).sum())
    assert 0 < changed < NUM_ITEMS
    sure = make(id_dropout=0.0, dropout=0.0)
    again = sure.item_vectors(None, Noise(0, 1, 1, 0, torch.device("cpu")))
    torch.testing.assert_close(again, sure.item_vectors())


def test_tags_are_pooled() -> None:
    vectors = torch.tensor([[[1.0, -5.0], [3.0, -1.0], [9.0, 9.0]], [[1.0, 1.0]] * 3])
    real = torch.tensor([[True, True, False], [False, False, False]])
    assert pool(vectors, real, "mean").tolist() == [[2, -3], [0, 0]]
    assert pool(vectors, real, "sum").tolist() == [[4, -6], [0, 0]]
    assert pool(vectors, real, "max").tolist() == [[3, -1], [0, 0]]
    assert pool(vectors[:, :0], real[:, :0], "max").tolist() == [[0, 0], [0, 0]]


def test_tags_that_are_all_rare_do_no_harm() -> None:
    told = features()
    assert told.items is not None
    none = replace(told.items, tags=(np.zeros((NUM_ITEMS, 1), np.int32),))
    for pooling in ("mean", "sum", "max"):
        config = make(pooling=pooling).config
        model = TwoTower(NUM_ITEMS, config, torch.Generator(), replace(told, items=none))
        gradients = torch.autograd.grad(
            model.item_vectors().sum(), list(model.item_side.parameters())
        )
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
