"""What files say of users and items, added to a dataset: features, and items that nobody has."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Attributes, Side
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.encoding import encode_side
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.identity import positions
from seqrec_cli.core.data.item_table import ItemTable
from seqrec_cli.core.data.reading.attributes import LONGEST_TITLE
from seqrec_cli.core.data.reading.vectors import VectorFile, describe_vectors
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")  # as int64 is written, so that no two are the same


def with_new_items(
    item_ids: NDArray[Any],
    titles: NDArray[np.str_] | None,
    attributes: Attributes | None,
    in_log: NDArray[Any],
    path: str,
    vectors: VectorFile | None = None,
) -> tuple[NDArray[Any], NDArray[np.str_] | None]:
    """Put the items that have features or a vector, but that nobody has, behind those of the log.

    What was in the log (`in_log`) and was left out of it is not new.
    """
    files = [file for file in (attributes, vectors) if file is not None]
    if not files:
        raise InputError(
            f"there is no file with items beside `{path}`, so there are no new ones",
            "name it: `--items-file FILE` or `--item-vectors FILE`, or leave out --new-items",
        )
    there = set(map(str, in_log.tolist()))
    source = {text: file.source for file in reversed(files) for text in file.ids}
    new = [
        text
        for text in dict.fromkeys(text for file in files for text in file.ids)
        if text and text not in there
    ]
    if item_ids.dtype.kind == "i":
        wrong = next((text for text in new if not WHOLE.fullmatch(text)), None)
        if wrong is not None:
            raise InputError(
                f"`{source[wrong]}` has the item `{wrong}`, where the log has whole numbers",
                "fix the line, or leave out --new-items",
            )
    kind = np.int64 if item_ids.dtype.kind == "i" else np.str_
    ids = np.concatenate((item_ids, np.array(new, dtype=kind)))
    if titles is not None:
        known = {} if attributes is None else attributes.titles
        own = [shortened(known.get(text, ""), LONGEST_TITLE) for text in new]
        titles = np.concatenate((titles, np.array(own, dtype=np.str_)))
    return ids, titles


def with_item_vectors(dataset: SequenceDataset, found: VectorFile | None) -> SequenceDataset:
    """Keep the vectors of the items, for models that read them.

    Raises:
        InputError: the file has a vector of none of them.
    """
    if found is None:
        return dataset
    rows = positions(dataset.item_ids, np.array(found.ids))
    if (rows < 0).all():
        raise InputError(
            f"`{found.source}` has no vector of any item of the log",
            f"check that its ids are those of the log, such as `{dataset.item_ids[0]}`; it has "
            f"`{shortened(found.ids[0])}`",
        )
    vectors = np.where((rows >= 0)[:, None], found.vectors[rows], np.float32(0))
    missing = int((~vectors.any(axis=1)).sum())
    account = {"item_vectors": describe_vectors(found, missing)}
    return replace(dataset, item_vectors=vectors, manifest=dataset.manifest | account)


def with_item_table(dataset: SequenceDataset, items: Attributes | None) -> SequenceDataset:
    """Keep what is known of items, for rules over them."""
    if items is None:
        return dataset
    table, left_out = ItemTable.of(items, dataset.item_ids)
    account = {"source": items.source, "columns": list(table.columns), "left_out": left_out}
    return replace(dataset, item_table=table, manifest=dataset.manifest | {"item_table": account})


def with_features(
    dataset: SequenceDataset,
    users: Attributes | None,
    items: Attributes | None,
    encoding: Encoding,
) -> SequenceDataset:
    """Encode what is known of users and items, by encoders fitted on those in the train part."""
    changed: dict[str, Any] = {}
    account: dict[str, Any] = {}
    encoders = Encoders()
    sides: tuple[tuple[Side, Attributes | None, NDArray[Any]], ...] = (
        ("user", users, dataset.user_ids),
        ("item", items, dataset.item_ids),
    )
    for side, attributes, ids in sides:
        if attributes is not None:  # only here, as counting a large log takes memory
            trained = dataset.train.lengths > 0 if side == "user" else dataset.features().trained
        else:
            trained = np.zeros(len(ids), np.bool_)
        encoded = encode_side(side, attributes, ids, trained, encoding)
        if encoded is None:
            continue
        encoders = Encoders(encoders.columns + encoded.encoders.columns)
        changed[f"{side}_features"] = encoded.features.take(np.arange(len(ids)))
        account[f"{side}s"] = encoded.account
    manifest = dataset.manifest | ({"features": account} if account else {})
    return replace(dataset, **changed, encoders=encoders, manifest=manifest)
