"""seqrec from a notebook gives what the commands give."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import seqrec_cli as seqrec
from seqrec_cli.app import app
from seqrec_cli.core.evaluation.report import EvaluationProtocol, Report
from seqrec_cli.core.training.events import Validated
from seqrec_cli.errors import ConfigError, InputError
from tests.shop import ITEMS, NEW


def test_the_names_are_there_and_no_other() -> None:
    assert set(seqrec.__all__) == set(dir(seqrec))
    assert all(callable(getattr(seqrec, name)) for name in seqrec.__all__[1:])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = seqrec.nothing


def test_prepare_gives_what_the_command_gives(place: Path, runner: CliRunner) -> None:
    assert runner.invoke(app, ["prepare", "log.txt", "--data-dir", "other"]).exit_code == 0
    data = seqrec.prepare("log.txt")
    assert data.sha256 == seqrec.load_dataset("other/log.npz").sha256
    assert data.num_users == 8
    assert seqrec.prepare("log.txt", save=False, name="unsaved").sha256 == ""
    assert not Path("data/unsaved.npz").exists()


def test_train_and_evaluate_give_what_the_commands_give(place: Path, runner: CliRunner) -> None:
    validated = []
    run = seqrec.train("toy.yaml", run="two", device="cpu", on_event=validated.append)
    assert [event.epoch for event in validated if isinstance(event, Validated)] == [1, 2]
    weights = [Path("runs", name, "best.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]
    report = seqrec.evaluate(run, protocol=EvaluationProtocol(ks=(5,)))
    assert isinstance(report, Report)
    result = runner.invoke(app, ["evaluate", "two", "--k", "5", "--json"])
    plain = report.plain()
    assert json.loads(result.stdout) == json.loads(json.dumps(plain))
    assert seqrec.load_run("two").path == run.path


def test_train_without_a_config_chooses_as_the_command_does(place: Path, runner: CliRunner) -> None:
    run = seqrec.train(data="toy", device="cpu", settings=["model.ridge=7"])
    assert run.path == Path("runs/toy-linear-1")
    command = ["train", "--data", "toy", "--device", "cpu", "--set", "model.ridge=7"]
    said = runner.invoke(app, command).stderr
    first, second = (Path("runs", f"toy-linear-{n}") for n in (1, 2))
    for name in ("experiment.yaml", "best.safetensors"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    reasons = [
        json.loads((p / "manifest.json").read_text())["settings_chosen"] for p in (first, second)
    ]
    assert reasons[0] == reasons[1]
    assert all(f"chosen: {reason}" in said for reason in reasons[0])
    with pytest.raises(ConfigError, match="neither a config nor a dataset"):
        seqrec.train()


def test_recommend_gives_what_the_command_gives(place: Path, runner: CliRunner) -> None:
    (mine,) = seqrec.recommend("one", users=[100], k=3)
    result = runner.invoke(
        app, ["recommend", "--run", "one", "--user", "100", "--topk", "3", "--json"]
    )
    (printed,) = json.loads(result.stdout)
    assert [(r.rank, r.item, r.title, r.score) for r in mine] == [
        (row["rank"], row["item"], row["title"], row["score"]) for row in printed["items"]
    ]
    first, second = seqrec.recommend("one", histories=[[1001, 1002], [1005]], k=2)
    assert len(first) == len(second) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "name either users or histories"),
        ({"users": [100], "histories": [[1001]]}, "name either users or histories"),
        ({"users": [7]}, "there is no user `7`"),
        ({"histories": [[1001, 5]]}, "there is no item `5`"),
        ({"histories": [[]]}, "a history is empty"),
    ],
)
def test_recommend_explains_what_is_wrong(
    place: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        seqrec.recommend("one", **arguments)


def test_what_nothing_was_learned_of_is_left_out_as_the_commands_do(
    shop: Path, runner: CliRunner
) -> None:
    """The shop has items that nobody has, whose vectors are as training began."""
    told = json.loads(runner.invoke(app, ["evaluate", "one", "--json", "--no-baselines"]).stdout)
    report = seqrec.evaluate("one", baselines=False)
    assert report.plain() == told
    new = set(np.load("data/shop.npz")["item_ids"][-NEW:].tolist())
    lists = seqrec.recommend("one", histories=[[f"item {n:02}"] for n in range(8)], k=ITEMS + NEW)
    assert all(len(each) == ITEMS - 1 for each in lists)
    assert not new & {row.item for each in lists for row in each}
