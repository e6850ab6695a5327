"""A trained ranking model with what it takes to make rows for it: the second of two stages.

A retrieval model finds candidates for a history, the ranker orders them. Whoever and whatever the
ranker does not know is told by the code for that, which is ordinary input.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.reading.sheets import Side


@dataclass(frozen=True, eq=False)
class Ranker:
    """A ranking model with its best weights.

    Attributes:
        path: the run, as the user knows it.
        user_ids, item_ids: of those it has features of.
        sides: their features, and in the last row those of whoever is unknown; empty where the
            rows that it was trained on were not made of a log.
        looked: int32 (pairs, 2), the users and items of the rows that training looked at.
        learnt: bool (pairs,), whether it learnt from them, or only picked the best weights by them.
        examples: how those rows were made.
    """

    path: str
    model: Any
    device: torch.device
    encoders: Encoders
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    sides: Mapping[Side, EncodedFeatures]
    looked: NDArray[np.int32]
    learnt: NDArray[np.bool_]
    examples: Mapping[str, Any]
