"""Interactions to a prepared dataset: order, exact duplicates, filters, split; and the manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli import __version__
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.enrichment import (
    with_features,
    with_item_table,
    with_item_vectors,
    with_new_items,
)
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.identity import marks_of
from seqrec_cli.core.data.interactions import Interactions, Origin
from seqrec_cli.core.data.manifest import describe_histories, describe_origin, time_range
from seqrec_cli.core.data.ordering import (
    Rows,
    count_codes,
    exact_duplicates,
    order_rows,
    ties,
    to_offsets,
)
from seqrec_cli.core.data.pieces import chosen
from seqrec_cli.core.data.sequences import PARTS, Sequences
from seqrec_cli.core.data.sessions import (
    NEW_ITEM,
    SHORT_SESSION,
    are_whole,
    new_items,
    short_sessions,
    split_sessions,
)
from seqrec_cli.core.data.shuffling import Shuffle, shuffled
from seqrec_cli.core.data.splitting import (
    Parts,
    Sizes,
    Split,
    by_files,
    by_time,
    count_parts,
    leave_one_out,
    refuse_empty_parts,
    refuse_without_histories,
    sizes_of,
)
from seqrec_cli.errors import InputError

EXACT_DUPLICATE = "exact duplicate: user, item and time of an earlier row"
RARE_ITEM, RARE_USER = "rare item", "rare user"


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What to do with a log.

    Attributes:
        min_user_count: users with fewer interactions are left out ...
        min_item_count: ... and items likewise, again and again until none is left.
        split: the last two of each user, what happened after two moments, or the sessions (users)
            that ended after them, whole.
        min_split_length: leave-one-out keeps a shorter history whole for training; 3 or more.
        valid_from: first moment of the valid part: a number or ISO 8601; else 80 % of the log
            is before it.
        test_from: first moment of the test part; else 90 % of the log is before it.
        encoding: how features are encoded.
        new_items: items that have features or a vector, though nobody has them, are in the
            catalogue too.
        shuffle: destroy the order, for comparison; see `shuffling`.
        seed: of the shuffle.
        keep_files: files that are split already stay so, whatever `split` says.
    """

    min_user_count: int = 1
    min_item_count: int = 1
    split: Split = "leave-one-out"
    min_split_length: int = 3
    valid_from: str = ""
    test_from: str = ""
    encoding: Encoding = field(default_factory=Encoding)
    new_items: bool = False
    shuffle: Shuffle | None = None
    seed: int = 0
    keep_files: bool = True


def prepare(interactions: Interactions, options: Preparation, name: str) -> SequenceDataset:
    """Put a log in order, filter it and split it; the manifest of the result describes all of it.

    Large logs: call it as `prepare(read_interactions(path), ...)`, so that nobody else holds the
    columns and each is let go when it is replaced.

    Raises:
        InputError: nothing is left, or a split by time without times.
    """
    origin, titles = interactions.origin, interactions.item_titles
    user_ids, item_ids = interactions.user_ids, interactions.item_ids
    attributes = interactions.user_attributes, interactions.item_attributes
    vectors = interactions.item_vectors
    rows = rows_of_log(interactions)
    del interactions
    dropped = dict(origin.dropped)
    order = tidy(rows, dropped, options)
    whole = put_sessions(rows, dropped, options, origin.time_unit)
    if not (kept := len(rows)):
        raise nothing_left(origin.path, origin.rows_read, dropped)
    assert origin.rows_read == kept + sum(dropped.values()), "rows went missing uncounted"
    refuse_single_item(rows, origin.path)
    rows.users, users = compact(rows.users, len(user_ids))
    rows.items, items = compact(rows.items, len(item_ids))
    offsets = to_offsets(count_codes(rows.users, len(users)))
    if rows.times is not None:
        order |= describe_ties(count_ties(rows, offsets), kept)
    if options.shuffle:
        rows.items = shuffled(offsets, rows.items, options.shuffle, options.seed)
        order["shuffled"] = {"how": options.shuffle, "seed": options.seed}
    parts, sizes, split = split_rows(rows, offsets, options, origin, whole)
    in_log, left_out = item_ids, marks_of(np.delete(user_ids, users))
    user_ids, item_ids = user_ids[users], item_ids[items]
    titles = titles if titles is None else titles[items]
    if options.new_items:
        item_ids, titles = with_new_items(
            item_ids, titles, attributes[1], in_log, origin.path, vectors
        )
    manifest = manifest_of(
        name,
        origin,
        options,
        dropped=dropped,
        histories=describe_histories(Sequences(offsets, rows.items), len(item_ids)),
        new_items=len(item_ids) - len(items),
        order=order,
        times=rows.times,
        split=split,
    )
    dataset = assemble(name, rows, parts, sizes, user_ids, item_ids, titles, manifest)
    dataset = with_item_table(replace(dataset, left_out_users=left_out), attributes[1])
    dataset = with_item_vectors(dataset, vectors)
    return with_features(dataset, *attributes, options.encoding)


