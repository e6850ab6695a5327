"""How weights change. Adam for all of them is torch's own; this is for tables too large for it."""

import torch
from torch import Tensor, nn

EPSILON = 1e-10


class RowwiseAdagrad:
    """Adagrad (Duchi et al., JMLR 2011) with one accumulator a row instead of one a weight.

    For a row w with gradient g: s += mean(g^2), w -= lr g / sqrt(s). Only rows that the batch
    touched are read or written, so a step costs the same for any number of rows, and the state
    takes one number a row (Naumov et al., "Deep Learning Recommendation Model", 2019).
    """

    def __init__(self, tables: dict[str, nn.Parameter], lr: float) -> None:
        self.tables = tables
        self.lr = lr
        self.sums = {name: torch.zeros(len(t), device=t.device) for name, t in tables.items()}

    @torch.no_grad()
    def step(self) -> None:
        """Change the rows for which there is a gradient, sparse (rows, D)."""
        for name, table in self.tables.items():
            assert table.grad is not None
            gradient = table.grad.coalesce()
            rows, values = gradient.indices()[0], gradient.values()
            sums: Tensor = self.sums[name][rows] + values.square().mean(dim=1)
            self.sums[name][rows] = sums
            scale = (sums.sqrt() + EPSILON).unsqueeze(1)
            table.index_add_(0, rows, values / scale, alpha=-self.lr)
