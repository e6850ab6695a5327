"""Whether items of a user's history may be recommended: settled once, when a training begins.

The run keeps what was settled, and means the same by it wherever it is used.

Excluding seen items makes every repeat a miss, whatever the model: with a share s of repeats no
figure can pass 1 - s. Including them gives places of the list to items that nobody takes again: on
data without repeats that costs counts of transitions 3 % (Amazon Beauty) to 17 % (ml-1m) of their
NDCG@10. So a tenth is about where the two cost the same.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.evaluation.ranks import in_history
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import NextItemExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Seen
from seqrec_cli.errors import DatasetError

AnyNextItem = TypeVar("AnyNextItem", Experiment, FittedExperiment)

MANY_REPEATS = 0.1  # share of the train part from which on `auto` is `include`
MANY_MISSED = 0.1  # share of the targets that is worth a note


@dataclass(frozen=True)
class SettledSeen:
    """What `training.seen` came to.

    Attributes:
        seen: the meaning.
        repeat_share: of the train part's interactions, where that decided; else None.
    """

    seen: Seen
    repeat_share: float | None = None

    @property
    def reason(self) -> str:
        """The meaning and why, for people; "" where the experiment said it."""
        if self.repeat_share is None:
            return ""
        return (
            f"seen items are {self.seen}d (training.seen: auto): {self.repeat_share:.1%} of the "
            "interactions to learn from are with an item that the user already had"
        )

    def put_into(self, experiment: AnyNextItem) -> AnyNextItem:
        """The experiment with the meaning in it."""
        training = experiment.training.model_copy(update={"seen": self.seen})
        return experiment.model_copy(update={"training": training})


def settle_seen(experiment: NextItemExperiment, data: SequenceDataset) -> SettledSeen:
    """What `training.seen` means for this data: `auto` follows the share of repeats in train."""
    wanted = experiment.training.seen
    if wanted != "auto":
        return SettledSeen(wanted)
    share = data.train.repeat_share
    return SettledSeen("include" if share >= MANY_REPEATS else "exclude", share)


def check_reachable(data: SequenceDataset, seen: Seen) -> str:
    """Refuse a validation that is 0 whatever the model does; a note where much of it is.

    Raises:
        DatasetError: every target is a seen item, and these are excluded.
    """
    if seen == "include":
        return ""
    asked = queries(data, "valid")
    missed = int(np.count_nonzero(in_history(asked, data.num_items)))
    total = len(asked.targets.items)
    if missed == total:
        raise DatasetError(
            f"every item to predict in the valid part of `{data.name}` is in the user's history "
            "already, so with `training.seen: exclude` nothing can be found",
            "train with `--set training.seen=include`",
        )
    if missed <= MANY_MISSED * total:
        return ""
    return (
        f"{missed:,} of {total:,} items to predict in the valid part are in the user's history "
        "already and count as missed; `--set training.seen=include` lets them be found"
    )
