"""The description of a table's columns is read, or refused with its place."""

from pathlib import Path

from seqrec_cli.core.data.ranking.columns import TableColumns, load_columns
from seqrec_cli.core.data.ranking.from_table import prepare_pair
from tests.core.data.ranking.toy import COLUMNS, HEADER, toy_folder


def test_a_table_of_another_spelling_is_read(tmp_path: Path) -> None:
    toy_folder(tmp_path, users=30)
    assert load_columns(tmp_path / "columns.yaml") == COLUMNS
    assert set(COLUMNS.names()) == set(HEADER)
    bare = TableColumns(label="liked", user="who", item="what", history="before")
    data = prepare_pair(tmp_path, "toy", bare)
    assert data.train.features.dense.shape == (30, 0)
    assert data.train.negatives.max() == 0
