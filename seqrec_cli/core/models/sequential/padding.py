"""Attention that sees the padding before a short history, as that of SASRec.pytorch does.

In a right-aligned window a history of n items has padding in the slots before it. All of these have
the same vector, so they are one more key, which counts as often as there is padding: its score
grows by the logarithm of that. With dropout it is kept or left out as a whole.

Shapes: T slots (see batching/packing.py), D hidden size, R histories of a block, L their length.
"""

import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import Packed
from seqrec_cli.core.kernels.attention import future
from seqrec_cli.core.kernels.dropout import Noise, dropout


def one_slot(device: torch.device) -> Packed:
    """A history of padding alone."""
    zero = torch.zeros(1, dtype=torch.int64, device=device)
    return Packed(zero, zero, ((1, 1),), zero)


def with_padding(
    projected: tuple[Tensor, Tensor, Tensor],
    padding: tuple[Tensor, Tensor],
    batch: Packed,
    window: int,
    heads: int,
    drop: float,
    noise: Noise | None,
) -> Tensor:
    """softmax(q k^T) v of each history and of the padding before it, (T, D) -> (T, D).

    Args:
        projected: queries, scaled, keys and values, (T, D) each.
        padding: the key and the value of padding, (1, D) each.
        window: how many slots there are, with those of padding.
    """
    key, value = (x.view(heads, -1, 1) for x in padding)  # (heads, D / heads, 1)
    outputs = []
    for start, end, rows, length in batch.bounds:
        count = window - 1 - batch.ages[start:end:length]  # (R,)
        q, k, v = (
            x[start:end].view(rows, length, heads, -1).transpose(1, 2) for x in projected
        )  # (R, heads, L, D / heads)
        scores = q @ k.mT + future(length).to(q)
        to_padding = q @ key + count.to(q).log()[:, None, None, None]  # (R, heads, L, 1)
        weights = torch.softmax(torch.cat((to_padding, scores), dim=-1), dim=-1)
        weights = dropout(weights, drop, noise)
        attended = weights[..., 1:] @ v + weights[..., :1] * value.mT
        outputs.append(attended.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(outputs)
