"""GRU4Rec against a NumPy forward pass written from the equations, and what must hold of it."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig

NUM_ITEMS = 20


def small(**settings: Any) -> GRU4Rec:
    config = GRU4RecConfig(hidden=8, max_length=6).model_copy(update=settings)
    model = GRU4Rec(NUM_ITEMS, config, torch.Generator().manual_seed(0))
    with torch.no_grad():  # biases are 0 at first, which would hide a mistake
        generator = torch.Generator().manual_seed(1)
        for name, parameter in model.named_parameters():
            if "bias" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


def numpy_forward(model: GRU4Rec, history: list[int]) -> NDArray[np.float64]:
    """The gated recurrent unit of Cho et al. (2014), one item at a time, float64.

    As in cuDNN, the reset gate takes what the hidden state gives, and not the state itself.
    """
    w = {name: value.detach().double().numpy() for name, value in model.named_parameters()}
    x = w["items.weight"][history] * np.sqrt(w["items.weight"].shape[1])
    for layer in range(len(model.layers)):
        name = f"layers.{layer}"
        h, states = np.zeros(w[f"{name}.weight_hh_l0"].shape[1]), []
        for row in x:
            read = w[f"{name}.weight_ih_l0"] @ row + w[f"{name}.bias_ih_l0"]
            kept = w[f"{name}.weight_hh_l0"] @ h + w[f"{name}.bias_hh_l0"]
            (r1, z1, n1), (r2, z2, n2) = np.split(read, 3), np.split(kept, 3)
            reset, update = 1 / (1 + np.exp(-(r1 + r2))), 1 / (1 + np.exp(-(z1 + z2)))
            h = (1 - update) * np.tanh(n1 + reset * n2) + update * h
            states.append(h)
        x = np.array(states)
    return x @ w["out.weight"].T + w["out.bias"] if "out.weight" in w else x


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("units", [None, 5, 11])
def test_forward_follows_the_equations(layers: int, tied: bool, units: int | None) -> None:
    model = small(layers=layers, tied=tied, units=units)
    histories = [[3], [7, 8, 9], [1, 2, 3, 4, 5, 20], [6, 6, 6, 1], [2, 19]]
    padded = torch.tensor([[0] * (6 - len(h)) + h for h in histories])
    states = model(padded).detach().double().numpy()
    table = model.items if model.outputs is None else model.outputs
    weight = table.weight.detach().double().numpy()
    for row, history in enumerate(histories):
        expected = numpy_forward(model, history)
        np.testing.assert_allclose(states[row, 6 - len(history) :], expected, atol=2e-5)
        scores = model.score(torch.from_numpy(expected).float()).detach().numpy()
        np.testing.assert_allclose(scores, expected @ weight.T, atol=2e-5)


def test_dropout_changes_states_only_with_noise() -> None:
    history = torch.tensor([[1, 2, 3, 4, 5, 6]])
    for settings in ({"dropout": 0.0}, {"embedding_dropout": 0.0}):
        model = small(**settings)
        noisy = [model(history, Noise(0, 1, step, 0, torch.device("cpu"))) for step in (1, 1, 2)]
        torch.testing.assert_close(noisy[0], noisy[1], rtol=0, atol=0)
        assert not torch.allclose(noisy[0], noisy[2])
        assert not torch.allclose(noisy[0], model(history))


def test_the_seed_decides_every_weight() -> None:
    torch.manual_seed(0)
    first = small().state_dict()
    torch.manual_seed(1)
    for name, tensor in small().state_dict().items():
        assert torch.equal(tensor, first[name])


def test_the_bias_of_an_item_is_added_to_its_score() -> None:
    history = torch.tensor([[1, 2, 3]])
    plain, biased = small(), small(item_bias=True)
    biased.load_state_dict(plain.state_dict(), strict=False)
    assert biased.biases is not None
    scores = plain.score(plain(history)) + biased.biases.weight.squeeze(1)
    torch.testing.assert_close(biased.score(biased(history)), scores)
    assert biased.tables == {"items.weight", "biases.weight"}
