"""The description of a table's columns is read, or refused with its place."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.ranking.columns import WALKTHROUGH, load_columns
from seqrec_cli.errors import ConfigError
from tests.conftest import ROOT


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
