"""What a user may do wrong: one sentence, the place, the remedy, exit code 1,
and nothing written."""

import errno
import gzip
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from seqrec_cli.app import app
from seqrec_cli.core.data import public as datasets
from seqrec_cli.core.storage.downloads import DownloadError

GOOD = "1 1\n1 2\n1 3\n2 1\n2 2\n2 3\n"
GOOD_CSV = "user,item,time\n" + "".join(
    f"{user},{item},{100 + item}\n" for user in (1, 2) for item in (1, 2, 3)
)


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def prepare(
    runner: CliRunner, tmp_path: Path, name: str, content: str | bytes, *options: str
) -> Result:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return runner.invoke(
        app, ["prepare", str(path), "--data-dir", str(tmp_path / "data"), *options]
    )


def assert_refused(result: Result, tmp_path: Path, message: str, hint: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert f"hint: {hint}" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "content", "options", "message", "hint"),
    [
        ("a.txt", "", [], "a.txt` is empty", "it must have a line"),
        ("a.csv", "user,item,time\n", [], "a.csv` has no interactions", "it must have a line"),
        (
            "a.txt",
            "5\n6\n",
            [],
            "cannot tell which column is the user and which the item; found 1 (as in `5`)",
            "name them",
        ),
        (
            "a.txt",
            GOOD + "3 x\n",
            ["--format", "user-item"],
            "a.txt`, line 7: the item `x` is not a whole number",
            "for any other ids",
        ),
        ("a.txt", GOOD + "3 1 5\n", [], "line 7: more values than the other lines", "leave such"),
        (
            "a.txt",
            GOOD + "0 1\n",
            ["--format", "user-item"],
            "line 7: the user is 0, but ids count from 1",
            "for any other ids",
        ),
        (
            "a.txt",
            GOOD + "4 -2\n",
            ["--format", "user-item"],
            "line 7: the item is -2, but ids count from",
            "for any other ids",
        ),
        (
            "a.txt",
            GOOD + "9223372036854775808 1\n",
            ["--format", "user-item"],
            "line 7: the user 9223372036854775808 is beyond 2^63 - 1",
            "for any other ids",
        ),
        ("a.txt", GOOD + "3\0 1\n", [], "a.txt`, line 7: a NUL byte", "export it as UTF-8 text"),
        (
            "a.csv",
            GOOD_CSV + "3,4\n",
            [],
            "line 8: fewer values than the other",
            "leave such lines",
        ),
        (
            "a.csv",
            GOOD_CSV + "3,4,now\n",
            [],
            "line 8: the time in `time` is `now`, which is not like the others",
            "leave such rows out",
        ),
        (
            "a.csv",
            GOOD_CSV + "3,4,2024-01-01\n",
            [],
            "line 8: the time in `time` is `2024-01-01`, which is not like the others",
            "leave such rows out",
        ),
        (
            "a.csv",
            GOOD_CSV + ",4,5\n",
            [],
            "line 8: the user in `user` is empty",
            "leave such rows",
        ),
        ("a.csv", GOOD_CSV + '3,"4,5\n', [], "line 8: a quote that is never", "close it"),
        (
            "a.csv",
            GOOD_CSV.encode() + b"\xff,4,5\n",
            [],
            "line 8: the id `\ufffd` is not UTF-8",
            "name the encoding",
        ),
        (
            "a.csv",
            f"user,item\n{'x' * 1001},1\n",
            [],
            "an id has 1001 characters, more than 1000",
            "choose another column",
        ),
        ("a.csv", "x" * 2_000_000, [], "cannot tell which column", "name them"),
        (
            "a.csv",
            "a,b,c\n1,2,3\n",
            [],
            "cannot tell which column is the user and which the item; found `a` (as in `1`), `b`",
            "name them, as in `--columns user=…,item=…`",
        ),
        (
            "a.csv",
            "".join(f"{n % 9},{n * 7 % 23},{n * 5 % 21}\n" for n in range(99)),
            [],
            "found 1 (as in `0`), 2 (as in `0`), 3 (as in `0`)",
            "if this is right: `seqrec prepare ",
        ),
        (
            "a.csv",
            GOOD_CSV,
            ["--columns", "user=x,item=item"],
            "no column `x` for the user",
            "name",
        ),
        (
            "a.csv",
            GOOD_CSV,
            ["--columns", "who=user"],
            "`who=user` in --columns is not one of",
            "as in",
        ),
        *(
            (
                "a.csv",
                GOOD_CSV,
                ["--columns", columns],
                "the column `user` cannot be both the user and the item",
                "name another column for the item",
            )
            for columns in ("user=user,item=user", "user=user,item=1", "user=1,item=1,time=time")
        ),
        (
            "a.inter",
            "user_id:token\tat:float\n1\t2\n",
            ["--columns", "user=user_id,item=at,time=at"],
            "the column `at:float` cannot be both the item and the time",
            "name another column for the time",
        ),
        (
            "a.csv",
            "1,2\n1,3\n",
            ["--columns", "user=2,item=2"],
            "the column `2` cannot be both the user and the item",
            "name another column for the item",
        ),
        ("a.csv", GOOD_CSV, ["--min-rating", "3"], "no ratings to hold against", "leave out --min"),
        (
            "a.csv",
            "user,item,rating\n1,2,good\n",
            ["--columns", "rating=rating"],
            "the rating in `rating` is `good`, which is not a number",
            "set the rating of each word: `--rating-values good=1`",
        ),
        ("a.csv", GOOD_CSV, ["--delimiter", "xxxxx"], "`xxxxx` cannot be a delimiter", "name one"),
        ("a.csv", GOOD_CSV, ["--delimiter", '"'], '`"` cannot be a delimiter', "name one"),
        ("a.csv", GOOD_CSV, ["--delimiter", "\n"], "` cannot be a delimiter", "name one"),
        ("a.inter", "user,item\n1,2\n", [], "not the header of a RecBole file", "for any other"),
        (
            "a.csv.gz",
            gzip.compress(GOOD_CSV.encode(), mtime=0)[:-12],
            [],
            "a damaged archive",
            "it was cut",
        ),
        ("a.csv.gz", b"not gzip", [], "a damaged archive: Not a gzipped file", "it was cut short"),
        ("a.zip", b"PK\x03\x04", [], "is a damaged archive", "it was cut short"),
        ("a.txt", "1 5\n1 5\n1 5\n2 5\n", [], "has a single item", "bring a log of several items"),
        ("a.txt", "1 1\n2 2\n3 3\n", [], "a.txt` has 3 interactions", "bring longer histories"),
        (
            "a.txt",
            GOOD,
            ["--min-user-count", "9"],
            "nothing is left of the 6 interactions",
            "lower",
        ),
        ("a.txt", GOOD, ["--split", "time"], "a split by time needs times", "name their column"),
        (
            "a.txt",
            GOOD,
            ["--name", "a/b"],
            "`a/b` cannot be the name of a dataset",
            "choose one of",
        ),
        (
            "a.txt",
            GOOD,
            ["--items-file", "nope.csv"],
            "there is no file `nope.csv`",
            "check the path",
        ),
    ],
)
def test_refuses(
    runner: CliRunner,
    tmp_path: Path,
    name: str,
    content: str | bytes,
    options: list[str],
    message: str,
    hint: str,
) -> None:
    assert_refused(prepare(runner, tmp_path, name, content, *options), tmp_path, message, hint)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("nope.csv", "there is no file `nope.csv`", "check the path"),
        (
            "ml-2m",
            "there is no named dataset and no file `ml-2m`",
            "named are demo, ml-100k, ml-1m",
        ),
    ],
)
def test_refuses_what_is_not_there(
    runner: CliRunner, tmp_path: Path, source: str, message: str, hint: str
) -> None:
    result = runner.invoke(app, ["prepare", source, "--data-dir", str(tmp_path / "data")])
    assert_refused(result, tmp_path, message, hint)


