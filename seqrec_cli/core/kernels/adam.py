"""A step of Adam (Kingma & Ba, ICLR 2015, algorithm 1); weight decay is added to the gradients."""

import torch
from torch import Tensor

from seqrec_cli.core.kernels.private import fused_adam
from seqrec_cli.core.kernels.switch import fast


@torch.no_grad()
def adam_step(
    parameters: list[Tensor],
    gradients: list[Tensor],
    first: list[Tensor],
    second: list[Tensor],
    steps: int,
    *,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
    epsilon: float,
) -> None:
    """Update parameters and their two moments in place; `steps` counts from 1.

    All tensors are float32 and contiguous; a gradient and moments have the shape of their
    parameter. Runs on every device.
    """
    settings = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "epsilon": epsilon}
    lists = parameters, gradients, first, second
    if fast("adam"):
        # Filled there: what is made of a number is copied to a GPU, which waits for it.
        counter = torch.full((), float(steps), device=parameters[0].device)
        fused_adam(*lists, counter, **settings)  # type: ignore[arg-type]
        return
    for tensors in zip(*lists, strict=True):
        plain_adam(*tensors, steps, **settings)  # type: ignore[arg-type]


def plain_adam(
    parameter: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    steps: int,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
    epsilon: float,
) -> None:
    """The plain twin of `fused_adam`."""
    gradient = gradient.add(parameter, alpha=weight_decay) if weight_decay else gradient
    first.lerp_(gradient, 1 - betas[0])
    second.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    scale = (second / (1 - betas[1] ** steps)).sqrt_().add_(epsilon)
    parameter.addcdiv_(first, scale, value=-lr / (1 - betas[0] ** steps))
