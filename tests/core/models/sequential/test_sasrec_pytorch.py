"""Weights of SASRec.pytorch in our model, against its forward pass in NumPy, at every length."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from seqrec_cli.core.models.sequential.sasrec_pytorch import ForeignSASRec, shapes_of
from seqrec_cli.errors import InputError
from tests.core.models.sequential.windows import windowed_states

ITEMS, LENGTH, HIDDEN, BLOCKS = 14, 7, 8, 2


def foreign(first_versions: bool = False, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights by its names, none of them 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    shapes = shapes_of(HIDDEN, BLOCKS) | {
        "item_emb.weight": (ITEMS + 1, HIDDEN),
        "pos_emb.weight": (LENGTH + (not first_versions), HIDDEN),
    }
    made = {
        name: torch.randn(shape, generator=generator) * 0.5 + ("norms" in name)
        for name, shape in shapes.items()
    }
    if not first_versions:
        made["item_emb.weight"][0] = made["pos_emb.weight"][0] = 0
    return made


def model_of(weights: dict[str, torch.Tensor], ids: torch.Tensor, **settings: Any) -> SASRec:
    found = ForeignSASRec.of(weights)
    config = SASRecConfig(**found.settings(**settings))
    model = SASRec(len(ids), config, torch.Generator().manual_seed(9))
    found.put_into(model, ids)
    return model


@pytest.mark.parametrize(
    ("norm", "heads", "first_versions"),
    [
        *(("post", 1, False), ("pre", 1, False), ("sasrec", 1, False), ("sasrec", 1, True)),
        *(("post", 2, False), ("pre", 4, False), ("sasrec", 2, True)),
    ],
)
def test_scores_of_every_length(norm: str, heads: int, first_versions: bool) -> None:
    weights = foreign(first_versions)
    ids = torch.tensor([5, 1, 14, 2, 3, 9, 8, 7])  # of our items 1 to 8
    model = model_of(weights, ids, norm=norm, heads=heads, length=LENGTH)
    random = np.random.default_rng(0)
    ours = np.zeros((2 * LENGTH, LENGTH), np.int64)
    for row, window in enumerate(ours):
        window[LENGTH - 1 - row % LENGTH :] = random.integers(1, 9, row % LENGTH + 1)
    theirs = np.concatenate(([0], ids.numpy()))[ours]
    plain = {name: tensor.double().numpy() for name, tensor in weights.items()}
    if first_versions:  # whose positions count from 0, and have no row for padding
        zeros = np.zeros((1, HIDDEN))
        plain["pos_emb.weight"] = np.concatenate((zeros, plain["pos_emb.weight"]))
    states = windowed_states(plain, theirs, norm, heads, masked_rows=first_versions)
    expected = states[:, -1] @ plain["item_emb.weight"][ids.numpy()].T
    found = model.score(model(torch.from_numpy(ours))[:, -1]).detach().numpy()
    np.testing.assert_allclose(found[:, 1:], expected, atol=5e-5)
    assert model.padding == ("zeros" if first_versions else "states")


def test_a_shorter_window_has_less_padding() -> None:
    weights, ids = foreign(), torch.arange(ITEMS) + 1
    model = model_of(weights, ids, norm="post", heads=1, length=4)
    windows = np.array([[0, 0, 1, 2], [3, 4, 5, 6]])
    plain = {name: tensor.double().numpy() for name, tensor in weights.items()}
    expected = windowed_states(plain, windows, "post", 1, masked_rows=False)
    found = model(torch.from_numpy(windows)).detach().numpy()
    np.testing.assert_allclose(found[:, -2:], expected[:, -2:], atol=5e-5)


def test_what_is_another_model_is_refused() -> None:
    assert ForeignSASRec.of(foreign()).norms == ("post", "pre", "sasrec")
    assert ForeignSASRec.of(foreign(first_versions=True)).norms == ("sasrec",)
    for change, message in (
        ({"item_emb.weight": None}, "no table"),
        ({"last_layernorm.bias": None}, "missing"),
        ({"forward_layers.1.conv1.weight": torch.ones(3, 3, 1)}, r"\(3, 3, 1\)"),
        ({"user_emb.weight": torch.ones(3)}, "not there"),
        ({"last_layernorm.bias": torch.full((HIDDEN,), torch.nan)}, "finite"),
        ({"item_emb.weight": torch.ones(ITEMS + 1, HIDDEN)}, "padding"),
    ):
        weights: dict[str, Any] = foreign() | change
        with pytest.raises(InputError, match=message):
            ForeignSASRec.of(
                {name: tensor for name, tensor in weights.items() if tensor is not None}
            )
