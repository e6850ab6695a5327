"""Ranking models as plain modules, for other runtimes: no rows gathered, no kernels, no batch.

Shapes: B rows, T positions of history, D size of embeddings, W width; see batching/ranking.py.
"""

import copy

import torch
from torch import Tensor, nn

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import RankingBatch
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.portable import PortableGatedUnit
from seqrec_cli.core.models.ranking.layers import Attention


class TextbookPairs(nn.Module):
    """`Attention` by its formula: padding goes through the network too, and scores 0."""

    def __init__(self, layers: Attention) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor, training: bool) -> Tensor:
        """Score keys (B, T, D) for queries (B, D) where `mask` (B, T) says so, to (B, T)."""
        q = query.unsqueeze(1).expand_as(keys)
        x = torch.cat((q, keys, q - keys, q * keys), dim=2).flatten(0, 1)  # (B T, 4 D)
        for layer, dice in zip(self.layers.layers, self.layers.dice, strict=True):
            x = dice(layer(x), False)
        scores = self.layers.out(x).view(mask.shape)
        return torch.where(mask, scores, 0.0)


class TextbookRanker(nn.Module):
    """A ranking model of one tensor an input."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        for name, layer in list(self.model.named_modules()):
            if isinstance(layer, Attention):
                self.model.set_submodule(name, TextbookPairs(layer))
            elif isinstance(layer, GatedUnit):
                self.model.set_submodule(name, PortableGatedUnit(layer))

    def forward(
        self, items: Tensor, history: Tensor, dense: Tensor, sparse: Tensor, *tags: Tensor
    ) -> Tensor:
        """The codes of candidates (B,) and of histories (B, T), and features, to logits (B,)."""
        features = FeatureTensors(dense, sparse, tags)
        batch = RankingBatch(items, features, history, torch.zeros_like(history), history != PAD)
        logits: Tensor = self.model(batch, None)
        return logits
