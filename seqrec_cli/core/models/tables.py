"""What models that have a row an item share: their tables, and how they score."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.dataset import PAD
from seqrec_cli.core.models.layers import look_up
from seqrec_cli.core.randomness import Noise


def item_table(num_items: int, hidden: int) -> nn.Embedding:
    """A table (N + 1, D) with a row of zeros for padding."""
    return nn.Embedding(num_items + 1, hidden, padding_idx=PAD)


class ItemTables(nn.Module):
    """A model that reads items from one table and scores them against the same one, or another.

    Attributes:
        items: the table that is read, (N + 1, D).
        outputs: the table that scores are taken against; None: the same.
    """

    items: nn.Embedding
    outputs: nn.Embedding | None

    @property
    def tables(self) -> set[str]:
        """The names of the parameters that have a row an item."""
        return {"items.weight"} if self.outputs is None else {"items.weight", "outputs.weight"}

    def sparse_gradients(self) -> None:
        """From now on give gradients of the item tables for the rows in use alone."""
        for table in (self.items, self.outputs):
            if table is not None:
                table.sparse = True

    def item_vectors(self, ids: Tensor | None = None, noise: Noise | None = None) -> Tensor:
        """What states are multiplied with: for ids (...) (..., D); given none, (N + 1, D)."""
        table = self.items if self.outputs is None else self.outputs
        return table.weight if ids is None else look_up(table, ids)

    def score(
        self, states: Tensor, candidates: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """Score candidates (..., K) for states (..., D); given none, every id 0 to N."""
        if candidates is None:
            return F.linear(states, self.item_vectors(None, noise))  # (..., N + 1)
        columns = (self.item_vectors(ids, noise) for ids in candidates.unbind(-1))
        return torch.stack([(column * states).sum(-1) for column in columns], dim=-1)
