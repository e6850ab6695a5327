"""All calls of private functions of torch, which torch may drop in any version.

tests/core/kernels/test_private.py scans the source for others. When torch drops one, its plain
twin is the replacement: SEQREC_KERNELS=plain makes none of these calls. The last two are for the
export alone, which compares what it has made.
"""

from collections.abc import Callable, Sequence
from typing import Any

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


def onnx_operator(
    name: str,
    inputs: Sequence[Tensor],
    attributes: dict[str, Any],
    shape: Sequence[int | torch.SymInt],
) -> Tensor:
    """An operator of ONNX with one float32 output of this shape; only while torch exports."""
    return torch.onnx.ops.symbolic(name, inputs, attributes, dtype=torch.float32, shape=shape)


def scan_steps(
    step: Callable[[Tensor, Any], tuple[Tensor, Tensor]], first: Tensor, inputs: tuple[Tensor, ...]
) -> Tensor:
    """What `step(state, input)` gives, beside the next state, for the inputs (T, ...) one after the
    other: (T, ...). An exporter keeps it as one operator, for every T."""
    from torch._higher_order_ops.scan import scan

    made: Tensor = scan(step, first, inputs)[1]
    return made
