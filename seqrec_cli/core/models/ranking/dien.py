"""DIEN: interests that evolve (Zhou et al., AAAI 2019).

A GRU reads the history (interest extraction); each of its states is to tell the next item from one
that the user does not have (auxiliary loss); the candidate's attention to those states then drives
a second recurrence (interest evolution), in four ways:

    gru      a plain second GRU, whose states the attention pools
    aigru    the attention scales what the second GRU reads
    agru     the attention is the update gate
    augru    the attention scales the update gate

Attention is that of DIN with a softmax, its scores divided by sqrt(D). Unlike the paper's code the
two halves of the auxiliary loss are averaged, not added, and the sum of the history does not join
what goes into the head.

Shapes: B rows, T positions, D size of embeddings and of states.
"""

import math
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.models.ranking.layers import (
    Attention,
    FeatureEmbeddings,
    Head,
    ItemEmbeddings,
    init_ranker,
    masked_softmax,
)
from seqrec_cli.core.models.ranking.mlp import NetworkConfig


class DIENConfig(NetworkConfig):
    """The `model` part of an experiment with `name: dien`."""

    name: Literal["dien"] = "dien"
    variant: Literal["gru", "aigru", "agru", "augru"] = Field(
        "augru", description="how attention enters the second recurrence"
    )
    attention: list[PositiveInt] = Field(
        [16, 8], description="hidden layer sizes of the attention network"
    )
    auxiliary_weight: float = Field(
        1.0, ge=0, description="weight of the auxiliary loss; 0: no auxiliary loss"
    )
    auxiliary_layers: list[PositiveInt] = Field(
        [100, 50], description="hidden layer sizes of the auxiliary discriminator"
    )


class DIEN(nn.Module):
    """[evolved interest, candidate, other features] through the head."""

    settings_class: ClassVar = DIENConfig

    def __init__(
        self, sizes: Sizes, config: DIENConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        size = config.embedding
        self.variant = config.variant
        self.auxiliary_weight = config.auxiliary_weight
        self.embedding_drop = config.embedding_dropout
        self.items = ItemEmbeddings(sizes, size, config.shared_tables)
        self.features = FeatureEmbeddings(sizes, size)
        self.extraction = GatedUnit(size, size, generator)
        self.attention = Attention(size, config.attention)
        self.evolution = GatedUnit(size, size, generator, replaced=config.variant == "agru")
        layers = config.auxiliary_layers
        self.auxiliary = Discriminator(size, layers) if config.auxiliary_weight else None
        self.head = Head(2 * size + self.features.width, config.layers, config.dropout)
        init_ranker(self, generator, config.embedding_std)

    def forward(self, batch: RankingBatch, noise: Noise | None = None) -> Tensor:
        """Logits (B,)."""
        query, keys = self.items(batch.items, batch.history)
        return self.rank(batch, query, keys, noise)[0]

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and the weighted auxiliary loss, if there is one."""
        if self.auxiliary is None:
            return self(batch, noise), None
        both = torch.stack((batch.history, batch.negatives))
        query, (keys, others) = self.items(batch.items, both)
        logits, states = self.rank(batch, query, keys, noise)
        # At each step but the last, the next item against one that the user does not have.
        real = (batch.mask[:, 1:] & (batch.negatives[:, 1:] != 0)).flatten().nonzero().squeeze(1)
        before, clicked, other = (
            x.flatten(0, 1).index_select(0, real)
            for x in (states[:, :-1], keys[:, 1:], others[:, 1:])
        )  # (M, D)
        loss = self.auxiliary(before, clicked, other)
        return logits, self.auxiliary_weight * loss

    def rank(
        self, batch: RankingBatch, query: Tensor, keys: Tensor, noise: Noise | None
    ) -> tuple[Tensor, Tensor]:
        """Logits (B,), and the states of the extraction (B, T, D)."""
        query, keys = (dropout(x, self.embedding_drop, noise) for x in (query, keys))
        states = self.extraction(keys, batch.mask.to(keys.dtype))
        interest = self.evolve(query, states, batch.mask, noise is not None)
        x = torch.cat((interest, query, self.features(batch)), dim=1)
        return self.head(x, noise), states

    def evolve(self, query: Tensor, states: Tensor, mask: Tensor, training: bool) -> Tensor:
        """What interests have become, in view of the candidate, (B, D); 0 without history."""
        real = mask.to(states.dtype)
        if self.variant == "gru":
            states = self.evolution(states, real)
        scores = self.attention(query, states, mask, training) / math.sqrt(query.shape[1])
        weights = masked_softmax(scores, mask)  # (B, T), 0 at padding
        if self.variant == "gru":
            return torch.bmm(weights.unsqueeze(1), states).squeeze(1)
        if self.variant == "aigru":
            evolved: Tensor = self.evolution(states * weights.unsqueeze(2), real)
        else:
            evolved = self.evolution(states, weights)
        return evolved[:, -1]  # padding, behind what is real, changes nothing


class Discriminator(nn.Module):
    """Tells what comes next from what does not, by the state before it: layers with sigmoids."""

    def __init__(self, size: int, layers: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([2 * size, *layers]))
        self.out = nn.Linear(layers[-1] if layers else 2 * size, 1)

    def forward(self, states: Tensor, clicked: Tensor, other: Tensor) -> Tensor:
        """The mean binary cross-entropy of both, each (M, D); 0 where there are none."""
        if not len(states):
            return states.sum()
        x = torch.cat((torch.cat((states, clicked), 1), torch.cat((states, other), 1)))
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        logits = self.out(x).squeeze(1)
        truth = torch.cat((logits.new_ones(len(states)), logits.new_zeros(len(states))))
        return F.binary_cross_entropy_with_logits(logits, truth)
