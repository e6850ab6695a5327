"""Losses over the whole catalogue.

Shapes: T targets, A items ahead of each, D hidden size, N items.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.cross_entropy import linear_cross_entropy
from seqrec_cli.core.losses.interface import AllItems, LossSettings

AHEAD_SHARE = 0.5  # of a target ahead, relative to the one before


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
    targets_ahead: int = Field(
        0,
        ge=0,
        le=100,
        description="how many of the items after a target are targets too, each with half the "
        "share of the one before",
    )

    @property
    def num_targets_ahead(self) -> int:
        return self.targets_ahead

    @property
    def target_half_life(self) -> float | None:
        return self.half_life


def softmax(inputs: AllItems, settings: SoftmaxSettings) -> Tensor:
    """Cross-entropy of the target among all items, without holding all logits.

    With smoothing, a share of the target's probability is spread over all items (Szegedy et al.,
    CVPR 2016, section 7). With targets ahead it is shared among the target and these.
    """
    excluded, weights = inputs.excluded_items, inputs.weights
    if excluded is None:
        excluded = torch.zeros(1, dtype=torch.int64, device=inputs.targets.device)
    if weights is None:
        weights = torch.ones_like(inputs.targets, dtype=torch.float32)
    targets, shares = shared_places(inputs)
    return linear_cross_entropy(
        inputs.states, inputs.table, targets, shares, weights, settings.label_smoothing, excluded
    )


def shared_places(inputs: AllItems) -> tuple[Tensor, Tensor]:
    """The target and those after it, int64 (T, 1 + A), and their shares, float32, which sum to 1.

    Each has half the share of the one before; what would be after the history's end has none, and
    the target in its place.
    """
    own = inputs.targets.unsqueeze(1)
    if inputs.ahead is None:
        return own, torch.ones_like(own, dtype=torch.float32)
    targets = torch.cat((own, inputs.ahead), dim=1)
    there = (targets != PAD).float()
    there[:, 0] = 1
    steps = torch.arange(targets.shape[1], device=targets.device)
    shares = there * AHEAD_SHARE**steps
    return torch.where(targets == PAD, own, targets), shares / shares.sum(1, keepdim=True)
