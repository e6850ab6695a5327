"""A base for ordinary torch modules: a `forward` of padded histories is all that they need.

    class MyModel(PlainSequenceModel):
        settings_class = MySettings

        def __init__(self, num_items: int, settings: MySettings) -> None:
            super().__init__()
            self.max_length = settings.max_length
            self.items = nn.Embedding(num_items + 1, settings.hidden, padding_idx=0)
            ...

        def forward(self, history: Tensor) -> Tensor:  # (B, L) -> (B, L, D)
            ...

Such a model may have nn.Dropout, nn.BatchNorm1d and anything else that knows `train()` and
`eval()`. What it draws from torch's own generator, when it is made and in training, follows from
the seed. Its batches are computed whole and on one core: batch statistics are those of the batch.

Shapes: B histories, L positions, T slots (see packing.py), D hidden size, N items. Item 0 is
padding, on the left.
"""

from typing import Any, Self

import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import CostModel, Packed
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.tables import ItemTables
from seqrec_cli.core.randomness import seeded


class PlainSequenceModel(ItemTables):
    """A sequence model whose subclass has `forward(history (B, L)) -> states (B, L, D)`.

    A subclass sets `items`, the table (N + 1, D) that states are scored against, and `max_length`;
    and, if it wants to score against another table, `outputs`.
    """

    max_length: int

    def __init__(self) -> None:
        super().__init__()
        self.outputs = None
        self.biases = None
        self.content = None
        self.cost = CostModel(whole=True)

    @classmethod
    def create(
        cls,
        num_items: int,
        settings: Any,
        generator: torch.Generator | None,
        features: Features | None,
    ) -> Self:
        """Make the model; what its layers draw for themselves follows from the seed too."""
        return cls(num_items, settings)  # type: ignore[call-arg]

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to states (T, D); those of padding mean nothing."""
        history, columns = padded(batch)
        with seeded(None if noise is None else noise.seed()):
            states: Tensor = self(history)  # (B, L, D)
        return states[batch.rows, columns]


def padded(batch: Packed) -> tuple[Tensor, Tensor]:
    """Histories (B, L) with padding on the left, and the column of each slot, int64 (T,)."""
    longest = max(length for _, length in batch.blocks)
    columns = longest - 1 - batch.ages
    real = (batch.items != PAD).nonzero().squeeze(1)
    history = batch.items.new_full((int(batch.rows[-1]) + 1, longest), PAD)
    history[batch.rows[real], columns[real]] = batch.items[real]
    return history, columns