def test_refuses_a_folder_and_an_archive_without_a_log(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    for name in ("folder", "a.zip"):
        arguments = ["prepare", str(tmp_path / name), "--data-dir", str(tmp_path / "data")]
        result = runner.invoke(app, arguments)
        assert_refused(result, tmp_path, "has no file of data", "name the file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
@pytest.mark.parametrize("name", ["pipe", "pipe.csv.gz", "pipe.parquet", "pipe.zip", "u.data"])
def test_refuses_a_pipe(runner: CliRunner, tmp_path: Path, name: str) -> None:
    pipe, data = tmp_path / name, str(tmp_path / "data")
    os.mkfifo(pipe)  # would wait for a writer if it were opened
    result = runner.invoke(app, ["prepare", str(pipe), "--data-dir", data])
    assert_refused(result, tmp_path, f"`{pipe}` is not a regular file", "save what comes from it")
    result = prepare(runner, tmp_path, "a.txt", GOOD, "--items-file", str(pipe))
    assert_refused(result, tmp_path, f"`{pipe}` is not a regular file", "save what comes from it")


@pytest.mark.parametrize(
    "source", ["x" * 300, "x" * 300 + ".csv", "x/" * 3000 + "x"], ids=["name", "file", "folders"]
)
def test_refuses_a_path_that_is_too_long(runner: CliRunner, tmp_path: Path, source: str) -> None:
    data = str(tmp_path / "data")
    for arguments in ([source], [source, "--name", "a"]):
        result = runner.invoke(app, ["prepare", *arguments, "--data-dir", data])
        assert_refused(result, tmp_path, f"cannot read `{source[:300]}", "check")
        assert f"{source[-200:]}`: File name too long\n" in result.stderr
    result = prepare(runner, tmp_path, "a.txt", GOOD, "--items-file", source)
    assert_refused(result, tmp_path, f"cannot read `{source[:300]}", "check")


def refuse_to_look(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nobody look into a folder, not even root."""
    stat = os.stat

    def refuse(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and folder in Path(path).parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", refuse)


def test_refuses_a_folder_that_must_not_be_searched(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    refuse_to_look(monkeypatch, locked)
    for source, place in (("a.csv", "a.csv"), ("u.data", "u.data"), (".", "u.data")):
        arguments = ["prepare", str(locked / source), "--data-dir", str(tmp_path / "data")]
        result = runner.invoke(app, arguments)
        message = f"cannot read `{locked / place}`: Permission denied"
        assert_refused(result, tmp_path, message, "check the path and its permissions")


def test_refuses_a_data_folder_that_must_not_be_searched(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    refuse_to_look(monkeypatch, locked)
    result = runner.invoke(app, ["prepare", "ml-1m", "--data-dir", str(locked)])
    message = f"cannot read `{locked / 'ml-1m.txt'}`: Permission denied"
    assert_refused(result, tmp_path, message, "check the path and its permissions")


def test_refuses_an_altered_archive(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("u.data", "1\t1\t1\t1\n" * 100)
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    result = prepare(runner, tmp_path, "a.zip", bytes(content))
    assert_refused(result, tmp_path, "a damaged archive: Bad CRC-32", "it was cut short")


def test_refuses_to_replace_its_own_source(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(GOOD)
    result = runner.invoke(app, ["prepare", str(path), "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "the result would replace its source" in result.stderr
    assert path.read_text() == GOOD


def test_says_how_to_get_a_dataset_by_hand(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_net(*args: Any) -> Any:
        raise DownloadError("cannot reach `https://files.grouplens.org`: no route")

    monkeypatch.setenv("SEQREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "download", no_net)
    arguments = ["prepare", "ml-1m", "--data-dir", str(tmp_path / "data")]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert "error: cannot get the dataset ml-1m: cannot reach" in result.stderr
    assert (
        "hint: download https://files.grouplens.org/datasets/movielens/ml-1m.zip" in result.stderr
    )
    assert str(tmp_path / "cache" / "ml-1m.zip") in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("a.txt", b"\xef\xbb\xbf" + GOOD.encode(), ""),
        ("a.txt", GOOD.replace("\n", "\r\n"), ""),
        ("a.txt", GOOD + "3 1\n", "note: 1 of 3 users has nothing in the test part"),
        ("a.txt", "7 1\n7 2\n7 3\n", "note: there is a single user"),
        ("a.csv", GOOD_CSV + "2,4,50\n", "note: 1 row is earlier than the row before"),
        ("a.csv", GOOD_CSV + "2,3,103\n", ""),
    ],
    ids=["mark", "CRLF", "one interaction", "one user", "back in time", "exact duplicate"],
)
def test_copes_with(
    runner: CliRunner, tmp_path: Path, name: str, content: str | bytes, note: str
) -> None:
    result = prepare(runner, tmp_path, name, content)
    assert result.exit_code == 0, result.output
    assert note in result.stderr
    if content == GOOD_CSV + "2,3,103\n":
        assert "dropped: exact duplicate" in result.stdout


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "free some space on the disk"), (errno.EACCES, "check the permissions of")],
)
def test_says_when_it_cannot_write(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    result = prepare(runner, tmp_path, "a.txt", GOOD)
    assert result.exit_code == 1
    assert f"a.npz`: {os.strerror(number)}" in result.stderr
    assert f"hint: {hint}" in result.stderr
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_says_when_the_folder_is_not_writable(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    result = prepare(runner, tmp_path, "a.txt", GOOD)
    assert result.exit_code == 1
    assert "Permission denied" in result.stderr
