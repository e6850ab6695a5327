"""Dropout from counter-based random bytes."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.kernels.switch import fast
from seqrec_cli.core.randomness import Purpose, stream


class Noise:
    """The random numbers of one part of a training step, which dropout draws in order."""

    def __init__(self, seed: int, epoch: int, step: int, part: int, device: torch.device) -> None:
        generator = stream(seed, Purpose.NOISE, epoch, step, part)
        self.bits = generator.bit_generator
        if device.type != "cpu":
            # There torch's kernels draw from the generator of the device.
            torch.manual_seed(int(generator.integers(2**63)))

    def seed(self) -> int:
        """Draw a seed for torch's own generators, for modules that draw from those."""
        return int(self.bits.random_raw() >> 1)

    def kept(self, shape: torch.Size | tuple[int, ...], drop: float) -> Tensor:
        """Draw float32 of `shape` on the CPU: 0.0 with probability `drop`, else 1.0.

        Each element takes 8 random bits, at a thirtieth of the cost of torch's Bernoulli draws. If
        `drop` is not a multiple of 1/256, the whole draw uses the multiple below or above it, at
        random, so that the probability is exact for each element.
        """
        count = math.prod(shape)
        limit, rest = divmod(drop * 256, 1)
        limit += self.bits.random_raw() < rest * 2**64
        words = self.bits.random_raw(-(-count // 8))
        raw = torch.from_numpy(words.view(np.int8)[:count]).view(shape)
        if not fast("dropout"):
            return (raw >= limit - 128).float()
        # Compared into float32: a bool tensor in between doubles the time.
        return torch.ge(raw, limit - 128, out=torch.empty(shape))


def dropout(x: Tensor, drop: float, noise: Noise | None) -> Tensor:
    """Zero each element of `x` with probability `drop` and scale the rest; without noise, x."""
    if noise is None or drop == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, drop)
    kept = noise.kept(x.shape, drop)
    if not fast("dropout"):
        return torch.where(kept > 0, x / (1 - drop), 0.0).to(x.dtype)
    return x * kept.div_(1 - drop).to(x.dtype)


def add_onto(y: Tensor, x: Tensor) -> Tensor:
    """x + y, in place in y where that loses no precision; y must not be used afterwards."""
    return y.add_(x) if y.dtype == x.dtype else x + y
