"""What models of both tasks share: modes, padding, pooling, initial weights."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from seqrec_cli.core.batching.packing import pack_padded
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.shards import ShardedEmbedding

Pooling = Literal["mean", "sum", "max"]


def encode_padded(model: Any, history: Tensor, noise: Noise | None) -> Tensor:
    """A model's states (B, L, D) of histories (B, L), padding on the left; 0 at padding."""
    batch, cells, slots = pack_padded(history)
    states = model.encode(batch, noise)  # (T, D)
    flat = states.new_zeros(history.numel(), states.shape[-1])
    flat = flat.index_copy(0, cells, states[slots]).view(*history.shape, -1)  # (B, L, D)
    return torch.where((history != PAD).unsqueeze(-1), flat, 0.0)


def pool(vectors: Tensor, real: Tensor, how: Pooling) -> Tensor:
    """One vector of several: (R, M, D) and where they count (R, M) to (R, D); 0 of none."""
    mask = real.unsqueeze(-1)
    if how == "max":
        found = vectors.masked_fill(~mask, -torch.inf).amax(1) if vectors.shape[1] else None
        zeros = vectors.new_zeros(vectors.shape[0], vectors.shape[2])
        return zeros if found is None else torch.where(mask.any(1), found, zeros)
    total = (vectors * mask).sum(1)
    return total if how == "sum" else total / mask.sum(1).clamp(min=1)


def rows_at(table: Tensor, ids: Tensor) -> Tensor:
    """The rows of a table (N, F) for ids (B,): (B, F).

    Exported, the look-up in a table without columns would be refused by onnxruntime.
    """
    return table[ids] if table.shape[1] else table.new_zeros((ids.shape[0], 0))


def kept_ids(ids: Tensor, drop: float, noise: Noise) -> Tensor:
    """1 for each id, or 0 with probability `drop`, int64."""
    if ids.device.type != "cpu":
        return (torch.rand(ids.shape, device=ids.device) >= drop).long()
    return noise.kept(ids.shape, drop).long()


@torch.no_grad()
def init_weights(model: nn.Module, generator: torch.Generator | None) -> None:
    """Xavier-normal matrices (Glorot & Bengio 2010), zero biases, zero rows for padding."""
    for module in model.modules():
        if isinstance(module, ShardedEmbedding):
            module.draw_xavier(generator)
            continue
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.xavier_normal_(module.weight, generator=generator)
        if isinstance(module, nn.GRU):
            for name, weights in module.named_parameters():
                if "bias" in name:
                    weights.zero_()
                else:
                    nn.init.xavier_normal_(weights, generator=generator)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.zero_()
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
