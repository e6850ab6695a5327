"""Padding that is seen, against a NumPy forward pass over whole windows written from the spec."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.padding import one_slot
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from tests.core.models.sequential.windows import windowed_states

ITEMS, WINDOW = 20, 6


def small(**settings: Any) -> SASRec:
    config = SASRecConfig(hidden=8, blocks=2, max_length=WINDOW, dropout=0.5, **settings)
    generator = torch.Generator().manual_seed(0)
    model = SASRec(ITEMS, config, generator)
    with torch.no_grad():  # biases and norms are 0 and 1 at first, which would hide a mistake
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model


def named_as_there(model: SASRec) -> dict[str, NDArray[np.float64]]:
    """The weights by the names of SASRec.pytorch, with a bias of the keys, which cannot matter."""
    own = {name: value.detach().double().numpy() for name, value in model.named_parameters()}
    found = {"item_emb.weight": own["items.weight"], "pos_emb.weight": own["positions.weight"]}
    for number in range(len(model.blocks)):
        block = f"blocks.{number}"
        parts = [f"{block}.attention.{part}" for part in ("query", "key", "value")]
        biases = [own.get(f"{part}.bias", np.full(8, 0.7)) for part in parts]
        for kind in ("weight", "bias"):
            found |= {
                f"attention_layernorms.{number}.{kind}": own[f"{block}.attention_norm.{kind}"],
                f"forward_layernorms.{number}.{kind}": own[f"{block}.network_norm.{kind}"],
                f"attention_layers.{number}.out_proj.{kind}": own[f"{block}.attention.out.{kind}"],
                f"last_layernorm.{kind}": own[f"norm.{kind}"],
            }
            for theirs, ours in (("conv1", "inner"), ("conv2", "outer")):
                values = own[f"{block}.{ours}.{kind}"]
                values = values[:, :, None] if kind == "weight" else values
                found[f"forward_layers.{number}.{theirs}.{kind}"] = values
        stacked = np.concatenate([own[f"{part}.weight"] for part in parts])
        found[f"attention_layers.{number}.in_proj_weight"] = stacked
        found[f"attention_layers.{number}.in_proj_bias"] = np.concatenate(biases)
    return found


@pytest.mark.parametrize(
    ("norm", "padding", "heads"),
    list(product(["sasrec", "pre", "post"], ["zeros", "states"], [1, 2])),
)
def test_states_are_those_of_whole_windows(norm: str, padding: str, heads: int) -> None:
    model = small(norm=norm, padding=padding, heads=heads)
    histories = [[3], [7, 8, 9], [1, 2, 3, 4, 5, 20], [6, 6, 6, 1], [2, 19], [5, 4, 3, 2, 1]]
    padded = np.array([[0] * (WINDOW - len(h)) + h for h in histories])
    weights = named_as_there(model)
    first = np.zeros((1, 8))  # positions count from 1 there, in the later versions
    weights["pos_emb.weight"] = np.concatenate((first, weights["pos_emb.weight"]))
    expected = windowed_states(weights, padded, norm, heads, masked_rows=padding == "zeros")
    found = model(torch.from_numpy(padded)).detach().numpy()
    for row, history in enumerate(histories):
        n = len(history)
        np.testing.assert_allclose(found[row, -n:], expected[row, -n:], atol=2e-5)
        # What is short sees something else than without padding; a full window does not.
        alone = small(norm=norm, heads=heads)(torch.tensor([history])).detach().numpy()
        gap = np.abs(alone[0, -1] - expected[row, -1]).max()
        assert gap < 2e-5 if n == WINDOW else gap > 1e-3


def test_dropout_has_noise() -> None:
    model, cpu = small(padding="states"), torch.device("cpu")
    history = torch.tensor([[0, 0, 0, 1, 2, 3]])
    noisy = [model(history, Noise(0, 1, 1, part, cpu)) for part in range(2)]
    assert not torch.equal(noisy[0], noisy[1])
    model(history).sum().backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "key" in name)


def test_one_slot_is_padding() -> None:
    batch = one_slot(torch.device("cpu"))
    assert batch.bounds == [(0, 1, 1, 1)]
    assert not batch.items.any()


def test_is_there_for_the_blocks_as_published() -> None:
    with pytest.raises(ValidationError, match="padding"):
        SASRecConfig(block="ligr", norm="pre", padding="zeros")
