"""Texts of a train and a test file to a ranking dataset, and the account of it."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli import __version__
from seqrec_cli.core.data.features.encoding import collect_values
from seqrec_cli.core.data.features.kinds import Kind
from seqrec_cli.core.data.preparation import WHOLE
from seqrec_cli.core.data.ranking.dataset import TASK, Examples, RankingDataset
from seqrec_cli.core.data.ranking.encoders import (
    UNKNOWN,
    Encoder,
    Encoders,
    Facts,
    item_encoder,
    padded,
    split_list,
)
from seqrec_cli.core.data.ranking.table import TableColumns, TextRows, read_parts
from seqrec_cli.core.data.sequences import Part
from seqrec_cli.core.storage import files
from seqrec_cli.errors import InputError

LONGEST_HISTORY = 1000  # items of a row that are kept, the newest


def prepare_pair(
    folder: Path, name: str, columns: TableColumns | None = None, min_count: int = 5
) -> RankingDataset:
    """Make a ranking dataset of a train.csv and a test.csv; encoders learn from the first alone.

    Raises:
        InputError: missing or malformed files; the message names the row.
    """
    columns, found = read_parts(folder, columns)
    train = found["train"]
    histories = {text.source: lists(text, columns.history) for text in found.values()}
    negatives: dict[str, list[list[str]]] = {
        text.source: lists(text, columns.negatives) if columns.negatives else [[]] * len(text)
        for text in found.values()
    }
    # One encoder for items wherever they are: the candidate, the history and what is not in it.
    seen = [*train.columns[columns.item], *(i for row in histories[train.source] for i in row)]
    by_kind: dict[Kind, tuple[str, ...]] = {
        "dense": columns.dense,
        "sparse": columns.sparse,
        "tags": columns.tags,
    }
    encoders = Encoders(
        item_encoder(collect_values("item", seen, min_count).values),
        tuple(
            Encoder.fit(column, kind, "row", train.columns[column], min_count)
            for kind, names in by_kind.items()
            for column in names
        ),
    )
    user_ids, users = index(
        [cell for text in found.values() for cell in text.columns[columns.user]]
    )
    item_ids, items = index(
        [cell for text in found.values() for cell in text.columns[columns.item]]
    )
    width = min(LONGEST_HISTORY, max(len(h) for own in histories.values() for h in own) or 1)
    made: dict[Part, Examples] = {}
    start = 0
    for part, text in found.items():
        rows = slice(start, start + len(text))
        history, negative = histories[text.source], negatives[text.source]
        for row, (own, others) in enumerate(zip(history, negative, strict=True)):
            if others and len(others) != len(own):
                raise InputError(
                    f"`{text.source}`, row {row + 1}: {len(others)} values in "
                    f"`{columns.negatives}`, and {len(own)} in `{columns.history}`",
                    "each item of the history needs one that the user does not have, or none does",
                )
        made[part] = Examples(
            labels=labels_of(text, columns.label),
            users=users[rows],
            candidates=items[rows],
            items=encoders.items.codes(text.columns[columns.item]),
            facts=Facts.encode(encoders, "row", text.columns, len(text)),
            history=encode_lists(history, encoders.items, width),
            negatives=encode_lists(negative, encoders.items, width),
        )
        start += len(text)
    manifest = describe(
        name,
        made,
        encoders,
        source={
            "path": str(folder),
            "sha256": sha256_of(*(folder / f"{part}.csv" for part in found)),
            "format": " and ".join(f"{part}.csv" for part in found),
            "columns": columns.model_dump(mode="json"),
            "licence": "",
        },
        rows_read=sum(map(len, found.values())),
        dropped={},
        split={"kind": "files"},
        min_count=min_count,
    )
    dataset = RankingDataset(
        name=name,
        train=made["train"],
        valid=made.get("valid"),
        test=made["test"],
        user_ids=user_ids,
        item_ids=item_ids,
        encoders=encoders,
        manifest=manifest,
    )
    check_classes(dataset)
    return dataset


def lists(text: TextRows, column: str) -> list[list[str]]:
    return [split_list(cell) for cell in text.columns[column]]


def encode_lists(
    histories: Sequence[Sequence[str]], items: Encoder, width: int
) -> NDArray[np.int32]:
    """The codes of each list's last `width` items, then 0, int32 (lists, width)."""
    flat = items.codes([item for history in histories for item in history]).tolist()
    ends = np.cumsum([len(history) for history in histories]).tolist()
    return padded([flat[a:b] for a, b in zip([0, *ends], ends, strict=False)], width)


