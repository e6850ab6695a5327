"""Encoded features as tensors."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.features.encoded import EncodedFeatures


@dataclass(frozen=True, eq=False)
class FeatureTensors:
    """Encoded features as tensors, R rows; see `EncodedFeatures`.

    Attributes:
        dense: float32 (R, F).
        sparse: int64 (R, S), codes from UNKNOWN.
        tags: for each column of tags int64 (R, M), codes from UNKNOWN, and then PAD.
    """

    dense: Tensor
    sparse: Tensor
    tags: tuple[Tensor, ...]

    @classmethod
    def of(cls, features: EncodedFeatures) -> "FeatureTensors":
        """All rows of a table."""
        # Copied: torch warns of arrays that are read-only, as those of a file are.
        dense, sparse, *tags = (
            torch.from_numpy(np.array(array))
            for array in (features.dense, features.sparse, *features.tags)
        )
        return cls(dense, sparse.long(), tuple(codes.long() for codes in tags))

    def take(self, rows: Tensor) -> "FeatureTensors":
        """Some of the rows."""
        tags = tuple(codes[rows] for codes in self.tags)
        return FeatureTensors(self.dense[rows], self.sparse[rows], tags)

    def to(self, device: torch.device) -> "FeatureTensors":
        tags = tuple(codes.to(device) for codes in self.tags)
        return FeatureTensors(self.dense.to(device), self.sparse.to(device), tags)


def rows_as_tensors(
    features: EncodedFeatures | None, rows: NDArray[np.int64]
) -> FeatureTensors | None:
    """Some rows of a table; None without one."""
    return None if features is None else FeatureTensors.of(features.take(rows))
