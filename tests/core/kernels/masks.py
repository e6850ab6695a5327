"""Dropout whose masks can be had again."""

from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import Layout, Packed
from seqrec_cli.core.kernels.attention import Bands


class SameMasks:
    """Noise whose mask for a weight depends on its query and key alone, whatever the banding."""

    def __init__(self, longest: int, cuts: Bands) -> None:
        generator = torch.Generator().manual_seed(3)
        self.grid = (torch.rand(longest, longest, generator=generator) > 0.3).float()
        self.masks = []
        for (rows, _), heights in zip(cuts.blocks, cuts.heights, strict=True):
            for end, height in zip(accumulate(heights), heights, strict=True):
                self.masks += [self.grid[end - height : end, :end].flatten()] * rows

    def kept(self, shape: Any, drop: float) -> Tensor:
        return torch.cat(self.masks).view(shape)


def batch_of(lengths: list[int]) -> Packed:
    layout = Layout.of(np.array(lengths))
    ages = torch.from_numpy(layout.ages)
    return Packed(torch.ones_like(ages), ages, layout.blocks, torch.from_numpy(layout.last))