def manifest_of(
    name: str,
    origin: Origin,
    options: Preparation,
    *,
    dropped: Mapping[str, int],
    histories: Mapping[str, Any],
    new_items: int,
    order: Mapping[str, Any],
    times: NDArray[np.int64] | None,
    split: Mapping[str, Any],
) -> dict[str, Any]:
    """What the manifest says of a log that was put in order, filtered and split."""
    return {
        "name": name,
        "source": describe_origin(origin),
        "rows_read": origin.rows_read,
        "rows_kept": histories["interactions"],
        "dropped": dict(dropped),
        **histories,
        "items_without_interactions": new_items,
        "filters": {key: getattr(options, key) for key in ("min_user_count", "min_item_count")},
        "order": dict(order),
        "time": time_range(times, origin.time_unit),
        "split": dict(split),
        "seqrec_version": __version__,
    }


def rows_of_log(log: Interactions) -> Rows:
    """The columns that are put in order and filtered."""
    lists = log.origin.findings.lists
    return Rows(log.users, log.items, log.timestamps, log.ratings, log.parts, lists)


def refuse_single_item(rows: Rows, path: str) -> None:
    """Refuse a log of one item."""
    if int(rows.items.min()) == int(rows.items.max()):
        raise InputError(
            f"`{path}` has a single item, so there is nothing to choose between",
            "bring a log of several items; or name the item's column with --columns",
        )


def split_rows(
    rows: Rows,
    offsets: NDArray[np.int64],
    options: Preparation,
    origin: Origin,
    whole: dict[str, Any] | None,
) -> tuple[Parts, Sizes, dict[str, Any]]:
    """The part of each row, how much of each user each part has, and the split for the manifest;
    `whole` is that of whole sessions.

    Raises:
        InputError: a part is empty, or a split by time has no times.
    """
    path, unit = origin.path, origin.time_unit
    if whole is not None:
        assert rows.parts is not None
        parts, split = rows.parts.astype(np.uint8), whole
    elif rows.parts is not None and options.keep_files:
        parts, split = by_files(rows.parts)
    elif options.split == "leave-one-out":
        parts, split = leave_one_out(offsets, options.min_split_length)
    else:
        parts, split = by_time(rows.times, options.valid_from, options.test_from, unit)
    sizes = sizes_of(parts, rows, offsets)
    split |= count_parts(sizes)
    refuse_empty_parts(split, rows, unit, path)
    if split["kind"] != "leave-one-out" and whole is None:
        split |= {"asked": refuse_without_histories(split, sizes, path)}
    return parts, sizes, split


def tidy(rows: Rows, dropped: dict[str, int], options: Preparation) -> dict[str, Any]:
    """Put the rows in order and leave out what is not wanted; describe the order."""
    back = order_rows(rows)
    order: dict[str, Any] = {"rule": "position in the file"}
    if rows.times is not None:
        order = {"rule": "(time, position in the file)", "rows_back_in_time": back}
        drop(rows, dropped, EXACT_DUPLICATE, exact_duplicates(rows))
    drop_rare(rows, dropped, options)
    return order


def put_sessions(
    rows: Rows, dropped: dict[str, int], options: Preparation, unit: str
) -> dict[str, Any] | None:
    """Put whole sessions into parts and leave out of the held-out ones what nothing can predict;
    describe the split. None where sessions are not held out whole.

    Files that are split already, each with users of its own, hold sessions.
    """
    if not len(rows):
        return None
    if rows.parts is not None and options.keep_files:
        if not are_whole(rows):
            return None
        split: dict[str, Any] = {"kind": "files"}
    elif options.split == "sessions":
        split = split_sessions(rows, options.valid_from, options.test_from, unit)
    else:
        return None
    new = np.zeros(len(rows), np.bool_) if options.new_items else new_items(rows)
    count = {"items": len(np.unique(rows.items[new])), "interactions": int(new.sum())}
    drop(rows, dropped, NEW_ITEM, new)
    drop(rows, dropped, SHORT_SESSION, short_sessions(rows))
    return split | {"whole_sessions": True, "new_items": count}


