"""What a continued run has lost on the users whom the run before it knew.

Both are asked the same: about the valid part of the newer dataset, of users whom the older one has,
and about targets that the older run knows. Each ranks them in its own catalogue, as it would answer
now: the run before by its best weights of then, from the histories as they are now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.identity import positions
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.comparison import Difference, compare
from seqrec_cli.core.evaluation.queries import Queries, queries
from seqrec_cli.core.evaluation.sequential import Evaluation, metrics_of, rank_targets
from seqrec_cli.core.inference.scoring import Seen
from seqrec_cli.core.runs.learned import unlearned
from seqrec_cli.core.runs.loading import agreed_seen, catalogue_of, load_scorer
from seqrec_cli.core.runs.ruling import Wanted, make_rules
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage import files
from seqrec_cli.errors import DatasetError, RunError

OLD_USERS = "old_users.json"
METRICS, K = ("ndcg", "hr"), 10
NOW, BEFORE = "now", "before"


@dataclass(frozen=True, eq=False)
class OldUsers:
    """A continued run beside the one before it, on the users whom that one knew.

    Attributes:
        before: the folder of the run before.
        data: the name of the newer dataset.
        users: how many are asked about.
        skipped: those who are not, by reason.
        figures: by metric, the mean before and now.
        differences: now minus before, one of each metric.
    """

    before: str
    data: str
    users: int
    skipped: dict[str, int]
    figures: dict[str, tuple[float, float]]
    differences: Sequence[Difference]

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return {
            "before": self.before,
            "data": self.data,
            "split": "valid",
            "users": self.users,
            "skipped": self.skipped,
            "figures": {
                each.metric: {
                    "before": self.figures[each.metric][0],
                    "now": self.figures[each.metric][1],
                    "difference": each.mean,
                    "low": each.low,
                    "high": each.high,
                    "p": each.p,
                }
                for each in self.differences
            },
        }


def measure_old_users(
    run: Run, newer: SequenceDataset, data_dir: Path, device: torch.device
) -> OldUsers | str:
    """Ask a continued run and the one before it about the users of both, and keep it in the run.

    Args:
        newer: the dataset that `run` was continued on.

    Returns:
        What was found; or in words why nothing can be said.
    """
    origin = run.manifest()["continued_from"]
    try:
        before = Run.open(Path(origin["run"]))
        older = SequenceDataset.load(before.find_data(None, data_dir))
        before.check_data(older)
    except (RunError, DatasetError) as error:
        return error.message
    if run.experiment().model.reads_users:
        return "the model reads features, whose codes belong to one preparation"
    if run.experiment().reads_time:
        newer = newer.timed()
    asked, skipped = asked_of_old_users(before, older, newer)
    if not len(asked[NOW].users):
        return "no user of both datasets can be asked about an item that the run before knows"
    seen, seed = agreed_seen([run], None), run.experiment().seed
    found = {
        name: evaluation_of(each, asked[name], seen, device)
        for name, each in ((NOW, run), (BEFORE, before))
    }
    differences = compare(found, {}, list(found[NOW].per_user), seed)
    means = {name: outcome.means() for name, outcome in found.items()}
    figures = {m: (means[BEFORE][m], means[NOW][m]) for m in found[NOW].per_user}
    users = len(asked[NOW].users)
    result = OldUsers(str(before.path), newer.name, users, skipped, figures, differences)
    files.write_json(run.path / OLD_USERS, result.plain())
    return result


def asked_of_old_users(
    before: Run, older: SequenceDataset, newer: SequenceDataset
) -> tuple[dict[str, Queries], dict[str, int]]:
    """What each run is asked, in the numbers of its own items, and who is left out, by reason."""
    asked = queries(newer, "valid")
    known = positions(newer.user_ids[asked.users], older.user_ids) >= 0
    own = np.append(0, positions(newer.item_ids, catalogue_of(before).item_ids) + 1)  # 0: unknown
    # What it has learned nothing of it would never list.
    listed = np.where(np.append(False, unlearned(before))[own], 0, own)
    targets, histories = in_numbers_of(asked.targets, listed), in_numbers_of(asked.histories, own)
    has_target, has_history = targets.lengths > 0, histories.lengths > 0
    rows = np.flatnonzero(known & has_target & has_history)
    skipped = {
        **asked.skipped,
        "not in the dataset of the run before": int((~known).sum()),
        "no target that the run before knows": int((known & ~has_target).sum()),
        "no item that the run before knows": int((known & has_target & ~has_history).sum()),
    }
    same = only_known(asked.targets, listed).take(rows)
    users = asked.users[rows]
    return {
        NOW: Queries(users, asked.histories.take(rows), same, 0, {}),
        BEFORE: Queries(users, histories.take(rows), targets.take(rows), 0, {}),
    }, {reason: count for reason, count in skipped.items() if count}


def only_known(sequences: Sequences, own: NDArray[np.int64]) -> Sequences:
    """The items of sequences that have a number in `own` (N + 1,), as they are numbered."""
    return sequences.where(own[sequences.items] > 0)


def in_numbers_of(sequences: Sequences, own: NDArray[np.int64]) -> Sequences:
    """The same items, by their numbers in `own` (N + 1,)."""
    kept = only_known(sequences, own)
    return replace(kept, items=own[kept.items].astype(np.int32))


def evaluation_of(run: Run, asked: Queries, seen: Seen, device: torch.device) -> Evaluation:
    """Each user's figures, of the best weights of a run in its own catalogue."""
    scorer, rules = load_scorer(run, device, final=False), make_rules(run, Wanted()).rules
    longest = min(K, scorer.num_items)
    ranks, _ = rank_targets(scorer, asked, longest, seen, 0, False, False, None, rules)
    values = metrics_of(ranks, asked, METRICS, [K], sampled=False)
    return Evaluation(asked.users, values, None)
