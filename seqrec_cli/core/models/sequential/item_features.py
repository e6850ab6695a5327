"""Features of items - categories, tags, numbers - as vectors of a model's own size.

A category and a tag have a vector each; those of an item's tags are averaged; numbers are
projected. What an item has is the sum (Weston et al., WSABIE, IJCAI 2011; as LightFM has it: Kula,
CBRecSys 2015).

Shapes: D hidden size, N items, R distinct items. Item 0 is padding.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.vocabularies import UNKNOWN, SparseEncoder, TagsEncoder
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.errors import ConfigError


class ItemFeatures(nn.Module):
    """The vectors that items have by their features."""

    dense: Tensor  # float32 (N + 1, F)
    codes: Tensor  # int64 (N + 1, S), of categories

    def __init__(self, hidden: int, features: Features | None) -> None:
        """
        Raises:
            ConfigError: the dataset has no features of items.
        """
        super().__init__()
        if features is None or features.items is None or not features.encoders.side("item").columns:
            raise ConfigError(
                "`model.item_features: true` reads features of items, and the dataset has none",
                "prepare it with `--items-file FILE`, or leave the setting out",
            )
        encoders, rows = features.encoders.side("item"), FeatureTensors.of(features.items)
        # Row 0 is what is unknown: padding has no row.
        sparse, tags = encoders.of(SparseEncoder), encoders.of(TagsEncoder)
        self.sparse = nn.ModuleList(nn.Embedding(c.size - UNKNOWN, hidden) for c in sparse)
        self.tags = nn.ModuleList(nn.Embedding(c.size - UNKNOWN, hidden) for c in tags)
        numbers = len(encoders.of(DenseEncoder))
        self.projection = nn.Linear(numbers, hidden, bias=False) if numbers else None
        # Of the catalogue and not learnt, so not among the weights.
        self.register_buffer("dense", F.pad(rows.dense, (0, 0, 1, 0)), persistent=False)
        codes = F.pad(rows.sparse - UNKNOWN, (0, 0, 1, 0))
        self.register_buffer("codes", codes, persistent=False)
        for number, each in enumerate(rows.tags):
            real = F.pad(each != PAD, (0, 0, 1, 0)).float()
            places = F.pad((each - UNKNOWN).clamp(min=0), (0, 0, 1, 0))
            self.register_buffer(f"places_{number}", places, persistent=False)
            shares = real / real.sum(1, keepdim=True).clamp(min=1)
            self.register_buffer(f"shares_{number}", shares, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """The vectors (R, D) of items (R,); 0 for padding."""
        found = torch.zeros((), device=ids.device)
        if self.projection is not None:
            found = found + self.projection(self.dense[ids])
        for table, codes in zip(self.sparse, self.codes[ids].unbind(1), strict=True):
            found = found + table(codes)
        for number, table in enumerate(self.tags):
            places = getattr(self, f"places_{number}")[ids]
            shares = getattr(self, f"shares_{number}")[ids]
            # Not the mean of all vectors at once: they would fill memory, mostly with padding.
            assert isinstance(table, nn.Embedding)
            bags = F.embedding_bag(places, table.weight, mode="sum", per_sample_weights=shares)
            found = found + bags
        return found * (ids != PAD).unsqueeze(1)


def values_of_tables(encoders: Encoders) -> dict[str, NDArray[np.str_]]:
    """For each table of features that is made with the encoders of a side its name and values: row
    v + 1 is that of value v, row 0 of what is unknown."""
    columns = {"sparse": encoders.of(SparseEncoder), "tags": encoders.of(TagsEncoder)}
    return {
        f"{kind}.{number}.weight": column.values
        for kind, each in columns.items()
        for number, column in enumerate(each)
    }
