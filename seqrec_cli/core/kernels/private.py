"""All calls of private functions of torch, which torch may drop in any version.

tests/core/kernels/test_private.py scans the source for others. When torch drops one, its plain
twin is the replacement: SEQREC_KERNELS=plain makes none of these calls.
"""

import torch
from torch import Tensor


def fused_adam(
    parameters: list[Tensor],
    gradients: list[Tensor],
    first: list[Tensor],
    second: list[Tensor],
    steps: Tensor,
    *,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
    epsilon: float,
) -> None:
    """Update parameters and moments in place, in one pass over memory; see adam.py."""
    torch._fused_adam_(
        parameters,
        gradients,
        first,
        second,
        [],
        [steps] * len(gradients),
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=weight_decay,
        eps=epsilon,
        amsgrad=False,
        maximize=False,
    )
