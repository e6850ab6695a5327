"""A running mean of the weights, which is validated and saved in their place.

Polyak & Juditsky (SIAM J. Control Optim. 1992): with a learning rate that does not fall, the mean
of late weights is better than any of them, and may take the place of a schedule. The mean is an
exponential one; its decay begins low, min(d, (1 + t) / (10 + t)) after t steps, so that nothing of
the first weights stays in it (TensorFlow's ExponentialMovingAverage).
"""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor


class WeightAverages:
    """The running means of some weights.

    Attributes:
        means: of each weight, by its name.
        steps: int64 (), how many steps are in them.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.means = {name: weight.detach().clone() for name, weight in weights.items()}
        self.steps = torch.zeros((), dtype=torch.int64)

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name; the tensors themselves, not copies."""
        return {**self.means, "steps": self.steps}

    @torch.no_grad()
    def add(self) -> None:
        """Take the weights in, after a step of the optimizers."""
        done = int(self.steps)
        share = 1 - min(self.decay, (1 + done) / (10 + done))
        for name, mean in self.means.items():
            mean.lerp_(self.weights[name], share)
        self.steps += 1

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Within the block the weights are their means."""
        self.exchange()
        try:
            yield
        finally:
            self.exchange()

    @torch.no_grad()
    def exchange(self) -> None:
        """Put the weights and their means in each other's place."""
        for name, mean in self.means.items():
            weight = self.weights[name]
            kept = weight.detach().clone()
            weight.copy_(mean)
            mean.copy_(kept)
