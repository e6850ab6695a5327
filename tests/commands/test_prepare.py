"""`seqrec prepare` end to end: what is written, what is printed, and where."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data import public as datasets
from seqrec_cli.core.data.dataset import SequenceDataset

LOG = "user,item,rating,time\n" + "".join(
    f"{user},{item},{item % 5 + 1},{1_000_000_000 + 10 * item + user}\n"
    for user in (5, 3, 9)
    for item in range(1, 8)
)


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.csv"
    path.write_text(LOG)
    return path


def test_prepares_a_strangers_csv(runner: CliRunner, log: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["prepare", str(log), "--data-dir", str(tmp_path / "data")])
    assert result.exit_code == 0, result.output
    dataset = SequenceDataset.load(tmp_path / "data" / "clicks.npz")
    assert dataset.user_ids.tolist() == [3, 5, 9]
    assert [history.tolist() for history in dataset.train] == [[1, 2, 3, 4, 5]] * 3
    assert dataset.test is not None
    assert dataset.test.items.tolist() == [7, 7, 7]
    for words in ("interactions", "21", "15 of 3 users", "leave-one-out", "100.00%"):
        assert words in result.stdout
    assert "clicks.npz" in result.stderr
    assert "hint: seqrec train --data clicks" in result.stderr


def test_prints_the_manifest_as_json(runner: CliRunner, log: Path, tmp_path: Path) -> None:
    arguments = ["prepare", str(log), "--data-dir", str(tmp_path), "--json", "--min-rating", "2"]
    result = runner.invoke(app, [*arguments, "--name", "rated"])
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)
    assert manifest == json.loads((tmp_path / "rated.json").read_text())
    assert manifest["rows_read"] == 21
    assert manifest["dropped"] == {"rating below the threshold": 3}
    assert manifest["source"]["columns"] == {
        "user": "user", "item": "item", "time": "time", "rating": "rating",
    }  # fmt: skip


def test_replaces_an_earlier_result(runner: CliRunner, log: Path, tmp_path: Path) -> None:
    arguments = ["prepare", str(log), "--data-dir", str(tmp_path)]
    assert runner.invoke(app, arguments).exit_code == 0
    before = (tmp_path / "clicks.npz").read_bytes()
    assert runner.invoke(app, [*arguments, "--min-rating", "3"]).exit_code == 0
    assert (tmp_path / "clicks.npz").read_bytes() != before
    assert runner.invoke(app, arguments).exit_code == 0
    assert (tmp_path / "clicks.npz").read_bytes() == before


def test_splits_by_time(runner: CliRunner, log: Path, tmp_path: Path) -> None:
    arguments = ["prepare", str(log), "--data-dir", str(tmp_path), "--split", "time", "--json"]
    moments = ["--valid-from", "2001-09-09T01:47:35", "--test-from", "1000000070"]
    result = runner.invoke(app, [*arguments, *moments])
    assert result.exit_code == 0, result.output
    split = json.loads(result.stdout)["split"]
    assert split["valid_from"] == 1_000_000_055
    assert [split[part]["interactions"] for part in ("train", "valid", "test")] == [13, 5, 3]


def test_takes_a_named_dataset_from_the_data_folder(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "ml-1m.txt").write_text("".join(f"{u} {i}\n" for u in (1, 2) for i in (1, 2, 3, 4)))
    result = runner.invoke(app, ["prepare", "ml-1m", "--data-dir", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)
    assert manifest["source"]["format"] == "user-item"
    assert manifest["filters"] == {"min_user_count": 1, "min_item_count": 1}
    assert "licence: MovieLens" in result.stderr
    assert "Harper & Konstan" in result.stderr


def test_filters_a_named_archive_as_the_literature_does(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{u}\t{i}\t3\t{100 + i}\n" for u in range(1, 7) for i in range(1, 7)]
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    (folder / "u.data").write_text("".join(rows) + "7\t1\t3\t100\n")

    def obtain(dataset: datasets.NamedDataset, data_dir: Path) -> object:
        yield datasets.Step("downloading")
        yield datasets.Received(1 << 20, 2 << 20)
        yield datasets.Found(datasets.TextSource(folder), "https://example.org", "the archive")

    monkeypatch.setattr(datasets, "obtain", obtain)
    arguments = ["prepare", "ml-100k", "--data-dir", str(tmp_path / "data"), "--json"]
    manifest = json.loads(runner.invoke(app, arguments).stdout)
    assert manifest["filters"] == {"min_user_count": 5, "min_item_count": 5}
    assert manifest["dropped"] == {"rare user": 1}
    manifest = json.loads(runner.invoke(app, [*arguments, "--min-user-count", "1"]).stdout)
    assert manifest["dropped"] == {}


def test_does_not_import_torch(log: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from seqrec_cli.app import app\n"
        f"try: app(['prepare', {str(log)!r}, '--data-dir', {str(tmp_path)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


SMALL_LOG = "user,item,time\n" + "".join(
    f"u{u},i{(u + t) % 6},{t}\n" for u in range(8) for t in range(5)
)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (["--new-items"], "there is no file with items beside", "--items-file FILE"),
        (["--user-features", "age=dense"], "there is no file with users", "--users-file FILE"),
        (["--user-features", "age=number"], "is not NAME=KIND", "year=dense,genres=tags"),
        (["--users-file", "bare.csv"], "has no header, so its columns", "give it a header"),
        (["--users-file", "others.csv"], "has no row for any user of the log", "such as `u0`"),
        (["--users-file", "nope.csv"], "there is no file `nope.csv`", "check the path"),
    ],
)
def test_what_is_wrong_with_features_is_said(
    runner: CliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
    hint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text(SMALL_LOG)
    Path("bare.csv").write_text("u1,7\nu2,9\n")
    Path("others.csv").write_text("user,age\nv1,7\nv2,9\n")
    result = runner.invoke(app, ["prepare", "log.csv", *options])
    assert result.exit_code == 1
    assert message in result.stderr
    assert hint in result.stderr
    assert not Path("data").exists()


def test_files_beside_a_log_are_taken_for_what_they_are(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{u},{(u + t) % 6},4,{t}" for u in range(8) for t in range(5)]
    Path("ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]))
    movies = [f"{i},Film {i},Drama,{1990 + i},{i * 1000}" for i in range(6)]
    Path("movies.csv").write_text("\n".join(["movieId,title,genres,year,budget", *movies]))
    chosen = ["--item-features", "year=dense,budget=dense"]
    result = runner.invoke(app, ["prepare", "ratings.csv", *chosen])
    assert result.exit_code == 0, result.stderr
    dataset = SequenceDataset.load(Path("data/ratings.npz"))
    features = dataset.item_features
    assert features is not None
    assert [column.name for column in dataset.encoders.columns] == ["year", "budget"]
    assert (np.diff(features.dense, axis=0) > 0).all()
    Path("movies.csv").write_text("movieId,title,genres\n700,Other (1999),Drama\n")
    result = runner.invoke(app, ["prepare", "ratings.csv"])  # of another log, by chance
    assert result.exit_code == 0, result.stderr
    assert SequenceDataset.load(Path("data/ratings.npz")).item_features is None


def test_a_dataset_made_from_another_file_is_not_replaced_without_force(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{user} {(user + t) % 7 + 1}" for user in range(1, 9) for t in range(5)]
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("\n".join(rows) + f"\n1 {8 + (name == 'b.txt')}\n")
    assert runner.invoke(app, ["prepare", "a.txt", "--name", "log"]).exit_code == 0
    before = Path("data/log.npz").read_bytes()
    refused = runner.invoke(app, ["prepare", "b.txt", "--name", "log"])
    assert refused.exit_code == 1
    assert "error: the dataset `data/log.npz` was made from `a.txt`" in refused.stderr
    assert "`--force`" in refused.stderr
    assert Path("data/log.npz").read_bytes() == before
    Path("a.txt").write_text("\n".join(rows) + "\n")  # the log itself may change
    assert runner.invoke(app, ["prepare", "a.txt", "--name", "log"]).exit_code == 0
    assert runner.invoke(app, ["prepare", "b.txt", "--name", "log", "--force"]).exit_code == 0


def test_a_split_by_time_says_how_many_users_can_be_evaluated(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"u{u},i{(u + k) % 6},{100 * k + u}" for u in range(6) for k in range(10)]
    rows += [f"new{u},i{k},{950 + 10 * u + k}" for u in range(4) for k in range(3)]
    Path("log.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n")
    split = ["--split", "time", "--valid-from", "700", "--test-from", "900"]
    result = runner.invoke(app, ["prepare", "log.csv", *split])
    assert result.exit_code == 0, result.output
    (row,) = (line for line in result.stdout.splitlines() if line.startswith("test "))
    assert row.split(maxsplit=1)[1].strip() == "18 of 10 users, 6 can be evaluated"
