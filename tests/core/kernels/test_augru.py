"""The recurrences of DIEN against their equations, step by step in NumPy, and torch's GRU."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqrec_cli.core.kernels.augru import GatedUnit

B, T, IN, D = 5, 7, 6, 4


def unit(replaced: bool = False, seed: int = 0) -> GatedUnit:
    generator = torch.Generator().manual_seed(seed)
    made = GatedUnit(IN, D, generator, replaced)
    with torch.no_grad():
        made.bias.uniform_(-1, 1, generator=generator)
    return made


def inputs(seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(B, T, IN, generator=generator), torch.rand(B, T, generator=generator)


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-x))


def by_the_equations(
    made: GatedUnit, x: torch.Tensor, a: torch.Tensor, replaced: bool
) -> NDArray[Any]:
    """The states of each row on its own, one step after the other, in float64."""
    read, recurrent, bias = (
        p.detach().double().numpy() for p in (made.read, made.recurrent, made.bias)
    )
    w_r, w_n, u_r, u_n = read[:D], read[-D:], recurrent[:D], recurrent[-D:]
    b_r, b_n = bias[:D], bias[-D:]
    states = np.zeros((*a.shape, D))
    for row in range(len(x)):
        h = np.zeros(D)
        for t in range(x.shape[1]):
            x_t, a_t = x[row, t].double().numpy(), float(a[row, t])
            r = sigmoid(w_r @ x_t + u_r @ h + b_r)
            n = np.tanh(w_n @ x_t + r * (u_n @ h) + b_n)
            gate: Any = a_t
            if not replaced:
                u = sigmoid(read[D : 2 * D] @ x_t + recurrent[D : 2 * D] @ h + bias[D : 2 * D])
                gate = a_t * u
            h = (1 - gate) * h + gate * n
            states[row, t] = h
    return states


@pytest.mark.parametrize("replaced", [False, True], ids=["augru", "agru"])
def test_states_are_those_of_the_equations(replaced: bool) -> None:
    made, (x, a) = unit(replaced), inputs()
    found = made(x, a).detach().numpy()
    np.testing.assert_allclose(found, by_the_equations(made, x, a, replaced), atol=1e-6)


@pytest.mark.parametrize("replaced", [False, True], ids=["augru", "agru"])
def test_gradients_are_those_of_finite_differences(replaced: bool) -> None:
    made = unit(replaced).double()
    x, a = (t.double().requires_grad_() for t in inputs())
    names = [name for name, _ in made.named_parameters()]

    def states(x: torch.Tensor, a: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        named = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(made, named, (x, a))

    assert torch.autograd.gradcheck(states, (x, a, *made.parameters()))


def twin(made: GatedUnit) -> nn.GRU:
    """torch's GRU with the same weights: its z is 1 - u, and sigmoid(-x) is 1 - sigmoid(x)."""
    theirs = nn.GRU(IN, D, batch_first=True)
    sign = torch.ones(3 * D)
    sign[D : 2 * D] = -1
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(made.read * sign[:, None])
        theirs.weight_hh_l0.copy_(made.recurrent * sign[:, None])
        theirs.bias_ih_l0.copy_(made.bias * sign)
        theirs.bias_hh_l0.zero_()
    return theirs


def test_with_attention_one_everywhere_it_is_torchs_gru() -> None:
    made, (x, _) = unit(), inputs()
    theirs = twin(made)
    found, expected = made(x, torch.ones(B, T)), theirs(x)[0]
    torch.testing.assert_close(found, expected)
    upstream = torch.randn(found.shape)
    ours = torch.autograd.grad((found * upstream).sum(), [made.read, made.recurrent])
    other = torch.autograd.grad(
        (expected * upstream).sum(), [theirs.weight_ih_l0, theirs.weight_hh_l0]
    )
    sign = torch.ones(3 * D, 1)
    sign[D : 2 * D] = -1
    for mine, theirs_grad in zip(ours, other, strict=True):
        torch.testing.assert_close(mine, theirs_grad * sign)


def test_padded_rows_are_packed_ones() -> None:
    made, (x, _) = unit(), inputs()
    lengths = torch.tensor([7, 1, 4, 6, 2])
    mask = (torch.arange(T) < lengths[:, None]).float()
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs, last = twin(made)(packed)
    expected, _ = pad_packed_sequence(outputs, batch_first=True, total_length=T)
    found = made(x, mask)
    torch.testing.assert_close(found * mask[:, :, None], expected)
    torch.testing.assert_close(found[:, -1], last[0])  # padding behind changes nothing


def test_what_lies_in_padding_does_not_matter() -> None:
    made, (x, _) = unit(), inputs()
    mask = (torch.arange(T) < torch.tensor([3, 0, 7, 5, 1])[:, None]).float()
    other = torch.where(mask[:, :, None] > 0, x, 100.0)
    torch.testing.assert_close(made(x, mask), made(other, mask))
    assert made(x, mask)[1].abs().max() == 0  # a row of padding alone