def labels_of(text: TextRows, column: str) -> NDArray[np.float32]:
    """The labels of a file, float32.

    Raises:
        InputError: one that is neither 1 nor 0.
    """
    known = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}
    for row, cell in enumerate(text.columns[column], 1):
        if cell not in known:
            raise InputError(
                f"`{text.source}`, row {row}: the label in `{column}` is `{cell}`, not 0 or 1",
                "mend the row, or name another column as the label in the file of --table",
            )
    return np.array([known[cell] for cell in text.columns[column]], np.float32)


def index(cells: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The distinct ids, int64 if all are whole numbers, and which of them each cell is."""
    ids: NDArray[Any]
    whole = all(WHOLE.fullmatch(cell) for cell in cells)
    ids, places = np.unique(np.array(cells, np.int64 if whole else np.str_), return_inverse=True)
    return ids, places.astype(np.int32)


def sha256_of(*paths: Path) -> str:
    """One checksum of several files."""
    return hashlib.sha256(" ".join(files.sha256(path) for path in paths).encode()).hexdigest()


def describe(
    name: str,
    parts: Mapping[Part, Examples],
    encoders: Encoders,
    *,
    source: dict[str, Any],
    rows_read: int,
    dropped: dict[str, int],
    split: dict[str, Any],
    min_count: int,
    examples: dict[str, Any] | None = None,
    left_out: Sequence[str] = (),
) -> dict[str, Any]:
    """The manifest: where rows came from, how they are split, and what encoders made of them."""
    lengths = np.concatenate([(made.history > 0).sum(axis=1) for made in parts.values()])
    train = parts["train"]
    return {
        "name": name,
        "task": TASK,
        "source": source,
        "rows_read": rows_read,
        "dropped": dropped,
        "rows": sum(map(len, parts.values())),
        "examples": examples or {},
        "users": len(np.unique(np.concatenate([made.users for made in parts.values()]))),
        "items": len(np.unique(np.concatenate([made.candidates for made in parts.values()]))),
        "split": split
        | {
            part: {
                "rows": len(made),
                "users": len(np.unique(made.users)),
                "positives": int(made.labels.sum()),
                "unknown_candidates": int((made.items == UNKNOWN).sum()),
                "empty_histories": int((~(made.history > 0).any(axis=1)).sum()),
            }
            for part, made in parts.items()
        },
        "history": {"longest": train.history.shape[1], "mean": float(lengths.mean())},
        "encoders": {
            "fitted_on": len(train),
            "min_value_count": min_count,
            "item_values": len(encoders.items.values),
            "columns": [
                {"name": c.name, "kind": c.kind, "side": c.side}
                | ({} if c.kind == "dense" else {"values": len(c.values)})
                for c in encoders.columns
            ],
            "left_out": list(left_out),
        },
        "seqrec_version": __version__,
    }


def check_classes(data: RankingDataset) -> None:
    """Refuse a dataset whose rows all have one label: there is nothing to learn or measure."""
    for part, examples in (("train", data.train), ("test", data.test)):
        if examples is not None and len(np.unique(examples.labels)) < 2:
            raise InputError(
                f"every row of the {part} part has the same label",
                "bring rows of both kinds, or choose another split or --positive-rating",
            )
