"""Whether items of a user's history may be recommended: decided once, when a training begins.

The run stores the decision, and every command that uses the run follows it.

If seen items are excluded, no model can hit a repeated item: with a share s of repeats no metric
exceeds 1 - s. If they are included, they take places in the list, although without repeats nobody
chooses them again: this lowers the NDCG@10 of transition counts by 3 % (Amazon Beauty) to 17 %
(ml-1m). At a tenth of repeats the two lose about the same.
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

MANY_REPEATS = 0.1  # share of the train part's interactions at which `auto` becomes `include`
MANY_MISSED = 0.1  # share of the targets above which the user is warned


@dataclass(frozen=True)
class SettledSeen:
    """The value of `training.seen`, with `auto` resolved.

    Attributes:
        seen: exclude or include.
        repeat_share: the share of repeats in the train part, if `auto` was resolved by it; or None.
    """

    seen: Seen
    repeat_share: float | None = None

    @property
    def reason(self) -> str:
        """A sentence with the value and the reason; "" if the experiment sets the value."""
        if self.repeat_share is None:
            return ""
        return (
            f"seen items are {self.seen}d (training.seen: auto): {self.repeat_share:.1%} of the "
            "training interactions repeat an item of the user's history"
        )

    def put_into(self, experiment: AnyNextItem) -> AnyNextItem:
        """The experiment with this value of `training.seen`."""
        training = experiment.training.model_copy(update={"seen": self.seen})
        return experiment.model_copy(update={"training": training})


def settle_seen(experiment: NextItemExperiment, data: SequenceDataset) -> SettledSeen:
    """Resolve `training.seen` for a dataset: `auto` follows the share of repeats in train."""
    asked = experiment.training.seen
    if asked != "auto":
        return SettledSeen(asked)
    share = data.train.repeat_share
    return SettledSeen("include" if share >= MANY_REPEATS else "exclude", share)


def check_reachable(data: SequenceDataset, seen: Seen) -> str:
    """Check that the targets of the valid part can be recommended at all.

    Returns:
        a warning if many of them cannot, because seen items are excluded; else "".

    Raises:
        DatasetError: none of them can.
    """
    if seen == "include":
        return ""
    asked = queries(data, "valid")
    missed = int(np.count_nonzero(in_history(asked, data.num_items)))
    total = len(asked.targets.items)
    if missed == total:
        raise DatasetError(
            f"every target in the valid part of `{data.name}` is in the user's history already, "
            "so with `training.seen: exclude` every metric would be 0",
            "train with `--set training.seen=include`",
        )
    if missed <= MANY_MISSED * total:
        return ""
    return (
        f"{missed:,} of {total:,} targets in the valid part are in the user's history already and "
        "count as missed; to recommend seen items use `--set training.seen=include`"
    )
