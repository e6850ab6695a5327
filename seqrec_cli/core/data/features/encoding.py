"""What a file says of users or items, encoded by encoders fitted on the train part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import Column
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.features.encoders import ColumnEncoder, Encoders, fit_encoder
from seqrec_cli.core.data.features.kinds import Encoding, Owner, choose_kinds, is_missing
from seqrec_cli.core.data.features.vocabularies import UNKNOWN, SparseEncoder, TagsEncoder
from seqrec_cli.core.data.reading.attributes import Attributes
from seqrec_cli.core.data.reading.sheets import Side
from seqrec_cli.errors import InputError


@dataclass(frozen=True, eq=False)
class EncodedSide:
    """The features of users, or of items.

    Attributes:
        encoders: of the columns that are taken.
        features: a row an id, and one more for an id without a row, such as a new one's.
        account: what became of each column, for the manifest.
    """

    encoders: Encoders
    features: EncodedFeatures
    account: dict[str, Any]


def encode_side(
    side: Side,
    attributes: Attributes | None,
    ids: NDArray[Any],
    trained: NDArray[np.bool_],
    encoding: Encoding,
) -> EncodedSide | None:
    """Encode what a file says of `ids`, by encoders fitted on those of them that are `trained`.

    None where there is no file, or only one that lies beside the log and is about others.

    Raises:
        InputError: a column that is not there, or is not of its kind; no id that is in the file.
    """
    rows = find_rows(side, attributes, ids, encoding)
    if attributes is None or rows is None:
        return None
    fitted = rows[trained & (rows >= 0)]
    # The last cell of a column is that of an id without a row, which is row -1.
    columns = {name: Column.of([*cells, ""]) for name, cells in attributes.columns.items()}
    train_cells = {name: column.take(fitted) for name, column in columns.items()}
    chosen, left_out = choose_kinds(
        attributes, encoding.kinds(side), train_cells, encoding.min_value_count
    )
    fitted_encoders = [
        fit_encoder(name, kind, side, train_cells[name], encoding) for name, kind in chosen.items()
    ]
    encoders = Encoders(tuple(fitted_encoders))
    cells = {name: columns[name].take(rows) for name in chosen}
    check_numbers(attributes.source, encoders, cells)
    account = describe(attributes, rows, fitted, fitted_encoders, cells, encoding)
    account["left_out"] = left_out
    with_unknown = {name: columns[name].take(np.append(rows, -1)) for name in chosen}
    features = encode_columns(encoders, side, with_unknown, len(rows) + 1)
    return EncodedSide(encoders, features, account)


def find_rows(
    side: Side, attributes: Attributes | None, ids: NDArray[Any], encoding: Encoding
) -> NDArray[np.int64] | None:
    """The row that each id has in a file, or -1; None where no file is about them.

    Raises:
        InputError: columns are asked for and there is no file, or it has none of the ids.
    """
    keys = [str(key) for key in ids.tolist()]
    place = {} if attributes is None else {key: row for row, key in enumerate(attributes.ids)}
    if attributes is None or (not attributes.named and place.keys().isdisjoint(keys)):
        if encoding.kinds(side) is not None:
            raise InputError(
                f"there is no file with {side}s, so they have no features",
                f"name it: `--{side}s-file FILE`",
            )
        return None
    rows = np.array([place.get(key, -1) for key in keys], np.int64)
    if (rows < 0).all():
        raise InputError(
            f"`{attributes.source}` has no row for any {side} of the log",
            f"use the ids of the log in it, such as `{ids[0]}`",
        )
    return rows


def encode_columns(
    encoders: Encoders, side: Owner, cells: Mapping[str, Column], rows: int
) -> EncodedFeatures:
    """Encode the columns of a side, whose cells are given by name."""
    dense = [c.encode(cells[c.name]) for c in encoders.of(DenseEncoder, side)]
    sparse = [c.encode(cells[c.name]) for c in encoders.of(SparseEncoder, side)]
    return EncodedFeatures(
        np.stack(dense, axis=1) if dense else np.zeros((rows, 0), np.float32),
        np.stack(sparse, axis=1) if sparse else np.zeros((rows, 0), np.int32),
        tuple(c.encode(cells[c.name]) for c in encoders.of(TagsEncoder, side)),
    )


def check_numbers(source: str, encoders: Encoders, cells: Mapping[str, Column]) -> None:
    """Refuse a column of numbers that has none.

    Raises:
        InputError: with an example of what it has.
    """
    for encoder in encoders.of(DenseEncoder):
        column = cells[encoder.name]
        if encoder.count_missing(column) == len(column):
            example = next((text for text in column.texts if not is_missing(text)), "")
            raise InputError(
                f"the column `{encoder.name}` of `{source}` has no number, but `{example}`",
                f"write numbers as 1234.5, or use `{encoder.name}=sparse`",
            )


def describe(
    attributes: Attributes,
    rows: NDArray[np.int64],
    fitted: NDArray[np.int64],
    encoders: Sequence[ColumnEncoder],
    cells: Mapping[str, Column],
    encoding: Encoding,
) -> dict[str, Any]:
    """What became of a file, for the manifest."""
    dense = any(isinstance(encoder, DenseEncoder) for encoder in encoders)
    return {
        "source": attributes.source,
        "without_row": int((rows < 0).sum()),
        "fitted_on": len(fitted),
        "scaling": encoding.scaling if dense else None,
        "min_value_count": encoding.min_value_count,
        "columns": [describe_column(encoder, cells[encoder.name]) for encoder in encoders],
    }


def describe_column(encoder: ColumnEncoder, column: Column) -> dict[str, Any]:
    """What became of a column, for the manifest."""
    facts: dict[str, Any] = {"name": encoder.name, "kind": encoder.kind}
    if isinstance(encoder, DenseEncoder):
        return facts | {"missing": encoder.count_missing(column)}
    missing = np.array([is_missing(text) for text in column.texts], np.bool_)
    facts |= {"missing": int(missing[column.rows].sum()), "values": len(encoder.values)}
    if isinstance(encoder, SparseEncoder):
        facts["unknown"] = int((encoder.encode(column) == UNKNOWN).sum())
    return facts
