"""A base for ordinary torch modules that rank: a `forward` of rows is all that they need.

A subclass has a `settings_class`, is made by `MyModel(sizes, settings, generator)`, and may ignore
the generator: what its layers draw from torch's own follows from the seed.

Shapes: B rows.
"""

from torch import Tensor, nn

from seqrec_cli.core.batching.ranking import RankingBatch
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.randomness import seeded


class PlainRankingModel(nn.Module):
    """A ranking model whose subclass has `forward(batch) -> logits (B,)`."""

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and no other loss."""
        with seeded(None if noise is None else noise.seed()):
            return self(batch), None
