"""Files of rows that are split already: their columns and texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seqrec_cli.core.data.ranking.columns import WALKTHROUGH, TableColumns
from seqrec_cli.core.data.reading.sources import TextSource, is_folder, mode_of
from seqrec_cli.core.data.reading.tables import header_of, read_columns
from seqrec_cli.core.data.sequences import Part
from seqrec_cli.errors import InputError


@dataclass(frozen=True)
class PartFiles:
    """The names of the files of the parts, and their layout.

    Attributes:
        header: whether the first line names the columns; else they are numbered from 1.
        columns: the columns, if the names of the files tell the layout.
    """

    train: str
    valid: str
    test: str
    header: bool = True
    columns: TableColumns | None = None

    def are_in(self, folder: Path) -> bool:
        return bool(mode_of(folder / self.train)) and bool(mode_of(folder / self.test))


# The files of the DIN and DIEN papers: label, user, item, category, then the history's items and
# categories, with \x02 between them.
LAYOUTS = (
    PartFiles("train.csv", "valid.csv", "test.csv"),
    PartFiles(
        "local_train",
        "local_valid",
        "local_test",
        header=False,
        columns=TableColumns(label="1", user="2", item="3", history="5", sparse=("4",)),
    ),
)


@dataclass(frozen=True, eq=False)
class TextRows:
    """The rows of a file as texts, by column."""

    source: str
    columns: Mapping[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def pair_at(place: Path) -> tuple[Path, PartFiles] | None:
    """The folder and the names of the files of rows at a place: a folder, or its train file."""
    folder = place if is_folder(place) else place.parent
    for layout in LAYOUTS:
        named = is_folder(place) or (place.name == layout.train and not layout.header)
        if named and layout.are_in(folder):
            return folder, layout
    return None


def read_parts(
    folder: Path, columns: TableColumns | None
) -> tuple[TableColumns, dict[Part, TextRows]]:
    """Read the train and the test file, and the valid file if there is one.

    Args:
        columns: None: those of the layout, or of the walkthrough, recognized by name.

    Raises:
        InputError: a file is missing or malformed, or has other columns.
    """
    pair = pair_at(folder)
    assert pair is not None
    folder, layout = pair
    train = TextSource(folder / layout.train)
    columns = columns or layout.columns
    if columns is None:
        header = header_of(train)
        if not set(WALKTHROUGH.names()) <= set(header):
            raise InputError(
                f"it is not known what the columns of `{train}` are: {', '.join(header)}",
                "name them in a file such as configs/tables/dien-ml-1m.yaml: `--table FILE`",
            )
        columns = WALKTHROUGH
    paths: dict[Part, Path] = {"train": folder / layout.train}
    if mode_of(folder / layout.valid):
        paths["valid"] = folder / layout.valid
    paths["test"] = folder / layout.test
    return columns, {
        part: read_rows(TextSource(path), columns, header=layout.header)
        for part, path in paths.items()
    }


def read_rows(source: TextSource, columns: TableColumns, *, header: bool) -> TextRows:
    """Read the named columns; lists have `|` between their values."""
    lists = [columns.history, *columns.tags]
    lists += [columns.negatives] if columns.negatives else []
    return TextRows(str(source), read_columns(source, columns.names(), lists, header=header))
