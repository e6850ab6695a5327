"""Which interactions are learnt from, which pick the best weights, and which are the test."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.ordering import Rows, count_codes
from seqrec_cli.core.data.pieces import chosen
from seqrec_cli.core.data.reading.units import parse_moment, show_moment
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.errors import InputError

Split = Literal["leave-one-out", "time", "sessions"]
Parts = NDArray[np.uint8]  # (rows,), a number into PARTS
Sizes = NDArray[np.int64]  # (PARTS, users), how many interactions each part has of each user
TRAIN, VALID, TEST = range(3)


def leave_one_out(offsets: NDArray[np.int64], shortest: int) -> tuple[Parts, dict[str, Any]]:
    """The last of each user is the test, the one before picks the weights; histories shorter than
    `shortest`, which is 3 or more, are learnt from as they are."""
    parts = np.full(offsets[-1], TRAIN, np.uint8)
    last = offsets[1:][np.diff(offsets) >= shortest] - 1
    parts[last - 1], parts[last] = VALID, TEST
    return parts, {"kind": "leave-one-out", "min_split_length": shortest}


def by_files(parts: NDArray[np.int8]) -> tuple[Parts, dict[str, Any]]:
    """The parts that the files are split into already."""
    return parts.astype(np.uint8), {"kind": "files"}


def by_time(
    times: NDArray[np.int64] | None, valid_from: str, test_from: str, unit: str
) -> tuple[Parts, dict[str, Any]]:
    """What happened from one moment on picks the weights, from a later one on is the test.

    A moment is a number or ISO 8601; without them, 80 % and 90 % of the log come before.

    Raises:
        InputError: no times, or no such moments.
    """
    if times is None:
        raise InputError(
            "a split by time needs times, and this log has none",
            "name their column, `--columns user=…,item=…,time=…`, or use leave-one-out",
        )
    valid, test = moments(times, valid_from, test_from, unit)
    parts = (times >= valid).astype(np.uint8)
    parts += times >= test
    return parts, {"kind": "time", "valid_from": valid, "test_from": test}


def moments(
    times: NDArray[np.int64], valid_from: str, test_from: str, unit: str
) -> tuple[int, int]:
    """When the valid and the test part begin: as said, else after 80 % and 90 % of `times`.

    Raises:
        InputError: no such moments, or the later first.
    """
    if not (valid_from and test_from):
        places = [int(0.8 * len(times)), int(0.9 * len(times))]
        early, late = np.partition(times, places)[places]
    newest = int(times.max())
    valid = parse_moment(valid_from, unit, newest) if valid_from else int(early)
    test = parse_moment(test_from, unit, newest) if test_from else int(late)
    if valid > test:
        raise InputError(
            f"the valid part begins at {show_moment(valid, unit)}, "
            f"after the test part at {show_moment(test, unit)}",
            "give --valid-from and --test-from, the earlier first",
        )
    return valid, test


def sizes_of(parts: Parts, rows: Rows, offsets: NDArray[np.int64]) -> Sizes:
    """How many interactions each part has of each user; the rows of user u are `offsets[u]` to
    `offsets[u + 1]`."""
    # The train part, which is most of a log, is what the others leave.
    sizes = np.tile(np.diff(offsets), (len(PARTS), 1))
    for number in (VALID, TEST):
        sizes[number] = count_codes(chosen(rows.users, parts == number), sizes.shape[1])
        sizes[TRAIN] -= sizes[number]
    return sizes


def count_parts(sizes: Sizes) -> dict[str, dict[str, int]]:
    """For each part, how many interactions it has, and how many users have some."""
    return {
        str(part): {"users": int(np.count_nonzero(own)), "interactions": int(own.sum())}
        for part, own in zip(PARTS, sizes, strict=True)
    }


def refuse_without_histories(split: Mapping[str, Any], sizes: Sizes, path: str) -> dict[str, int]:
    """How many users of each held-out part have something before it; refuse a part of none.

    Raises:
        InputError: nobody could be evaluated.
    """
    there = sizes > 0
    known = there[TRAIN]
    asked = {}
    for number, part in ((VALID, "valid"), (TEST, "test")):
        asked[part] = int(np.count_nonzero(there[number] & known))
        known |= there[number]
        if not asked[part]:
            raise InputError(
                f"no user in the {part} part of `{path}` did anything before it, so nobody could "
                "be evaluated",
                "where users are sessions, split by whole sessions: `--split sessions`"
                if split["kind"] == "time"
                else "name files of the same users, or split the log here: leave out --test",
            )
    return asked


def refuse_empty_parts(split: Mapping[str, Any], rows: Rows, unit: str, path: str) -> None:
    """Nothing can be learnt, chosen or tested with an empty part."""
    empty = [part for part in PARTS if not split[part]["interactions"]]
    if not empty:
        return
    if split["kind"] == "files":
        raise InputError(
            f"the {' and the '.join(empty)} part of `{path}` is empty",
            "name a file for each part: `--train FILE --valid FILE --test FILE`",
        )
    if rows.times is None or split["kind"] == "leave-one-out":
        raise InputError(
            f"no user of `{path}` has {split['min_split_length']} interactions, "
            "so there is nothing to validate or test on",
            "bring longer histories"
            + (", or try `--split time`" if rows.times is not None else ""),
        )
    if split.get("whole_sessions"):
        raise InputError(
            f"the {' and the '.join(empty)} part would be empty: no session of `{path}` there has "
            "two items that the train part knows",
            "bring a longer log, or give other --valid-from and --test-from",
        )
    first, last = (
        show_moment(int(moment), unit) for moment in (rows.times.min(), rows.times.max())
    )
    raise InputError(
        f"the {' and the '.join(empty)} part would be empty: `{path}` goes from {first} to {last}",
        "give --valid-from and --test-from between these",
    )