def drop(rows: Rows, dropped: dict[str, int], reason: str, mask: NDArray[np.bool_]) -> bool:
    """Leave out the rows of a mask and count them; say whether there were any."""
    count = int(np.count_nonzero(mask))
    if count:
        dropped[reason] = dropped.get(reason, 0) + count
        rows.take(~mask)
    return count > 0


def drop_rare(rows: Rows, dropped: dict[str, int], options: Preparation) -> None:
    """Leave out rare items, then rare users, until there are none; the order does not matter for
    what stays, only for the reason that a row is counted under."""
    most_items, most_users = options.min_item_count, options.min_user_count
    again = True
    while again and len(rows):
        again = False
        if most_items > 1:
            again |= drop(rows, dropped, RARE_ITEM, rare(rows.items, most_items))
        if most_users > 1 and len(rows):
            again |= drop(rows, dropped, RARE_USER, rare(rows.users, most_users))


def rare(codes: NDArray[np.int32], fewest: int) -> NDArray[np.bool_]:
    """Mask of the rows whose code is on fewer rows than `fewest`."""
    counts = count_codes(codes, int(codes.max()) + 1)
    few = counts < fewest
    if not counts[few].any():
        return np.zeros(len(codes), bool)
    return few[codes]


def nothing_left(path: str, read: int, dropped: Mapping[str, int]) -> InputError:
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return InputError(
        f"nothing is left of the {read} interactions of `{path}` ({reasons})",
        "lower --min-user-count, --min-item-count or --min-rating",
    )


def compact(codes: NDArray[np.int32], most: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the codes that are there from 0, in order; (new codes, the old code of each)."""
    there = np.flatnonzero(count_codes(codes, most))
    if len(there) == most:
        return codes, there
    table = np.zeros(most, np.int32)
    table[there] = np.arange(len(there), dtype=np.int32)
    return table[codes], there


def count_ties(rows: Rows, offsets: NDArray[np.int64]) -> tuple[int, int]:
    """How many rows, in order, have the user and the time of the row before, and how many of them
    are a user's last."""
    assert rows.times is not None
    tied = ties(rows.users, rows.times)
    return int(np.count_nonzero(tied)), int(np.count_nonzero(tied[offsets[1:] - 1]))


def describe_ties(tied: tuple[int, int], rows: int) -> dict[str, Any]:
    """The ties of `count_ties` among so many rows, for the manifest."""
    return {"tied_share": tied[0] / rows, "users_whose_last_ties": tied[1]}


def assemble(
    name: str,
    rows: Rows,
    parts: Parts,
    sizes: Sizes,
    user_ids: NDArray[Any],
    item_ids: NDArray[Any],
    titles: NDArray[np.str_] | None,
    manifest: dict[str, Any],
) -> SequenceDataset:
    """Lay the rows of each part out by user; `rows` is used up, a column at a time."""
    inside = {part: parts == number for number, part in enumerate(PARTS)}
    offsets = {part: to_offsets(own) for part, own in zip(PARTS, sizes, strict=True)}
    items = {part: chosen(rows.items, mask) for part, mask in inside.items()}
    rows.users = rows.items = np.empty(0, np.int32)
    for own in items.values():
        own += 1  # 0 is padding
    times, marks = rows.times, rows.ratings
    timestamps = {} if times is None else {p: chosen(times, mask) for p, mask in inside.items()}
    rows.times = times = None
    ratings = {} if marks is None else {p: chosen(marks, mask) for p, mask in inside.items()}
    sequences = {part: Sequences(offsets[part], items[part]) for part in PARTS}
    return SequenceDataset(
        name=name,
        train=sequences["train"],
        valid=sequences["valid"],
        test=sequences["test"],
        user_ids=user_ids,
        item_ids=item_ids,
        item_titles=titles,
        timestamps=timestamps,
        ratings=ratings,
        manifest=manifest,
    )
