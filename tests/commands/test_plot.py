"""seqrec plot: any run of any model, with and without matplotlib."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app


@pytest.fixture
def place(cycle_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of two validations."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(
        f"data: {cycle_npz}\nmodel: {{hidden: 8, max_length: 6}}\n"
        "training: {epochs: 2, validate_every: 1}\n"
    )
    result = CliRunner().invoke(app, ["train", "--config", "toy.yaml", "--run", "one"])
    assert result.exit_code == 0, result.output
    return tmp_path


def test_draws_letters_in_the_terminal(
    runner: CliRunner, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # not needed
    result = runner.invoke(app, ["plot"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("loss\n")
    assert "validation ndcg@10" in result.stdout
    assert "o one: validation ndcg@10" in result.stdout
    assert result.stderr == ""


def test_writes_a_picture(runner: CliRunner, place: Path) -> None:
    pytest.importorskip("matplotlib")
    result = runner.invoke(app, ["plot", "one", "--output", "one.svg"])
    assert result.exit_code == 0, result.output
    assert "one.svg" in result.stderr
    assert result.stdout == ""
    assert (place / "one.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "there is no run `runs/nope`"),
        (["one", "latest"], "a run is named twice"),
        (["one", "--output", "one.pdf"], "ends in neither .png nor .svg"),
        (["one", "--output", "one.png"], 'hint: pip install "matplotlib>=3.8"'),
    ],
)
def test_explains_what_is_wrong(
    runner: CliRunner,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = runner.invoke(app, ["plot", *arguments])
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["日本", "a$b$c", "_x", "$\\frac{", "\x1b[31m"])
def test_draws_runs_of_any_name(runner: CliRunner, place: Path, name: str) -> None:
    """Without a warning of the library; a note says which names the font cannot show."""
    pytest.importorskip("matplotlib")
    (place / "runs" / "one").rename(place / "runs" / name)
    result = runner.invoke(app, ["plot", f"runs/{name}", "--output", "a.svg"])
    assert result.exit_code == 0, result.output
    odd = name in ("日本", "\x1b[31m")
    assert ("lacks characters of" in result.stderr) == odd
    assert "Glyph" not in result.stderr


def test_draws_what_rules_cost(runner: CliRunner, place: Path) -> None:
    none = runner.invoke(app, ["plot", "one", "--trade", "test"])
    assert none.exit_code == 1
    assert "has no evaluation on the test part" in none.stderr
    for rule in ([], ["--popularity-penalty", "0.5"]):
        command = ["evaluate", "one", "--k", "10", "--no-baselines", *rule]
        assert runner.invoke(app, command).exit_code == 0
    result = runner.invoke(app, ["plot", "one", "--trade", "test"])
    assert result.exit_code == 0, result.output
    assert "ndcg@10 by coverage@10" in result.stdout
    assert "ndcg@10 by popularity rank@10" in result.stdout
    assert "--popularity-penalty 0.5" in result.stdout
    pytest.importorskip("matplotlib")
    assert (
        runner.invoke(app, ["plot", "one", "--trade", "test", "--output", "a.png"]).exit_code == 0
    )
    assert (place / "a.png").stat().st_size > 1000
