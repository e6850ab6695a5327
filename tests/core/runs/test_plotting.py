"""Pictures of trainings show what was recorded, where it is, and nothing else."""

import json
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from seqrec_cli.core.runs import plotting
from seqrec_cli.core.runs.plotting import Curve, Panel, draw, legend, panels_of, text_chart
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import InputError, MissingExtra, RunError


def run_of(path: Path, metric: str, values: list[float]) -> Run:
    """A run directory with a record, of a model whose best weights `metric` picks."""
    path.mkdir()
    name = "sasrec" if "@" in metric else "din"
    (path / "experiment.yaml").write_text(
        f"model: {{name: {name}}}\ntraining: {{metric: {metric}}}\n"
    )
    best = -1.0
    lines = []
    for epoch, value in enumerate(values, 1):
        is_best, best = value > best, max(value, best)
        line = {"epoch": 5 * epoch, "loss": 1 / epoch, metric: value, "best": is_best}
        lines.append(json.dumps(line))
    (path / "metrics.jsonl").write_text("\n".join(lines) + "\n" if lines else "")
    return Run(path)


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Run]:
    return {
        "one": run_of(tmp_path / "one", "ndcg@10", [0.1, 0.4, 0.3]),
        "two": run_of(tmp_path / "two", "ndcg@10", [0.2, 0.25]),
        "three": run_of(tmp_path / "three", "auc", [0.6, 0.7]),
    }


def test_panels_are_the_loss_and_every_metric_that_picked_weights(runs: dict[str, Run]) -> None:
    loss, ndcg, auc = panels_of(runs)
    assert (loss.name, ndcg.name, auc.name) == ("loss", "validation ndcg@10", "validation auc")
    assert [curve.run for curve in loss.curves] == ["one", "two", "three"]
    assert ndcg.curves[0] == Curve("one", (5, 10, 15), (0.1, 0.4, 0.3))
    assert ndcg.best == (10, 10)
    assert auc.curves[0].values == (0.6, 0.7)
    assert loss.curves[2].values == (1.0, 0.5)
    assert loss.best == (None, None, None)


def test_a_chart_has_each_value_in_its_place() -> None:
    panel = Panel("loss", (Curve("a", (1, 2, 3, 4, 5), (4.0, 3.0, 2.0, 1.0, 0.0)),), (None,))
    lines = text_chart(panel, width=40, height=5)
    assert lines[0] == "loss"
    rows = [line.partition("|")[2] for line in lines[1:6]]
    columns = [row.index("o") for row in rows]  # one in each row, going down
    assert columns[0] == 0
    assert columns[-1] == 40 - 6 - 2 - 1
    steps = [b - a for a, b in pairwise(columns)]
    assert max(steps) - min(steps) <= 1
    assert lines[1].startswith("4.0000 |")
    assert lines[5].startswith("0.0000 |")
    assert lines[-1].split() == ["1", "epoch", "5"]
    assert max(map(len, lines)) <= 40


def test_runs_have_marks_of_their_own_and_the_best_is_marked(runs: dict[str, Run]) -> None:
    panels = panels_of(runs)
    chart = "\n".join(text_chart(panels[1]))
    assert chart.count("!") == 2
    assert chart.count("o") - chart.count("epoch") - chart.count("validation") == 2
    assert "x" in chart
    assert legend(panels) == [
        "o one: validation ndcg@10 0.4000 at epoch 10 (!)",
        "x two: validation ndcg@10 0.2500 at epoch 10 (!)",
        "+ three: validation auc 0.7000 at epoch 10 (!)",
    ]


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5]])
def test_a_single_value_has_a_place_too(tmp_path: Path, values: list[float]) -> None:
    for panel in panels_of({"a": run_of(tmp_path / "a", "auc", values)}):
        assert len(text_chart(panel)) == 14 + 3


def test_a_run_without_a_validation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no validation yet"):
        panels_of({"a": run_of(tmp_path / "a", "auc", [])})
    run = run_of(tmp_path / "b", "auc", [0.5])
    run.history.path.write_text('{"epoch": 1, "loss": 2.0}\n')
    with pytest.raises(RunError, match="a line has no number for 'auc'"):
        panels_of({"b": run})


def test_pictures_hold_the_curves_and_are_the_same_again(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    panels = panels_of(runs)
    for suffix, begin in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        path = tmp_path / f"picture{suffix}"
        draw(path, panels)
        content = path.read_bytes()
        assert content.startswith(begin)
        draw(path, panels)
        assert path.read_bytes() == content
    root = ET.fromstring((tmp_path / "picture.svg").read_text())
    ids = [element.get("id", "") for element in root.iter()]
    assert sum(name.startswith("axes_") for name in ids) == 3
    # Of the first curve of the loss, three points; y grows downwards.
    axes = next(e for e in root.iter() if e.get("id") == "axes_1")
    paths = [e.get("d", "").split() for e in axes.iter() if "clip-path" in e.attrib and e.get("d")]
    curve = next(d for d in paths if d.count("L") == 2 and d[0] == "M" and len(d) == 9)
    heights = [float(curve[n]) for n in (2, 5, 8)]
    first, second, third = (1 - v for v in (1.0, 0.5, 1 / 3))
    expected = (heights[2] - heights[0]) / (third - first) * (second - first)
    assert heights[1] - heights[0] == pytest.approx(expected, abs=0.01)


def test_what_cannot_be_written_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"ends in neither \.png nor \.svg"):
        plotting.check_picture(tmp_path / "x.jpg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra) as info:
        plotting.check_picture(tmp_path / "x.png")
    assert info.value.hint == 'pip install "matplotlib>=3.8" (the extra `plot` of seqrec)'


def test_validations_inside_an_epoch_lie_at_their_steps(tmp_path: Path) -> None:
    run = run_of(tmp_path / "one", "ndcg@10", [0.1, 0.4, 0.3])
    lines = [json.loads(line) for line in run.history.path.read_text().splitlines()]
    run.history.write([line | {"epoch": 1, "step": 100 * n} for n, line in enumerate(lines, 1)])
    loss, ndcg = panels_of({"one": run})
    assert loss.curves[0].epochs == (100, 200, 300)
    assert ndcg.best == (200,)
    assert text_chart(loss)[-1].split() == ["100", "step", "300"]
    assert "0.4000 at step 200 (!)" in legend([loss, ndcg])[0]
