"""Lines that cannot be read are named or counted."""

import shlex

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import GOOD, HEADER, ReadText


@pytest.mark.parametrize(
    ("line", "words", "reason"),
    [
        (",4,5,1500000000", "the user in `user` is empty", "no user"),
        ("NA,4,5,1500000000", "the user in `user` is `NA`, which stands for", "no user"),
        ("3,,5,1500000000", "the item in `item` is empty", "no item"),
        ("3,null,5,1500000000", "the item in `item` is `null`, which stands", "no item"),
        ("3,4,5,", "the time in `time` is empty", "no time that can be read"),
        (
            "3,4,5,soon",
            "the time in `time` is `soon`, which is not like",
            "no time that can be read",
        ),
        ("3,4,5", "fewer values than the other lines have: `3,4,5`", "line that cannot be read"),
        ("3,4,5,1500000000,6", "more values than the other lines", "line that cannot be read"),
    ],
)
def test_a_bad_line_is_named_or_counted(read: ReadText, line: str, words: str, reason: str) -> None:
    text = f"{HEADER}{GOOD}{line}\n{GOOD}"
    with pytest.raises(InputError) as caught:
        read(text)
    assert "log.csv`, line 18: " in caught.value.message
    assert words in caught.value.message
    assert "--drop-incomplete`" in caught.value.hint
    rows = read(text, drop_incomplete=True).rows
    assert rows.dropped == {reason: 1}
    assert (rows.rows_read, len(rows.users)) == (33, 32)


def test_the_command_in_the_hint_works(read: ReadText) -> None:
    from typer.testing import CliRunner

    from seqrec_cli.app import app

    with pytest.raises(InputError) as caught:
        read(f"{HEADER}{GOOD},4,5,1500000000\n")
    typed = shlex.split(caught.value.hint.partition("`")[2].rpartition("`")[0])
    result = CliRunner().invoke(app, [*typed[1:], "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "dropped: no user" in result.stdout
