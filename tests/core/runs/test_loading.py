"""A run is loaded whole, without its dataset, or refused."""

import pytest
import torch

from seqrec_cli.core.runs.loading import catalogue_of, load_scorer
from seqrec_cli.core.runs.resuming import resume
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage.tensors import save_tensors
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.seen import SettledSeen
from seqrec_cli.errors import ConfigError, RunError
from tests.core.runs.conftest import EXPERIMENT


def test_everything_is_there_and_comes_back(trained: tuple[Run, Training]) -> None:
    run, training = trained
    found = {path.name for path in run.path.iterdir()}
    assert found == {
        "experiment.yaml",
        "manifest.json",
        "metrics.jsonl",
        "catalogue.npz",
        "best.safetensors",
        "last.safetensors",
        "last.json",
    }
    # Not settled before it was saved, as in the runs of older versions.
    assert run.experiment() == SettledSeen("exclude").put_into(EXPERIMENT)
    scorer = load_scorer(run, torch.device("cpu"))
    for name, tensor in scorer.model.state_dict().items():
        assert torch.equal(tensor, training.model.state_dict()[name])
    catalogue = catalogue_of(run)
    assert catalogue.item_ids.tolist() == list(range(1001, 1051))
    assert catalogue.titles is not None
    again = Training(EXPERIMENT, 50, torch.device("cpu"))
    resume(run, again)
    assert again.counters == training.counters


def test_weights_of_another_model_are_refused(trained: tuple[Run, Training]) -> None:
    run, training = trained
    save_tensors(run.checkpoints.best, {"foreign": torch.ones(3)}, {"epoch": 1})
    with pytest.raises(RunError, match="does not belong to the experiment"):
        load_scorer(run, torch.device("cpu"))
    save_tensors(run.checkpoints.last, {"foreign": torch.ones(3)}, {"epoch": 1})
    with pytest.raises(RunError, match="does not belong to the experiment"):
        resume(run, training)


@pytest.mark.parametrize("file", ["manifest.json", "experiment.yaml", "catalogue.npz"])
def test_damage_beside_the_weights_is_told(trained: tuple[Run, Training], file: str) -> None:
    run, _ = trained
    (run.path / file).write_bytes(b"\xff\x00{")
    with pytest.raises((RunError, ConfigError, Exception)) as caught:
        run.manifest(), run.experiment(), catalogue_of(run)
    assert type(caught.value).__module__ == "seqrec_cli.errors"
    assert file in str(caught.value)
