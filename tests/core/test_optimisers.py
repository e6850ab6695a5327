"""Row-wise Adagrad against its formula, and untouched rows untouched."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from seqrec_cli.core.optimisers import RowwiseAdagrad


def test_steps_follow_the_formula_and_leave_other_rows_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    table = nn.Parameter(torch.randn(9, 4, generator=generator))
    optimiser = RowwiseAdagrad({"t": table}, lr=0.1)
    expected, sums = table.detach().numpy().astype(np.float64), np.zeros(9)
    for rows in ([1, 3, 3, 8], [3, 5], [8, 8, 8]):
        weights = torch.randn(len(rows), 4, generator=generator)
        loss = (F.embedding(torch.tensor(rows), table, sparse=True) * weights).sum()
        (table.grad,) = torch.autograd.grad(loss, table)
        optimiser.step()
        gradient = np.zeros((9, 4))
        np.add.at(gradient, rows, weights.numpy())
        for row in set(rows):
            sums[row] += (gradient[row] ** 2).mean()
            expected[row] -= 0.1 * gradient[row] / np.sqrt(sums[row])
        np.testing.assert_allclose(table.detach().numpy(), expected, atol=1e-6)
    assert optimiser.sums["t"][[0, 2, 4, 6, 7]].tolist() == [0] * 5
