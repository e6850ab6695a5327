"""How popular items are, as shares that no item has none of."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def smoothed_shares(items: NDArray[np.int32], num_items: int) -> Tensor:
    """The share of each id 0 to N among `items`, each counted once more, float32 (N + 1,).

    That of padding is 0.
    """
    counts = np.bincount(items, minlength=num_items + 1)
    counts[1:] += 1
    return torch.from_numpy(counts / counts.sum()).to(torch.float32)
