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

from seqrec_cli.core.batching.ranking import Sizes
from seqrec_cli.core.data.ranking.dataset import from_told
from seqrec_cli.core.data.ranking.encoders import Encoders, Facts, Side
from seqrec_cli.core.models.ranking.registry import build_ranker
from seqrec_cli.core.runs.run import RANKED, Run
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.errors import RunError


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
    sides: Mapping[Side, Facts]
    looked: NDArray[np.int32]
    learnt: NDArray[np.bool_]
    examples: Mapping[str, Any]

    @classmethod
    def load(cls, run: Run, device: torch.device) -> "Ranker":
        """The model of a run with its best weights.

        Raises:
            RunError: it is no ranking run, has no best weights, or is damaged.
        """
        experiment, path = run.ranking_experiment(), run.path / RANKED
        arrays = load_arrays(path)
        try:
            encoders, user_ids, item_ids, sides = from_told(arrays)
            looked = np.stack((arrays["looked_users"], arrays["looked_items"]), axis=1)
            most = np.array([len(user_ids), len(item_ids)])
            if looked.dtype != np.int32 or (looked < 0).any() or (looked >= most).any():
                raise ValueError("it looked at users or items that there are not")
            learnt = arrays["looked_to_learn"]
            if learnt.dtype != np.bool_ or learnt.shape != looked.shape[:1]:
                raise ValueError("it is not known what it learnt from")
        except (KeyError, ValueError) as error:
            raise RunError(
                f"`{path}` is not what this run reads: {error}", "train again"
            ) from error
        sizes = Sizes.of(encoders)
        model = run.load_best(lambda: build_ranker(experiment.model, sizes))
        examples = run.manifest().get("examples", {})
        return cls(
            str(run.path),
            model.to(device),
            device,
            encoders,
            user_ids,
            item_ids,
            sides,
            looked,
            learnt,
            examples,
        )
