"""Features of users or items from a file, encoded by encoders fitted on the train part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Attributes, Side
from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.features.encoders import ColumnEncoder, Encoders, fit_encoder
from seqrec_cli.core.data.features.kinds import Encoding, Owner, choose_kinds, is_missing
from seqrec_cli.core.data.features.vocabularies import UNKNOWN, SparseEncoder, TagsEncoder
from seqrec_cli.errors import InputError


@dataclass(frozen=True, eq=False)
class EncodedSide:
    """The features of users, or of items.

    Attributes:
        encoders: of the columns that become features.
        features: a row for each id, and a last row for an id that the file does not have.
        account: each column's kind, counts and missing values, for the manifest.
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
    """Encode the features of `ids` in a file, by encoders fitted on the `trained` ones.

    None without a file, or if a file beside the log that was not named has none of the ids.

    Raises:
        InputError: a column is missing or not of its kind, or the file has none of the ids.
    """
    rows = find_rows(side, attributes, ids, encoding)
    if attributes is None or rows is None:
        return None
    train_rows = rows[trained & (rows >= 0)]
    # The last cell of a column, row -1, is that of an id that the file does not have.
    columns = {name: TextColumn.of([*cells, ""]) for name, cells in attributes.columns.items()}
    train_cells = {name: column.take(train_rows) for name, column in columns.items()}
    chosen, left_out = choose_kinds(
        attributes, encoding.kinds(side), train_cells, encoding.min_value_count
    )
    fitted_encoders = [
        fit_encoder(name, kind, side, train_cells[name], encoding) for name, kind in chosen.items()
    ]
    encoders = Encoders(tuple(fitted_encoders))
    cells = {name: columns[name].take(rows) for name in chosen}
    check_numbers(attributes.source, encoders, cells)
    summary = describe_attributes(attributes, rows, train_rows, fitted_encoders, cells, encoding)
    summary["left_out"] = left_out
    with_unknown = {name: columns[name].take(np.append(rows, -1)) for name in chosen}
    features = encode_columns(encoders, side, with_unknown, len(rows) + 1)
    return EncodedSide(encoders, features, summary)


def find_rows(
    side: Side, attributes: Attributes | None, ids: NDArray[Any], encoding: Encoding
) -> NDArray[np.int64] | None:
    """The row of each id in a file, or -1; None without a file that has any of them.

    Raises:
        InputError: columns are chosen but there is no file, or it has none of the ids.
    """
    keys = [] if attributes is None else [str(key) for key in ids.tolist()]
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
            f"check that its ids are those of the log, such as `{ids[0]}`",
        )
    return rows


def encode_columns(
    encoders: Encoders, side: Owner, cells: Mapping[str, TextColumn], rows: int
) -> EncodedFeatures:
    """Encode the columns of a side from their cells by name."""
    dense = [c.encode(cells[c.name]) for c in encoders.of(DenseEncoder, side)]
    sparse = [c.encode(cells[c.name]) for c in encoders.of(SparseEncoder, side)]
    return EncodedFeatures(
        np.stack(dense, axis=1) if dense else np.zeros((rows, 0), np.float32),
        np.stack(sparse, axis=1) if sparse else np.zeros((rows, 0), np.int32),
        tuple(c.encode(cells[c.name]) for c in encoders.of(TagsEncoder, side)),
    )


def check_numbers(source: str, encoders: Encoders, cells: Mapping[str, TextColumn]) -> None:
    """Refuse a dense column without numbers.

    Raises:
        InputError: the message has an example of its cells.
    """
    for encoder in encoders.of(DenseEncoder):
        column = cells[encoder.name]
        if encoder.count_missing(column) == len(column):
            example = next((text for text in column.texts if not is_missing(text)), "")
            raise InputError(
                f"the column `{encoder.name}` of `{source}` has no number, but `{example}`",
                f"write numbers as 1234.5, or use `{encoder.name}=sparse`",
            )


def describe_attributes(
    attributes: Attributes,
    rows: NDArray[np.int64],
    train_rows: NDArray[np.int64],
    encoders: Sequence[ColumnEncoder],
    cells: Mapping[str, TextColumn],
    encoding: Encoding,
) -> dict[str, Any]:
    """The summary of a file, for the manifest."""
    dense = any(isinstance(encoder, DenseEncoder) for encoder in encoders)
    return {
        "source": attributes.source,
        "without_row": int((rows < 0).sum()),
        "fitted_on": len(train_rows),
        "scaling": encoding.scaling if dense else None,
        "min_value_count": encoding.min_value_count,
        "columns": [describe_column(encoder, cells[encoder.name]) for encoder in encoders],
    }


def describe_column(encoder: ColumnEncoder, column: TextColumn) -> dict[str, Any]:
    """The summary of a column, for the manifest."""
    facts: dict[str, Any] = {"name": encoder.name, "kind": encoder.kind}
    if isinstance(encoder, DenseEncoder):
        return facts | {"missing": encoder.count_missing(column)}
    missing = np.array([is_missing(text) for text in column.texts], np.bool_)
    facts |= {"missing": int(missing[column.rows].sum()), "values": len(encoder.values)}
    if isinstance(encoder, SparseEncoder):
        facts["unknown"] = int((encoder.encode(column) == UNKNOWN).sum())
    return facts
