"""The rows of a range of users, put in order and split: one shard of a dataset.

It needs nothing of other users, so that any process may do it, and all ranges together are what
`preparation.prepare` makes of the whole log, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.manifest import describe_counts
from seqrec_cli.core.data.ordering import Rows, count_codes, to_offsets
from seqrec_cli.core.data.preparation import (
    Preparation,
    assemble,
    count_ties,
    describe_ties,
    tidy,
)
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.data.shards import cut_arrays
from seqrec_cli.core.data.splitting import count_parts, leave_one_out, sizes_of


@dataclass(frozen=True, eq=False)
class RangeFacts:
    """What the manifest of a dataset needs of a range of users.

    Attributes:
        dropped: how many rows were left out, by reason.
        backwards: rows that were out of order.
        tied: rows with the time of the row before, and those of them that are a user's last.
        lengths: int64 (users,), of each history.
        repeats: interactions with an item that the user already has.
        times: int64, the first and the last time; or None.
        parts: of each part, how many users and interactions it has.
        rule: how the rows are ordered.
    """

    dropped: dict[str, int]
    backwards: int
    tied: tuple[int, int]
    lengths: NDArray[np.int64]
    repeats: int
    times: NDArray[np.int64] | None
    parts: dict[str, dict[str, int]]
    rule: str

    def order(self) -> dict[str, Any]:
        """How the rows are ordered, for the manifest."""
        if self.times is None:
            return {"rule": self.rule}
        ties = describe_ties(self.tied, int(self.lengths.sum()))
        return {"rule": self.rule, "rows_back_in_time": self.backwards, **ties}

    def histories(self, num_items: int) -> dict[str, Any]:
        """Counts of users, items and interactions, for the manifest."""
        return describe_counts(self.lengths, self.repeats, num_items)


def prepare_range(
    rows: Rows, user_ids: NDArray[Any], item_ids: NDArray[Any], options: Preparation
) -> tuple[dict[str, NDArray[Any]], RangeFacts]:
    """The arrays of a range of users, each of whom has a row, and what is known of them.

    Of `options` what is used is `min_split_length`: one is left out, and nobody is rare.
    """
    users, dropped = len(user_ids), dict[str, int]()
    order = tidy(rows, dropped, options)
    offsets = to_offsets(count_codes(rows.users, users))
    parts, _ = leave_one_out(offsets, options.min_split_length)
    sizes = sizes_of(parts, rows, offsets)
    histories, times = Sequences(offsets, rows.items), rows.times
    facts = RangeFacts(
        dropped=dropped,
        backwards=order.get("rows_back_in_time", 0),
        tied=(0, 0) if times is None else count_ties(rows, offsets),
        lengths=histories.lengths,
        repeats=histories.count_repeats(),
        times=None if times is None else np.array([times.min(), times.max()]),
        parts=count_parts(sizes),
        rule=order["rule"],
    )
    dataset = assemble("", rows, parts, sizes, user_ids, item_ids, None, {})
    return cut_arrays(dataset.arrays(), 0, users), facts


def all_facts(ranges: Sequence[RangeFacts]) -> RangeFacts:
    """What is known of all ranges together."""
    first = ranges[0]
    times = None if first.times is None else np.concatenate([each.times for each in ranges])
    return RangeFacts(
        dropped=summed([each.dropped for each in ranges]),
        backwards=sum(each.backwards for each in ranges),
        tied=(sum(each.tied[0] for each in ranges), sum(each.tied[1] for each in ranges)),
        lengths=np.concatenate([each.lengths for each in ranges]),
        repeats=sum(each.repeats for each in ranges),
        times=None if times is None else np.array([times.min(), times.max()]),
        parts={part: summed([each.parts[part] for each in ranges]) for part in first.parts},
        rule=first.rule,
    )


def summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Counts by name, added up."""
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total
