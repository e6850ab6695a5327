"""Rows that no model can learn from are refused when they are described."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.ranking.from_table import prepare_pair
from seqrec_cli.errors import InputError
from tests.core.data.ranking.pairs import TEST, folder
from tests.core.data.ranking.toy import COLUMNS


def test_rows_of_one_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every row of the test part has the same label"):
        prepare_pair(folder(tmp_path, test=TEST.replace(",,1", ",,0")), "toy", COLUMNS)
