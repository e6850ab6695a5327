"""seqrec embed: vectors whose products are the scores."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.storage.arrays import load_arrays
from tests.commands.conftest import ask


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


def test_embed_writes_vectors_whose_products_are_the_scores(
    runner: CliRunner, tmp_path: Path
) -> None:
    outputs = {w: tmp_path / f"{w}.npz" for w in ("users", "items")}
    for name, path in outputs.items():
        arguments = ["embed", "good", f"--{name}", "--output", str(path)]
        result = runner.invoke(app, arguments)
        assert result.exit_code == 0, result.output
    users, items = (load_arrays(outputs[name]) for name in ("users", "items"))
    assert users["ids"].tolist() == [*range(100, 300)]
    assert items["ids"].tolist() == [*range(1001, 1051)]
    scores = users["vectors"] @ items["vectors"].T
    found = ask(runner, "recommend", "--run", "good", "--user", "107", "--seen", "include")
    best = (-scores[7]).argsort()[:10]
    assert [row["item"] for row in found[0]["items"]] == items["ids"][best].tolist()
    assert found[0]["items"][0]["score"] == pytest.approx(scores[7].max(), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--output", "a.npz"], 2, "--users or --items"),
        (["--items", "--users", "--output", "a.npz"], 2, "--users or --items"),
        (["--items"], 2, "--output FILE"),
        (["--items", "--output", "a.csv"], 1, "neither .npz nor .parquet"),
    ],
)
def test_what_embed_cannot_do_is_told(
    runner: CliRunner, options: list[str], code: int, message: str
) -> None:
    result = runner.invoke(app, ["embed", "good", *options])
    assert result.exit_code == code
    assert message in result.stderr
