"""A trained ranking model with everything needed to make rows for it: the second of two stages.

A retrieval model finds candidates for a history; the ranker orders them. Users and items that the
ranker does not know have the code of the unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Side
from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.features.encoders import Encoders


@dataclass(frozen=True, eq=False)
class Ranker:
    """A ranking model with its best weights.

    Attributes:
        path: the run, as the user named it.
        user_ids, item_ids: the ids of the source.
        sides: features of the users and of the items, in the last row those of an unknown one;
            empty if the ranker was trained on rows of a table.
        training_pairs: int32 (pairs, 2), user and item of each row that training used.
        learned: bool (pairs,), whether the pair was learned from; the others only picked the best
            weights.
        examples: the options that the rows were made with.
    """

    path: str
    model: Any
    device: torch.device
    encoders: Encoders
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    sides: Mapping[Side, EncodedFeatures]
    training_pairs: NDArray[np.int32]
    learned: NDArray[np.bool_]
    examples: Mapping[str, Any]
