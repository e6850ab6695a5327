"""GRU4Rec: a gated recurrent network over a user's history (Hidasi et al., ICLR 2016).

With the changes of "Recurrent Neural Networks with Top-k Gains" (Hidasi & Karatzoglou, CIKM 2018):
input and output share one item table (constrained embeddings, `tied`), and there is dropout on the
embeddings and on the hidden states. On purpose unlike it: the network reads a user's whole window
at once instead of session-parallel mini-batches, and matrices start Xavier-normal.

Shapes: T slots (see packing.py), D hidden size, K candidates, N items. Item 0 is padding.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqrec_cli.core.dataset import PAD
from seqrec_cli.core.models.layers import (
    dropout,
    encode_padded,
    init_weights,
    look_up,
    score_items,
)
from seqrec_cli.core.packing import Packed
from seqrec_cli.core.randomness import Noise
from seqrec_cli.core.settings import Settings


class GRU4RecConfig(Settings):
    """The `model` part of an experiment with `name: gru4rec`."""

    name: Literal["gru4rec"] = "gru4rec"
    hidden: int = Field(100, ge=1, description="hidden size, of the item table too")
    layers: int = Field(1, ge=1, description="recurrent layers")
    embedding_dropout: float = Field(0.2, ge=0, lt=1, description="dropout on what is read")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout on each layer's hidden states")
    max_length: int = Field(200, ge=1, description="items of a history the model reads")
    tied: bool = Field(True, description="score with the input's item table, or with its own")


class GRU4Rec(nn.Module):
    """Encodes a history into one state a position and scores items against states."""

    def __init__(
        self, num_items: int, config: GRU4RecConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.max_length = config.max_length
        self.embedding_drop = config.embedding_dropout
        self.drop = config.dropout
        self.items = nn.Embedding(num_items + 1, config.hidden, padding_idx=PAD)
        self.layers = nn.ModuleList(
            nn.GRU(config.hidden, config.hidden) for _ in range(config.layers)
        )
        self.outputs = (
            None if config.tied else nn.Embedding(num_items + 1, config.hidden, padding_idx=PAD)
        )
        init_weights(self, generator)

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to states (T, D); those of padding mean nothing."""
        order, sizes = time_major(batch)
        x = dropout(look_up(self.items, batch.items[order]), self.embedding_drop, noise)
        for layer in self.layers:
            states = layer(PackedSequence(x, sizes))[0].data
            x = dropout(states, self.drop, noise)
        return x.new_zeros(len(batch.items), x.shape[1]).index_copy(0, order, x)

    def forward(self, history: Tensor, noise: Noise | None = None) -> Tensor:
        """Map histories (B, L), padding on the left, to states (B, L, D); 0 at padding."""
        return encode_padded(self, history, noise)

    @property
    def item_table(self) -> nn.Embedding:
        """The table that scores are taken against, (N + 1, D)."""
        return self.items if self.outputs is None else self.outputs

    @property
    def tables(self) -> set[str]:
        """The names of the parameters that have a row an item."""
        return {"items.weight"} if self.outputs is None else {"items.weight", "outputs.weight"}

    def sparse_gradients(self) -> None:
        """From now on give gradients of the item tables for the rows in use alone."""
        for table in (self.items, self.outputs):
            if table is not None:
                table.sparse = True

    def score(self, states: Tensor, candidates: Tensor | None = None) -> Tensor:
        """Score candidates (..., K) for states (..., D); given none, every id 0 to N."""
        return score_items(self.item_table, states, candidates)


def time_major(batch: Packed) -> tuple[Tensor, Tensor]:
    """The slots of all first items, then of all second ones, ...; and how many there are of each.

    Rows are in order of falling length, so those that go on are always the first ones. Both int64,
    the second on the CPU.
    """
    starts = torch.cat([torch.arange(a, b, length) for a, b, _, length in batch.bounds])
    lengths = batch.ages.cpu()[starts] + 1  # (R,)
    goes_on = torch.arange(int(lengths.max())).unsqueeze(1) < lengths  # (L, R)
    time, row = goes_on.nonzero(as_tuple=True)
    return (starts[row] + time).to(batch.ages.device), goes_on.sum(1)
