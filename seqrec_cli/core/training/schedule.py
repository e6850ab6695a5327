"""The schedule of the learning rate."""

import math
from typing import Protocol


class LearningRate(Protocol):
    """The settings that say how the learning rate changes."""

    @property
    def schedule(self) -> str: ...
    @property
    def warmup(self) -> int: ...


def lr_factor(settings: LearningRate, done: int, steps: int) -> float:
    """The factor of the learning rate after `done` of `steps` steps.

    Cosine: half a wave from 1 to 0 (Loshchilov & Hutter, ICLR 2017, without restarts).
    """
    factor = 1.0
    if settings.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * min(1.0, done / steps)))
    return factor * min(1.0, (done + 1) / (settings.warmup + 1))
