"""The description of a table's columns is read, or refused with its place."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.ranking.from_table import prepare_pair
from seqrec_cli.core.data.ranking.table import WALKTHROUGH, TableColumns, load_columns
from seqrec_cli.errors import ConfigError
from tests.conftest import ROOT
from tests.core.data.ranking.toy import COLUMNS, HEADER, toy_folder


def test_the_table_in_configs_says_what_is_known_anyway() -> None:
    assert load_columns(ROOT / "configs" / "tables" / "dien-ml-1m.yaml") == WALKTHROUGH


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("labl: x\n", "line 1: unknown key `labl`", "did you mean `label`?"),
        ("label: x\ndense: 3\n", "line 2: dense: input should be a valid tuple", ""),
        ("dense: [a]\nsparse: [a]\n", "the column `a` is named twice", ""),
        ("- a\n", "does not name columns", ""),
        ("label: [\n", "not YAML", ""),
    ],
)
def test_says_what_is_wrong_with_a_table(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as info:
        load_columns(path)
    assert message in info.value.message
    assert hint in info.value.hint


def test_a_table_of_another_spelling_is_read(tmp_path: Path) -> None:
    toy_folder(tmp_path, users=30)
    assert load_columns(tmp_path / "columns.yaml") == COLUMNS
    assert set(COLUMNS.names()) == set(HEADER)
    bare = TableColumns(label="liked", user="who", item="what", history="before")
    data = prepare_pair(tmp_path, "toy", bare)
    assert data.train.features.dense.shape == (30, 0)
    assert data.train.negatives.max() == 0
