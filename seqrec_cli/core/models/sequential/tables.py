"""What models that have a row an item share: their tables, and how they score."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.lookup import look_up


def item_table(num_items: int, hidden: int) -> nn.Embedding:
    """A table (N + 1, D) with a row of zeros for padding."""
    return nn.Embedding(num_items + 1, hidden, padding_idx=PAD)


class ItemTables(nn.Module):
    """A model that reads items from one table and scores them against the same one, or another.

    Attributes:
        items: the table that is read, (N + 1, D).
        outputs: the table that scores are taken against; None: the same.
        biases: what is added to the score of each item, (N + 1, 1); None: nothing. Then the last
            number of every state is 1.
    """

    items: nn.Embedding
    outputs: nn.Embedding | None
    biases: nn.Embedding | None

    def own_tables(self) -> dict[str, nn.Embedding]:
        """The tables by name."""
        named = {"items": self.items, "outputs": self.outputs, "biases": self.biases}
        return {name: table for name, table in named.items() if table is not None}

    @property
    def barred(self) -> Tensor | None:
        """Rows of `item_vectors` that training must not hold against: padding alone."""
        return None

    @property
    def tables(self) -> set[str]:
        """The names of the parameters that have a row an item."""
        return {f"{name}.weight" for name in self.own_tables()}

    def sparse_gradients(self) -> None:
        """From now on give gradients of the item tables for the rows in use alone."""
        for table in self.own_tables().values():
            table.sparse = True

    def item_vectors(self, ids: Tensor | None = None, noise: Noise | None = None) -> Tensor:
        """What states are multiplied with: for ids (...) (..., D); given none, (N + 1, D)."""
        table = self.items if self.outputs is None else self.outputs
        vectors = table.weight if ids is None else look_up(table, ids)
        if self.biases is None:
            return vectors
        biases = self.biases.weight if ids is None else look_up(self.biases, ids)
        return torch.cat((vectors, biases), dim=-1)

    def score(
        self, states: Tensor, candidates: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """Score candidates (..., K) for states (..., D); given none, every id 0 to N."""
        if candidates is None:
            return F.linear(states, self.item_vectors(None, noise))  # (..., N + 1)
        columns = (self.item_vectors(ids, noise) for ids in candidates.unbind(-1))
        return torch.stack([(column * states).sum(-1) for column in columns], dim=-1)
