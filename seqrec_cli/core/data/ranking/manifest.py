"""The manifest of a ranking dataset: sources, split, counts and encoders."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqrec_cli import __version__
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.features.vocabularies import UNKNOWN, IdsEncoder
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.core.data.store import RANKING
from seqrec_cli.errors import InputError


def describe_rows(
    data: RankingDataset,
    *,
    source: dict[str, Any],
    rows_read: int,
    dropped: dict[str, int],
    split: dict[str, Any],
    encoding: Encoding,
    examples: dict[str, Any] | None = None,
    left_out: Sequence[str] = (),
) -> dict[str, Any]:
    """The manifest: where rows came from, how they are split, and their encoders."""
    parts = {part: made for part in PARTS if (made := getattr(data, part)) is not None}
    lengths = np.concatenate([(made.history > 0).sum(axis=1) for made in parts.values()])
    return {
        "name": data.name,
        "task": RANKING,
        "source": source,
        "rows_read": rows_read,
        "dropped": dropped,
        "rows": sum(map(len, parts.values())),
        "examples": examples or {},
        "users": len(np.unique(np.concatenate([made.users for made in parts.values()]))),
        "items": len(np.unique(np.concatenate([made.candidates for made in parts.values()]))),
        "split": split | {part: describe_part(made) for part, made in parts.items()},
        "history": {"longest": data.train.history.shape[1], "mean": float(lengths.mean())},
        "encoders": {
            "fitted_on": len(data.train),
            "scaling": encoding.scaling,
            "min_value_count": encoding.min_value_count,
            "item_values": len(data.encoders.items.values),
            "columns": describe_encoders(data.encoders),
            "left_out": list(left_out),
        },
        "seqrec_version": __version__,
    }


def describe_part(examples: Examples) -> dict[str, int]:
    """The counts of a part."""
    return {
        "rows": len(examples),
        "users": len(np.unique(examples.users)),
        "positives": int(examples.labels.sum()),
        "unknown_candidates": int((examples.items == UNKNOWN).sum()),
        "empty_histories": int((~(examples.history > 0).any(axis=1)).sum()),
    }


def describe_encoders(encoders: Encoders) -> list[dict[str, Any]]:
    """Each column that became a feature."""
    return [
        {"name": c.name, "kind": c.kind, "side": c.side}
        | ({} if isinstance(c, DenseEncoder) else {"values": len(c.values)})
        for c in encoders.columns
        if not isinstance(c, IdsEncoder)
    ]


def check_classes(data: RankingDataset) -> None:
    """Refuse a part whose rows all have the same label: there is nothing to learn or measure."""
    for part, examples in (("train", data.train), ("test", data.test)):
        if examples is not None and len(np.unique(examples.labels)) < 2:
            raise InputError(
                f"every row of the {part} part has the same label",
                "use data with both labels, another split, or another `--positive-rating`",
            )
