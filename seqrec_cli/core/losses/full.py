"""Losses over the whole catalogue.

Shapes: T targets, D hidden size, N items.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from seqrec_cli.core.kernels.cross_entropy import linear_cross_entropy
from seqrec_cli.core.losses.interface import AllItems, LossSettings


class SoftmaxSettings(LossSettings):
    """The settings of `loss: softmax`."""

    name: Literal["softmax"] = "softmax"
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of each target's probability spread over all items"
    )
    half_life: float | None = Field(
        None,
        gt=0,
        le=1e9,
        description="targets this many items before a user's last count half; null: all count "
        "alike",
    )

    @property
    def target_half_life(self) -> float | None:
        return self.half_life


def softmax(inputs: AllItems, settings: SoftmaxSettings) -> Tensor:
    """Cross-entropy of the target among all items, without holding all logits.

    With smoothing, a share of the target's probability is spread over all items (Szegedy et al.,
    CVPR 2016, section 7).
    """
    excluded, weights = inputs.excluded_items, inputs.weights
    if excluded is None:
        excluded = torch.zeros(1, dtype=torch.int64, device=inputs.targets.device)
    if weights is None:
        weights = torch.ones_like(inputs.targets, dtype=torch.float32)
    return linear_cross_entropy(
        inputs.states, inputs.table, inputs.targets, weights, settings.label_smoothing, excluded
    )
