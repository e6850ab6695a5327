"""What TensorBoard shows is what the run has noted."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.runs.tensorboard import as_code, written
from seqrec_cli.core.training.events import EpochDone, StepDone, Validated
from tests.shop import said


class Noted:
    """A writer that notes what it is given."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, float, int]] = []
        self.closed = False

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def test_events_are_written_and_passed_on() -> None:
    events = [
        StepDone(1, 1, 3, 0.9),
        StepDone(1, 2, 3, 0.8),
        EpochDone(1, 0.7),
        Validated(1, 0.7, {"ndcg@10": 0.2}, True),
        StepDone(2, 1, 3, 0.6),
        Validated(2, 0.6, {"ndcg@10": 0.3}, True, step=4),
    ]
    times = iter([0.0, 0.0, 0.0, 1.0, 9.0, 9.0])
    writer = Noted()
    assert list(written(iter(events), writer, lambda: next(times))) == events
    assert writer.scalars == [
        ("loss/in the epoch so far", 0.9, 1),  # the second step comes within two seconds
        ("loss/epoch", 0.7, 1),
        ("validation/ndcg@10", 0.2, 1),
        ("loss/in the epoch so far", 0.6, 4),
        ("validation/ndcg@10", 0.3, 4),
    ]
    assert writer.closed


def test_a_training_that_is_stopped_closes_its_file() -> None:
    writer = Noted()
    events = written(iter([EpochDone(1, 0.7), EpochDone(2, 0.6)]), writer, lambda: 0.0)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert writer.closed


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found: Any = accumulator.EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(each.step, each.value) for each in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def test_what_tensorboard_reads_is_what_the_run_has(place: Path) -> None:
    pytest.importorskip("tensorboard")
    more = ("--run", "two", "--device", "cpu", "--tensorboard", "board")
    said("train", "--config", "toy.yaml", *more)
    said("train", "--resume", "two", "--epochs", "4", "--device", "cpu", "--tensorboard", "board")
    lines = [json.loads(line) for line in Path("runs/two/metrics.jsonl").read_text().splitlines()]
    shown = scalars(Path("board/two"))
    expected = [(line["epoch"], line["ndcg@10"]) for line in lines]
    assert shown["validation/ndcg@10"] == [(n, pytest.approx(v)) for n, v in expected]
    losses = [(line["epoch"], line["loss"]) for line in lines]
    assert shown["loss/epoch"] == [(n, pytest.approx(v)) for n, v in losses]
    weights = Path("runs/two/best.safetensors").read_bytes()
    said("train", "--config", "toy.yaml", "--run", "three", "--device", "cpu", "--epochs", "4")
    assert Path("runs/three/best.safetensors").read_bytes() == weights


def test_a_missing_package_is_told_before_a_run_is_begun(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    told = said("train", "--config", "toy.yaml", "--run", "x", "--tensorboard", "board", code=1)
    assert 'hint: pip install "tensorboard>=2.16"' in told
    assert not Path("runs/x").exists()


def test_a_text_is_shown_as_it_is() -> None:
    assert as_code("a:\n  b: 1\n") == "    a:\n      b: 1\n"
