"""From a train and a test file to a ranking dataset with its manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import TAG
from seqrec_cli.core.data.enrichment import WHOLE
from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.encoders import Encoders, fit_encoder
from seqrec_cli.core.data.features.encoding import encode_columns
from seqrec_cli.core.data.features.kinds import Encoding, Kind, is_missing
from seqrec_cli.core.data.features.vocabularies import IdsEncoder
from seqrec_cli.core.data.ranking.columns import TableColumns
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.data.ranking.manifest import check_classes, describe_rows
from seqrec_cli.core.data.ranking.table import TextRows, read_parts
from seqrec_cli.core.data.sequences import Part
from seqrec_cli.core.storage import files
from seqrec_cli.errors import InputError

LONGEST_HISTORY = 1000  # the latest items of a row's history that are kept


def prepare_pair(
    folder: Path, name: str, columns: TableColumns | None = None, encoding: Encoding | None = None
) -> RankingDataset:
    """Make a ranking dataset from a train.csv and a test.csv; encoders are fitted on the first.

    Raises:
        InputError: a file is missing or malformed; the message names the row.
    """
    encoding = encoding or Encoding()
    columns, texts = read_parts(folder, columns)
    lists = {part: read_lists(text, columns) for part, text in texts.items()}
    encoders = fit_table_encoders(texts["train"], lists["train"].histories, columns, encoding)
    user_ids, users = index([key for t in texts.values() for key in t.columns[columns.user]])
    item_ids, items = index([key for t in texts.values() for key in t.columns[columns.item]])
    longest = max(len(history) for part in lists.values() for history in part.histories)
    width = min(LONGEST_HISTORY, longest or 1)
    made: dict[Part, Examples] = {}
    start = 0
    for part, text in texts.items():
        rows = slice(start, start + len(text))
        made[part] = encode_rows(
            text, lists[part], columns, encoders, users[rows], items[rows], width
        )
        start += len(text)
    dataset = RankingDataset(
        name=name,
        train=made["train"],
        valid=made.get("valid"),
        test=made["test"],
        user_ids=user_ids,
        item_ids=item_ids,
        encoders=encoders,
    )
    check_classes(dataset)
    manifest = describe_rows(
        dataset,
        source=describe_source(folder, texts, columns),
        rows_read=sum(map(len, texts.values())),
        dropped={},
        split={"kind": "files"},
        encoding=encoding,
    )
    return replace(dataset, manifest=manifest)


def describe_source(
    place: Path, texts: Mapping[Part, TextRows], columns: TableColumns
) -> dict[str, Any]:
    """Where the rows came from, for the manifest."""
    paths = [Path(text.source) for text in texts.values()]
    return {
        "path": str(place),
        "sha256": files.sha256_of_all(paths),
        "format": " and ".join(path.name for path in paths),
        "columns": columns.model_dump(mode="json"),
        "licence": "",
    }


@dataclass(frozen=True, eq=False)
class TextLists:
    """The lists of ids of a file, one for each row."""

    histories: list[list[str]]
    negatives: list[list[str]]


def read_lists(text: TextRows, columns: TableColumns) -> TextLists:
    """The histories of a file, and the negatives of each history if a column has them.

    Raises:
        InputError: a row whose history and negatives have different lengths.
    """
    histories = [split_list(cell) for cell in text.columns[columns.history]]
    if not columns.negatives:
        return TextLists(histories, [[]] * len(histories))
    negatives = [split_list(cell) for cell in text.columns[columns.negatives]]
    for row, (history, drawn) in enumerate(zip(histories, negatives, strict=True), 1):
        if drawn and len(drawn) != len(history):
            raise InputError(
                f"`{text.source}`, row {row}: {len(drawn)} values in `{columns.negatives}`, and "
                f"{len(history)} in `{columns.history}`",
                "write one negative for each item of the history, or leave the cell empty",
            )
    return TextLists(histories, negatives)


def split_list(cell: str) -> list[str]:
    """The ids of a cell with `|` between them, with repetitions."""
    return [] if is_missing(cell) else [v for v in (v.strip() for v in cell.split(TAG)) if v]


def fit_table_encoders(
    train: TextRows, histories: list[list[str]], columns: TableColumns, encoding: Encoding
) -> Encoders:
    """Fit the encoders of the columns of a train file, and of item ids.

    One encoder of item ids serves candidates, histories and negatives.
    """
    by_kind: dict[Kind, tuple[str, ...]] = {
        "dense": columns.dense,
        "sparse": columns.sparse,
        "tags": columns.tags,
    }
    fitted = [
        fit_encoder(name, kind, "row", TextColumn.of(train.columns[name]), encoding)
        for kind, names in by_kind.items()
        for name in names
    ]
    seen = [*train.columns[columns.item], *(item for row in histories for item in row)]
    items = IdsEncoder.fit("item", "item", TextColumn.of(seen), encoding.min_value_count)
    return Encoders((*fitted, items))


def encode_rows(
    text: TextRows,
    lists: TextLists,
    columns: TableColumns,
    encoders: Encoders,
    users: NDArray[np.int32],
    candidates: NDArray[np.int32],
    width: int,
) -> Examples:
    """Encode the rows of a file, with the last `width` items of each history."""
    cells = {name: TextColumn.of(text.columns[name]) for name in columns.features()}
    return Examples(
        labels=labels_of(text, columns.label),
        users=users,
        candidates=candidates,
        items=encoders.items.encode(text.columns[columns.item]),
        features=encode_columns(encoders, "row", cells, len(text)),
        history=encoders.items.encode_lists(lists.histories, width),
        negatives=encoders.items.encode_lists(lists.negatives, width),
    )


def labels_of(text: TextRows, column: str) -> NDArray[np.float32]:
    """The labels of a file, float32.

    Raises:
        InputError: a label is neither 1 nor 0.
    """
    known = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}
    for row, cell in enumerate(text.columns[column], 1):
        if cell not in known:
            raise InputError(
                f"`{text.source}`, row {row}: the label in `{column}` is `{cell}`, not 0 or 1",
                "fix the row, or name another label column in the file of `--table`",
            )
    return np.array([known[cell] for cell in text.columns[column]], np.float32)


def index(cells: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The distinct ids, int64 if all are integers, and the index of each cell in them."""
    ids: NDArray[Any]
    whole = all(WHOLE.fullmatch(cell) for cell in cells)
    ids, places = np.unique(np.array(cells, np.int64 if whole else np.str_), return_inverse=True)
    return ids, places.astype(np.int32)
