"""From a log of ratings to a ranking dataset: is a candidate liked, given the items liked before?

A candidate is a rating; its history is the user's last liked items before it. Encoders are fitted
on the train part alone; those of features of users and items count each user or item once.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Attributes, Side
from seqrec_cli.core.data.features.columns import to_texts
from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.features.encoders import Encoder, Encoders
from seqrec_cli.core.data.features.encoding import encode_columns, encode_side
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.features.vocabularies import IdsEncoder
from seqrec_cli.core.data.interactions import Interactions
from seqrec_cli.core.data.manifest import describe_origin
from seqrec_cli.core.data.ordering import Rows
from seqrec_cli.core.data.preparation import (
    Preparation,
    compact,
    nothing_left,
    rows_of_log,
    tidy,
)
from seqrec_cli.core.data.ranking.candidates import (
    Cells,
    ExampleOptions,
    LabelledLog,
    describe_candidates,
    make_rows,
    split_log,
)
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.data.ranking.manifest import check_classes, describe_rows
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.errors import InputError


def prepare_examples(
    interactions: Interactions, options: Preparation, name: str, chosen: ExampleOptions
) -> RankingDataset:
    """Order and filter a log as for sequences, and make rows from it.

    Raises:
        InputError: nothing is left, ratings are missing, or a part has no rows.
    """
    origin = interactions.origin
    rows, dropped, user_ids, item_ids = tidy_rows(interactions, options, chosen)
    log = LabelledLog.of(rows, len(user_ids), len(item_ids), chosen)
    parts, places = split_log(log, rows.times, chosen, origin.path)
    made = {part: make_rows(log, places, parts, part, chosen, dropped) for part in PARTS}
    made = {part: cells for part, cells in made.items() if len(cells.labels)}
    for part in ("train", "test"):
        if part not in made:
            raise InputError(
                f"the split leaves no rows for the {part} part of `{origin.path}`",
                "use a log of more users, or another `--split`",
            )
    encoders, sides, left_out = fit_log_encoders(
        made["train"],
        {"user": user_ids, "item": item_ids},
        {"user": interactions.user_attributes, "item": interactions.item_attributes},
        options.encoding,
    )
    examples = {part: encode(cells, encoders, sides, item_ids) for part, cells in made.items()}
    dataset = RankingDataset(
        name=name,
        train=examples["train"],
        valid=examples.get("valid"),
        test=examples["test"],
        user_ids=user_ids,
        item_ids=item_ids,
        encoders=encoders,
        sides=sides,
    )
    check_classes(dataset)
    facts = {"rated": rows.ratings is not None, "candidates": describe_candidates(chosen)}
    manifest = describe_rows(
        dataset,
        source=describe_origin(origin),
        rows_read=origin.rows_read,
        dropped=dropped,
        split={"kind": chosen.split},
        encoding=options.encoding,
        examples=asdict(chosen) | facts,
        left_out=left_out,
    )
    return replace(dataset, manifest=manifest)


def tidy_rows(
    interactions: Interactions, options: Preparation, chosen: ExampleOptions
) -> tuple[Rows, dict[str, int], NDArray[Any], NDArray[Any]]:
    """The rows of a log in order, the counts of dropped rows, and the ids of users and items.

    Raises:
        InputError: nothing is left, or ratings are missing.
    """
    origin = interactions.origin
    if interactions.ratings is None and not chosen.negatives:
        raise InputError(
            f"`{origin.path}` has no ratings, so nothing says which items were liked",
            "name their column with `--columns`, or sample negatives: `--negatives 4`",
        )
    rows = rows_of_log(replace(interactions, parts=None))
    dropped = dict(origin.dropped)
    tidy(rows, dropped, options)
    if not len(rows):
        raise nothing_left(origin.path, origin.rows_read, dropped)
    rows.users, users = compact(rows.users, len(interactions.user_ids))
    rows.items, items = compact(rows.items, len(interactions.item_ids))
    return rows, dropped, interactions.user_ids[users], interactions.item_ids[items]


def fit_log_encoders(
    train: Cells,
    ids: Mapping[Side, NDArray[Any]],
    attributes: Mapping[Side, Attributes | None],
    encoding: Encoding,
) -> tuple[Encoders, dict[Side, EncodedFeatures], list[str]]:
    """Fit the encoders on the train part.

    Returns:
        the encoders; the features of users and items, with a last row for an unknown one; and the
        names of the columns that are left out.
    """
    counts = np.bincount(
        np.concatenate((train.items, train.history.ravel())), minlength=len(ids["item"]) + 1
    )[1:]
    users = np.bincount(train.users, minlength=len(ids["user"]))
    trained: dict[Side, NDArray[np.bool_]] = {"user": users > 0, "item": counts > 0}
    columns: list[Encoder] = []
    left_out: list[str] = []
    sides: dict[Side, EncodedFeatures] = {}
    for side, file in attributes.items():
        encoded = encode_side(side, file, ids[side], trained[side], encoding)
        if encoded is None:
            sides[side] = encode_columns(Encoders(), side, {}, len(ids[side]) + 1)
            continue
        sides[side] = encoded.features
        columns += encoded.encoders.columns
        left_out += encoded.account["left_out"]
    items = common_items(counts, ids["item"], encoding.min_value_count)
    return Encoders((*columns, items)), sides, left_out


def common_items(counts: NDArray[np.int64], item_ids: NDArray[Any], min_count: int) -> IdsEncoder:
    """The encoder of the items with at least `min_count` occurrences, the most frequent first."""
    common = np.flatnonzero(counts >= min_count)
    common = common[np.argsort(-counts[common], kind="stable")]
    return IdsEncoder("item", "item", to_texts([str(key) for key in item_ids[common].tolist()]))


def encode(
    cells: Cells,
    encoders: Encoders,
    sides: Mapping[Side, EncodedFeatures],
    item_ids: NDArray[Any],
) -> Examples:
    """Encode the rows of a part."""
    codes = np.concatenate(
        (np.zeros(1, np.int32), encoders.items.encode([str(key) for key in item_ids.tolist()]))
    )
    items = cells.items - 1
    return Examples(
        labels=cells.labels,
        users=cells.users.astype(np.int32),
        candidates=items.astype(np.int32),
        items=codes[cells.items],
        features=sides["user"].take(cells.users).concatenate(sides["item"].take(items)),
        history=codes[cells.history],
        negatives=codes[cells.negatives],
    )
