"""What the names of folders and files say of the rows in them."""

import re
from pathlib import Path

import pytest

from seqrec_cli.core.data.reading.folders import column_of
from seqrec_cli.core.data.reading.log import Log, read_log
from seqrec_cli.core.data.reading.options import Reading, parse_columns
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import rows_of

DAYS = ("2021-03-01", "2021-03-02", "2021-03-03")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_names_of_folders_are_columns(tmp_path: Path, form: str) -> None:
    for place, day in enumerate(reversed(DAYS)):
        folder = tmp_path / "log" / f"day={day}"
        folder.mkdir(parents=True)
        row = f'{{"user": "u", "item": "i{place}"}}\n' if form == "json" else f"u,i{place}\n"
        text = row if form == "json" else "user,item\n" + row
        (folder / f"part-0.{form}").write_text(text)
    log = read_log(TextSource(tmp_path / "log"), Reading())
    assert log.columns["time"] == "day"
    assert [row[1] for row in sorted(rows_of(log), key=lambda row: row[2])] == ["i2", "i1", "i0"]


def read_as_proposed(folder: Path) -> Log:
    """A folder that is refused, read by what the hint says to type."""
    with pytest.raises(InputError) as refused:
        read_log(TextSource(folder), Reading())
    match = re.search("--columns ([^`]+)`", refused.value.hint)
    assert match
    return read_log(TextSource(folder), Reading(columns=parse_columns(match[1])))


def test_a_file_may_be_of_one_user(tmp_path: Path) -> None:
    for user in ("u7", "u1", "u33"):
        rows = "".join(f"{1_600_000_000_000 + n},q{n},{'abc'[n % 3]}\n" for n in range(9))
        (tmp_path / f"{user}.csv").write_text("timestamp,question_id,user_answer\n" + rows)
    log = read_as_proposed(tmp_path)
    assert sorted(log.rows.user_ids.tolist()) == ["u1", "u33", "u7"]
    assert len(log.rows.users) == 27
    assert log.columns["time"] == "timestamp"


@pytest.mark.parametrize("text", ["[{}]", "{}"])
def test_a_folder_may_be_of_one_user(tmp_path: Path, text: str) -> None:
    """As people send what a service knows of them: files of one name, each in one line or many."""
    for user in ("u7", "u1", "u33"):
        rows = [
            f'{{"endTime": "2023-01-{n + 1:02} 10:00", "artistName": "a{n % 3}", '
            f'"trackName": "t{n % 5}"}}'
            for n in range(9 + len(user))
        ]
        (tmp_path / user).mkdir()
        path = tmp_path / user / "history.json"
        path.write_text(text.format((", " if text == "[{}]" else "\n").join(rows)))
    log = read_as_proposed(tmp_path)
    assert sorted(log.rows.user_ids.tolist()) == ["u1", "u33", "u7"]
    assert log.columns["item"] == "trackName"


def test_odd_names_stay_texts() -> None:
    assert column_of("file", {"/a'b.csv": "it's"}).sql == "map {'/a''b.csv': 'it''s'}[filename]"
