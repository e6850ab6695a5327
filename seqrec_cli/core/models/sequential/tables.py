"""What models with a table of items share: their tables, and how they score."""

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.content import Content, ContentSettings
from seqrec_cli.core.models.sequential.item_features import values_of_tables
from seqrec_cli.core.models.shards import item_embedding


def item_table(num_items: int, hidden: int) -> nn.Embedding:
    """A table (N + 1, D) with a row of zeros for padding, or the share of it (`shards.py`)."""
    return item_embedding(num_items + 1, hidden, PAD)


def make_content(
    hidden: int, settings: ContentSettings, features: Features | None
) -> Content | None:
    """The vectors from elsewhere that the settings ask for; None if they ask for none."""
    return Content(hidden, settings, features) if settings.needs_features else None


class ItemTables(nn.Module):
    """A model that reads items from one table and scores them against the same one, or another.

    Attributes:
        items: the input table, (N + 1, D).
        outputs: the output table, which states are scored against; None: the input table.
        biases: added to the score of each item, (N + 1, 1); None: nothing. With biases, the last
            component of every state is 1.
        content: vectors from elsewhere, added to the rows of both tables; None: nothing.
    """

    items: nn.Embedding
    outputs: nn.Embedding | None
    biases: nn.Embedding | None
    content: Content | None

    @classmethod
    def create(
        cls,
        num_items: int,
        settings: Any,
        generator: torch.Generator | None,
        features: Features | None,
    ) -> Self:
        """Make the model, with fresh weights drawn from `generator`."""
        return cls(num_items, settings, generator, features)

    def own_tables(self) -> dict[str, nn.Embedding]:
        """The tables by name."""
        tuned = None if self.content is None else self.content.table
        named = {"items": self.items, "outputs": self.outputs, "biases": self.biases}
        named["content.table"] = tuned
        return {name: table for name, table in named.items() if table is not None}

    @property
    def excluded_items(self) -> Tensor | None:
        """Rows of `item_vectors` never used as negatives: padding; with content, those that are not
        trained on too, which are never a target."""
        if self.content is None:
            return None
        return (~self.content.trained).nonzero().squeeze(1)

    @property
    def tables(self) -> set[str]:
        """The names of the parameters with a row an item."""
        return {f"{name}.weight" for name in self.own_tables()}

    def values_of_tables(self, encoders: Encoders) -> dict[str, NDArray[np.str_]]:
        """For each table of features its name and values: row v + 1 is that of value v, row 0 of
        what is unknown."""
        if self.content is None or self.content.features is None:
            return {}
        found = values_of_tables(encoders.side("item"))
        return {f"content.features.{name}": values for name, values in found.items()}

    def sparse_gradients(self) -> None:
        """From now on give the tables sparse gradients, for the rows in use alone."""
        for table in self.own_tables().values():
            table.sparse = True

    def rows_of_items(self, table: nn.Embedding, ids: Tensor | None, noise: Noise | None) -> Tensor:
        """The rows of a table for ids (...), or all of them, with content if there is any."""
        if self.content is None:
            return table.weight if ids is None else table(ids)
        if ids is None:
            ids = torch.arange(table.num_embeddings, device=table.weight.device)
        own: Tensor = table(self.content.own_ids(ids, noise))
        return own + self.content(ids)  # type: ignore[no-any-return]

    def read_items(self, ids: Tensor, noise: Noise | None = None) -> Tensor:
        """What histories are read as, for ids (...): (..., D)."""
        return self.rows_of_items(self.items, ids, noise)

    def item_vectors(self, ids: Tensor | None = None, noise: Noise | None = None) -> Tensor:
        """The vectors that states are multiplied with: (..., D) for ids (...), else (N + 1, D)."""
        table = self.items if self.outputs is None else self.outputs
        vectors = self.rows_of_items(table, ids, noise)
        if self.biases is None:
            return vectors
        biases = self.biases.weight if ids is None else self.biases(ids)
        return torch.cat((vectors, biases), dim=-1)

    def score(
        self, states: Tensor, candidates: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """Score candidates (..., K) for states (..., D); given none, every id 0 to N."""
        if candidates is None:
            return F.linear(states, self.item_vectors(None, noise))  # (..., N + 1)
        columns = (self.item_vectors(ids, noise) for ids in candidates.unbind(-1))
        return torch.stack([(column * states).sum(-1) for column in columns], dim=-1)
