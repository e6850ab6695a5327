"""The trainings of a grid by Ray's workers leave the runs of one process."""

from pathlib import Path

import pytest

from seqrec_cli.core.experiment.grid import load_grid, trials
from seqrec_cli.core.runs.directory import RUNS
from seqrec_cli.core.runs.unattended import state_of, train_unattended
from tests.clusters import Cluster, command, said_by
from tests.workshop import CONFIG, invoke

GRID = """\
data: [toy]
configs: [toy.yaml]
seeds: [0, 1]
set: {training.lr: [0.01, 0.1]}
metrics: [ndcg@5]
"""


@pytest.fixture(autouse=True)
def grid(place: Path) -> None:
    Path("grid.yaml").write_text(GRID)
    Path("toy.yaml").write_text(CONFIG)


def weights() -> dict[str, bytes]:
    """The best weights of each run of the grid."""
    return {path.parent.name: path.read_bytes() for path in RUNS.glob("grid-*/best.safetensors")}


def test_a_training_is_that_of_the_command_wherever_the_worker_stands(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = trials(load_grid(Path("grid.yaml")), "grid")
    assert invoke(["experiment", "grid.yaml"]).exit_code == 0
    expected = weights()[first.run]
    for path in (RUNS / first.run).iterdir():
        path.unlink()
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    info, _ = train_unattended(first, str(place), "data")
    monkeypatch.chdir(place)
    assert state_of(first) == "finished"
    assert weights()[first.run] == expected
    assert any("seen items" in message for message in info)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_a_grid_by_workers_that_die_is_that_of_one_process(place: Path, cluster: Cluster) -> None:
    assert invoke(["experiment", "grid.yaml", "--output", "alone"]).exit_code == 0
    expected = weights()
    assert len(expected) == 4
    for path in RUNS.glob("grid-*/*"):
        path.unlink()
    process = command(["experiment", "grid.yaml", "--engine", "ray", "--output", "ray"], cluster)
    assert cluster.kill(process, ("train_unattended",), 2)
    said = said_by(process)
    assert "0 of 4 trainings finished already" in said
    assert "training 4 of 4 has ended" in said
    assert weights() == expected
    table = "table.tex"
    assert (Path("ray") / table).read_bytes() == (Path("alone") / table).read_bytes()
    again = command(["experiment", "grid.yaml", "--engine", "ray", "--output", "ray"], cluster)
    assert "4 of 4 trainings finished already" in said_by(again)
