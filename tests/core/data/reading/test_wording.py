"""Hints can be pasted: a shell gives the condition back, and the engine understands it."""

import shlex
from pathlib import Path

import pytest

from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.wording import shortened, where_option


@pytest.mark.parametrize("column", ["event", "type of event", "4th", "price $"])
@pytest.mark.parametrize("value", ["view", "it's", "3", "a b"])
def test_an_option_chooses_its_rows_after_a_shell_has_read_it(
    tmp_path: Path, column: str, value: str
) -> None:
    path = tmp_path / "log.csv"
    rows = [
        f'{user},{item},"{value if item % 2 else "other"}"' for user in (1, 2) for item in (1, 2, 3)
    ]
    path.write_text("\n".join([f'user,item,"{column}"', *rows]) + "\n")
    option, condition = shlex.split(where_option(column, value))
    assert option == "--where"
    log = read_interactions(TextSource(path), Reading(where=(condition,)))
    assert sorted(log.item_ids[log.items].tolist()) == [1, 1, 3, 3]


def test_long_texts_are_cut() -> None:
    assert shortened("a" * 100, 10) == "a" * 9 + "…"
    assert shortened("short") == "short"
