"""GRU4Rec: a gated recurrent network over a user's history (Hidasi et al., ICLR 2016).

With the changes of "Recurrent Neural Networks with Top-k Gains" (Hidasi & Karatzoglou, CIKM 2018):
input and output share one item table (constrained embeddings, `tied`), and there is dropout on the
embeddings and on the hidden states. On purpose unlike it: the network reads a user's whole window
at once instead of session-parallel mini-batches, matrices start Xavier-normal, and what is read is
scaled by sqrt(D) as in SASRec: rows that small would hardly move the gates for many epochs.

Shapes: T slots (see packing.py), S of them without padding, D hidden size, N items. Item 0 is
padding.
"""

import math
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import CostModel, Packed, time_major
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.kernels.gru import recur
from seqrec_cli.core.models.layers import encode_padded, init_weights
from seqrec_cli.core.models.sequential.content import ContentSettings
from seqrec_cli.core.models.sequential.tables import ItemTables, item_table, make_content


class GRU4RecConfig(ContentSettings):
    """The `model` part of an experiment with `name: gru4rec`."""

    name: Literal["gru4rec"] = "gru4rec"
    hidden: int = Field(100, ge=1, description="size of item vectors")
    units: int | None = Field(
        None,
        ge=1,
        description="size of the recurrent states, projected to hidden afterwards; null: same as "
        "hidden, without a projection",
    )
    layers: int = Field(1, ge=1, le=100, description="recurrent layers")
    embedding_dropout: float = Field(0.2, ge=0, lt=1, description="dropout on item vectors")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout on each layer's hidden states")
    max_length: int = Field(
        200, ge=1, description="most recent items of a history that the model reads"
    )
    tied: bool = Field(
        True, description="score with the input item table; false: with a second table"
    )
    item_bias: bool = Field(
        False, description="add a learnt bias to the score of each item, as the authors do"
    )


class GRU4Rec(ItemTables):
    """Encodes a history into one state a position and scores items against states."""

    settings_class: ClassVar = GRU4RecConfig

    def __init__(
        self,
        num_items: int,
        config: GRU4RecConfig,
        generator: torch.Generator | None = None,
        features: Features | None = None,
    ) -> None:
        super().__init__()
        self.max_length = config.max_length
        # A step costs much by itself: half as many parts, each of twice the rows.
        self.cost = CostModel(crossover=math.inf, min_part_scale=2)
        self.embedding_drop = config.embedding_dropout
        self.drop = config.dropout
        self.items = item_table(num_items, config.hidden)
        units = config.units or config.hidden
        sizes = [config.hidden, *[units] * config.layers]
        self.layers = nn.ModuleList(nn.GRU(a, b) for a, b in pairwise(sizes))
        self.out = nn.Identity() if config.units is None else nn.Linear(units, config.hidden)
        self.outputs = None if config.tied else item_table(num_items, config.hidden)
        self.biases = item_table(num_items, 1) if config.item_bias else None
        self.content = make_content(config.hidden, config, features)
        init_weights(self, generator)
        if self.content is not None:
            self.content.begin()

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to states (T, D); those of padding mean nothing."""
        order, sizes = time_major(batch)
        x = self.read_items(batch.items[order], noise) * math.sqrt(self.items.embedding_dim)
        x = dropout(x, self.embedding_drop, noise)
        for layer in self.layers:
            assert isinstance(layer, nn.GRU)
            x = dropout(recur(x, sizes, layer), self.drop, noise)
        states: Tensor = self.out(x)
        if self.biases is not None:
            states = F.pad(states, (0, 1), value=1.0)
        return states.new_zeros(len(batch.items), states.shape[1]).index_copy(0, order, states)

    def forward(self, history: Tensor, noise: Noise | None = None) -> Tensor:
        """Map histories (B, L), padding on the left, to states (B, L, D); 0 at padding."""
        return encode_padded(self, history, noise)
