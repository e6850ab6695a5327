"""The file of `recommend`: in parts, and by an engine."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from tests.commands.conftest import run


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_many_users_are_written_in_parts_with_the_bytes_of_one(
    runner: CliRunner,
    tmp_path: Path,
    cycle: SequenceDataset,
    ending: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from seqrec_cli.core.inference import parts

    asked = ["nobody", *(str(i) for i in cycle.user_ids[:60]), "=nobody", "9999999"]
    (tmp_path / "users.txt").write_text("\n".join(asked))
    written = []
    for size in (1000, 7):
        monkeypatch.setattr(parts, "PART_USERS", size)
        output = tmp_path / f"{size}.{ending}"
        command = ["recommend", "--run", "good", "--topk", "3", "--unknown", "popular"]
        command += ["--users", str(tmp_path / "users.txt"), "--output", str(output)]
        command += ["--only", "item > 1010", "--safe-csv"] if ending == "csv" else []
        result = runner.invoke(app, command)
        assert result.exit_code == 0, result.output
        written.append(output.read_bytes())
    assert written[0] == written[1]
    assert len(written[0].splitlines()) == 63 * 3 + (ending == "csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"1000.{ending}", f"7.{ending}", "users.txt"]
    )


MANY = ["recommend", "--users", "users.txt", "--output", "out.csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["recommend", "--user", "100", "--engine", "ray"], 2, "--engine is for many people"),
        ([*MANY, "--workers", "2"], 2, "--workers is for --engine ray"),
        ([*MANY, "--engine", "ray", "--rerank", "x"], 1, "does not do --rerank"),
        ([*MANY, "--engine", "ray", "--device", "mps"], 1, "does not do --device mps"),
    ],
)
def test_what_does_not_go_with_an_engine_is_refused_by_name(
    runner: CliRunner, arguments: list[str], code: int, said: str
) -> None:
    result = run(runner, *arguments, code=code)
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_without_ray_it_says_what_to_install(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "users.txt").write_text("100\n")
    users, output = str(tmp_path / "users.txt"), str(tmp_path / "out.csv")
    arguments = ["--users", users, "--output", output, "--engine", "ray"]
    result = run(runner, "recommend", "--run", "good", *arguments, code=1)
    assert 'pip install "ray' in result.stderr
    assert not (tmp_path / "out.csv").exists()
