"""Adam against torch's, row-wise Adagrad against its formula, untouched rows untouched."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seqrec_cli.core.training.optimizers import Adagrad, Adam, RowwiseAdagrad, rows_in_use


def test_steps_follow_the_formula_and_leave_other_rows_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    table = nn.Parameter(torch.randn(9, 4, generator=generator))
    optimizer = RowwiseAdagrad({"t": table}, lr=0.1)
    expected, sums = table.detach().numpy().astype(np.float64), np.zeros(9)
    for rows in ([1, 3, 3, 8], [3, 5], [8, 8, 8]):
        weights = torch.randn(len(rows), 4, generator=generator)
        loss = (F.embedding(torch.tensor(rows), table, sparse=True) * weights).sum()
        (table.grad,) = torch.autograd.grad(loss, table)
        optimizer.step()
        gradient = np.zeros((9, 4))
        np.add.at(gradient, rows, weights.numpy())
        for row in set(rows):
            sums[row] += (gradient[row] ** 2).mean()
            expected[row] -= 0.1 * gradient[row] / np.sqrt(sums[row])
        np.testing.assert_allclose(table.detach().numpy(), expected, atol=1e-6)
    assert optimizer.sums["t"][[0, 2, 4, 6, 7]].tolist() == [0] * 5


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_is_torchs(decay: float, kind: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    mine, theirs = (
        {
            "a": nn.Parameter(torch.ones(4, 3)),
            "b": nn.Parameter(torch.ones(5)),
            "turned": nn.Parameter(torch.ones(3, 3)),
        }
        for _ in range(2)
    )
    ours = Adam(mine, 0.01, (0.9, 0.98), decay, decoupled=kind is torch.optim.AdamW)
    torchs = kind(theirs.values(), lr=0.01, betas=(0.9, 0.98), weight_decay=decay, fused=False)
    for _ in range(20):
        for name, parameter in mine.items():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            if name == "turned":  # the same numbers, column by column in memory
                parameter.grad = parameter.grad.T.contiguous().T
            theirs[name].grad = parameter.grad.clone()
        ours.step()
        torchs.step()
    for name, parameter in mine.items():
        torch.testing.assert_close(parameter, theirs[name], atol=1e-6, rtol=1e-6)


def test_adams_state_is_all_that_it_goes_on_from() -> None:
    parameters = [{"a": nn.Parameter(torch.ones(3))} for _ in range(2)]
    whole, cut = (Adam(p, 0.1, (0.9, 0.98)) for p in parameters)
    for step in range(4):
        parameters[0]["a"].grad = torch.tensor([1.0, -2.0, 0.5 * step])
        whole.step()
        if step == 1:
            parameters[1]["a"].detach().copy_(parameters[0]["a"])
            for name, tensor in cut.state().items():
                tensor.copy_(whole.state()[name])
        if step > 1:
            parameters[1]["a"].grad = parameters[0]["a"].grad
            cut.step()
    assert torch.equal(parameters[0]["a"], parameters[1]["a"])


def test_adagrad_with_momentum_follows_the_equations() -> None:
    torch.manual_seed(0)
    parameter = nn.Parameter(torch.randn(4, 3, dtype=torch.float64))
    optimizer = Adagrad({"w": parameter}, lr=0.1, momentum=0.3)
    w, s, v = parameter.detach().clone().numpy(), np.zeros((4, 3)), np.zeros((4, 3))
    for factor in (1.0, 0.5, 0.25):
        parameter.grad = torch.randn(4, 3, dtype=torch.float64)
        g = parameter.grad.numpy()
        s += g**2
        v = 0.3 * v - 0.1 * factor * g / np.sqrt(s + 1e-6)
        w += v
        optimizer.step(factor)
        np.testing.assert_allclose(parameter.detach(), w)
    assert optimizer.state().keys() == {"w.sums", "w.velocity"}


@pytest.mark.parametrize("columns", [1, 3, 16, 50, 64])
def test_what_becomes_of_a_row_depends_on_its_own_gradients_alone(columns: int) -> None:
    torch.manual_seed(0)
    places, values = torch.randint(0, 40, (900,)), torch.randn(900, columns)

    def sums(which: torch.Tensor) -> dict[int, list[float]]:
        gradient = torch.sparse_coo_tensor(
            places[which].unsqueeze(0), values[which], (99, columns), check_invariants=False
        )
        rows, found = rows_in_use(gradient)
        assert rows.tolist() == sorted(set(places[which].tolist()))
        return dict(zip(rows.tolist(), found.tolist(), strict=True))

    expected: dict[int, torch.Tensor] = {}
    for place, value in zip(places.tolist(), values, strict=True):
        expected[place] = expected.get(place, torch.zeros(columns)) + value
    whole = sums(torch.ones(900, dtype=torch.bool))
    assert whole == {place: value.tolist() for place, value in expected.items()}
    odd = sums(places % 2 == 1)
    assert odd == {place: value for place, value in whole.items() if place % 2}
    assert sums(places > 99) == {}
