"""Interactions to a prepared dataset: order, duplicates, filters, split."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli import __version__
from seqrec_cli.core.dataset import SequenceDataset, Sequences
from seqrec_cli.core.interactions import Interactions

Split = Literal["leave-one-out", "time"]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What to do with a log."""

    min_user_count: int = 1
    min_item_count: int = 1
    split: Split = "leave-one-out"
    min_split_length: int = 3


def prepare(interactions: Interactions, options: Preparation, name: str) -> SequenceDataset:
    """Order, filter and split a log."""
    users, items = interactions.users, interactions.items
    order = np.argsort(users, kind="stable")
    counts = np.bincount(users, minlength=len(interactions.user_ids))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    items = items[order] + np.int32(1)
    parts = leave_one_out(offsets, items, options.min_split_length)
    manifest: dict[str, Any] = {
        "name": name,
        "users": len(interactions.user_ids),
        "items": len(interactions.item_ids),
        "interactions": len(items),
        "seqrec_version": __version__,
    }
    timestamps = {}
    if interactions.timestamps is not None:
        times = interactions.timestamps[order]
        for part, mask in parts_masks(offsets, options.min_split_length).items():
            timestamps[part] = times[mask]
    return SequenceDataset(
        name=name,
        train=parts[0],
        valid=parts[1],
        test=parts[2],
        user_ids=interactions.user_ids,
        item_ids=interactions.item_ids,
        item_titles=interactions.item_titles,
        timestamps=timestamps,  # type: ignore[arg-type]
        manifest=manifest,
    )


def parts_masks(offsets: NDArray[np.int64], shortest: int) -> dict[str, NDArray[np.bool_]]:
    lengths = np.diff(offsets)
    last = offsets[1:][lengths >= shortest] - 1
    masks = {part: np.zeros(offsets[-1], bool) for part in ("valid", "test")}
    masks["valid"][last - 1] = True
    masks["test"][last] = True
    return {"train": ~(masks["valid"] | masks["test"]), **masks}


def leave_one_out(
    offsets: NDArray[np.int64], items: NDArray[np.int32], shortest: int
) -> tuple[Sequences, Sequences, Sequences]:
    lengths = np.diff(offsets)
    split = lengths >= shortest
    masks = parts_masks(offsets, shortest)
    one = np.concatenate(([0], np.cumsum(split)))
    train = np.concatenate(([0], np.cumsum(lengths - 2 * split)))
    return (
        Sequences(train, items[masks["train"]]),
        Sequences(one, items[masks["valid"]]),
        Sequences(one.copy(), items[masks["test"]]),
    )
