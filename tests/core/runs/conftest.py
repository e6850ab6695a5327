"""A run of a small training, finished and whole."""

from pathlib import Path

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit

EXPERIMENT = Experiment.model_validate(
    {
        "data": "toy",
        "model": {"hidden": 8, "max_length": 10},
        "training": {"epochs": 1, "validate_every": 1},
    }
)


@pytest.fixture
def trained(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Run, Training]:
    monkeypatch.chdir(tmp_path)
    training = Training(EXPERIMENT, 50, torch.device("cpu"))
    run = create_run(Path("runs/one"), EXPERIMENT, cycle, Path("data/toy.npz"), "cpu")
    for event in fit(training, cycle.without_test()):
        if isinstance(event, Validated):
            run.checkpoints.save_best(training, event.epoch, event.metrics)
            run.history.add({"epoch": event.epoch, **event.metrics})
    run.checkpoints.save_last(training)
    return run, training


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.unlink()  # the previous one may be the same file
    path.write_bytes(content)
