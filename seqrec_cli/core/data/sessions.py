"""A split by whole sessions: later ones are predicted from their own beginnings.

A session lies in the part that its last interaction is in, as GRU4Rec's authors have it. So no
session of the train part goes on after the valid part begins, and a held-out session is in its
part from its first item on: training, which is given no more than the train part, never sees the
beginning of one. What precedes a target is in the target's own part (`SequenceDataset.histories`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.ordering import Rows, count_codes
from seqrec_cli.core.data.splitting import TRAIN, moments
from seqrec_cli.errors import InputError

NEW_ITEM = "held out: an item that no session of the train part has"
SHORT_SESSION = "held out: a session with a single item"


def split_sessions(rows: Rows, valid_from: str, test_from: str, unit: str) -> dict[str, Any]:
    """Put whole sessions into the parts of `rows`, which are by user and time.

    A session belongs to the test part if it ends at `test_from` or later; without moments, 80 %
    and 90 % of the sessions end before the valid and the test part.

    Raises:
        InputError: no times, or no such moments.
    """
    if rows.times is None:
        raise InputError(
            "a split by sessions needs times, and this log has none",
            "name their column, `--columns session=…,item=…,time=…`, or use leave-one-out",
        )
    last = np.append(rows.users[1:] != rows.users[:-1], True)  # bool (rows,)
    ends = rows.times[last]  # (sessions,)
    valid, test = moments(ends, valid_from, test_from, unit)
    parts = (ends >= valid).astype(np.int8) + (ends >= test)
    rows.parts = parts[np.cumsum(last) - last]
    return {"kind": "sessions", "valid_from": valid, "test_from": test}


def are_whole(rows: Rows) -> bool:
    """Whether everybody's rows, which are by user, lie in one part."""
    assert rows.parts is not None
    same = rows.users[1:] == rows.users[:-1]
    return not (rows.parts[1:] != rows.parts[:-1])[same].any()


def new_items(rows: Rows) -> NDArray[np.bool_]:
    """Which rows are held out and of items that the train part does not have, bool (rows,)."""
    assert rows.parts is not None
    learnt = rows.parts == TRAIN
    counts = count_codes(rows.items[learnt], int(rows.items.max(initial=0)) + 1)
    new: NDArray[np.bool_] = ~learnt & (counts == 0)[rows.items]
    return new


def short_sessions(rows: Rows) -> NDArray[np.bool_]:
    """Which rows are held out and alone in their session, bool (rows,)."""
    assert rows.parts is not None
    counts = count_codes(rows.users, int(rows.users.max(initial=0)) + 1)
    short: NDArray[np.bool_] = (rows.parts != TRAIN) & (counts == 1)[rows.users]
    return short
