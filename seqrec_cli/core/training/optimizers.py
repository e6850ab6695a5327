"""Optimizers: Adam, Adagrad, and row-wise Adagrad for large tables."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.kernels.adam import adam_step


class Optimizer(Protocol):
    """Changes parameters by the gradients that they hold."""

    def step(self, factor: float = 1.0) -> None:
        """Change them once, with the learning rate times `factor`."""
        ...

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name; the tensors themselves, not copies."""
        ...


class Adam:
    """Adam (Kingma & Ba, ICLR 2015, algorithm 1); weight decay is added to the gradients, or
    `decoupled` from them, w -= lr decay w before each step (AdamW: Loshchilov & Hutter, ICLR 2019).

    The same numbers as torch's own, which brings in torch's compiler: a second at the start and
    70 MB.
    """

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        lr: float,
        betas: tuple[float, float],
        weight_decay: float = 0.0,
        epsilon: float = 1e-8,
        *,
        decoupled: bool = False,
    ) -> None:
        self.names = list(parameters)
        self.parameters: list[Tensor] = list(parameters.values())
        self.lr = lr
        self.betas = betas
        self.weight_decay = weight_decay
        self.epsilon = epsilon
        self.decoupled = decoupled
        assert all(p.is_contiguous() for p in self.parameters)
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.steps = torch.zeros((), dtype=torch.int64)

    def state(self) -> dict[str, Tensor]:
        """The moments of each parameter and the number of steps."""
        moments = {f"{name}.first": t for name, t in zip(self.names, self.first, strict=True)}
        moments |= {f"{name}.second": t for name, t in zip(self.names, self.second, strict=True)}
        return {**moments, "steps": self.steps}

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Change every parameter; each holds a gradient."""
        gradients: list[Tensor] = []
        for parameter in self.parameters:
            assert parameter.grad is not None
            # The kernel takes memory as it lies, whatever the strides say.
            gradients.append(parameter.grad.contiguous())
        self.steps += 1
        if self.decoupled:
            for weights in self.parameters:
                weights.mul_(1 - self.lr * factor * self.weight_decay)
        adam_step(
            self.parameters,
            gradients,
            self.first,
            self.second,
            int(self.steps),
            lr=self.lr * factor,
            betas=self.betas,
            weight_decay=0.0 if self.decoupled else self.weight_decay,
            epsilon=self.epsilon,
        )


class Adagrad:
    """Adagrad with momentum, as GRU4Rec's authors have it (github.com/hidasib/GRU4Rec).

    For a weight w with gradient g: s += g^2, v = momentum v - lr g / sqrt(s + epsilon), w += v
    (Duchi et al., JMLR 2011; Polyak's momentum).
    """

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        lr: float,
        momentum: float = 0.0,
        epsilon: float = 1e-6,
    ) -> None:
        self.parameters = parameters
        self.lr = lr
        self.momentum = momentum
        self.epsilon = epsilon
        self.sums = {name: torch.zeros_like(p) for name, p in parameters.items()}
        self.velocities = {name: torch.zeros_like(p) for name, p in parameters.items()}

    def state(self) -> dict[str, Tensor]:
        """The accumulator and the velocity of each parameter."""
        sums = {f"{name}.sums": t for name, t in self.sums.items()}
        return sums | {f"{name}.velocity": t for name, t in self.velocities.items()}

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Change every parameter; each holds a gradient."""
        for name, parameter in self.parameters.items():
            gradient, velocity = parameter.grad, self.velocities[name]
            assert gradient is not None
            sums = self.sums[name].addcmul_(gradient, gradient)
            scale = (sums + self.epsilon).rsqrt_()
            velocity.mul_(self.momentum).addcmul_(gradient, scale, value=-self.lr * factor)
            parameter.add_(velocity)


class RowwiseAdagrad:
    """Adagrad (Duchi et al., JMLR 2011) with one accumulator a row instead of one a weight.

    For a row w with gradient g: s += mean(g^2), w -= lr g / sqrt(s). Only rows that the batch
    touched are read or written, so a step costs the same for any number of rows, and the state
    takes one number a row (Naumov et al., "Deep Learning Recommendation Model", 2019).
    """

    def __init__(self, tables: dict[str, nn.Parameter], lr: float, epsilon: float = 1e-10) -> None:
        self.tables = tables
        self.lr = lr
        self.epsilon = epsilon
        self.sums = {name: torch.zeros(len(t), device=t.device) for name, t in tables.items()}

    def state(self) -> dict[str, Tensor]:
        """The accumulators of each table."""
        return {f"{name}.sums": sums for name, sums in self.sums.items()}

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Change the rows for which there is a gradient, sparse (rows, D)."""
        for name, table in self.tables.items():
            assert table.grad is not None
            rows, values = rows_in_use(table.grad)
            sums: Tensor = self.sums[name][rows] + values.square().mean(dim=1)
            self.sums[name][rows] = sums
            scale = (sums.sqrt() + self.epsilon).unsqueeze(1)
            table.index_add_(0, rows, values / scale, alpha=-self.lr * factor)


def rows_in_use(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of a sparse gradient (N, D), int64 (R,) ascending, and their sums (R, D).

    What stands several times for a row is added in its order, whatever else there is. Torch's
    `coalesce` sorts without regard to the order, and takes twice as long.
    """
    places, values = gradient._indices()[0], gradient._values()
    if not len(places):
        return places, values
    order = places.argsort(stable=True)
    rows, counts = torch.unique_consecutive(places[order], return_counts=True)
    # A bag for each row.
    return rows, F.embedding_bag(order, values, counts.cumsum(0) - counts, mode="sum")
