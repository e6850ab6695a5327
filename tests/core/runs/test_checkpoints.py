"""Damaged checkpoints are found, and give way to the ones before."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.resuming import resume
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage.tensors import load_tensors
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import RunError
from tests.core.runs.conftest import EXPERIMENT, damage


@pytest.mark.parametrize("file", ["best.safetensors", "last.safetensors"])
@pytest.mark.parametrize("place", [3, 30, 400, -1, -300])
def test_a_flipped_byte_in_a_checkpoint_is_found(
    trained: tuple[Run, Training], file: str, place: int
) -> None:
    run, _ = trained
    content = bytearray((run.path / file).read_bytes())
    content[place] ^= 0x10
    (run.path / file).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        load_tensors(run.path / file)


def test_a_damaged_last_checkpoint_gives_way_to_the_one_before(
    trained: tuple[Run, Training],
) -> None:
    run, training = trained
    before = run.checkpoints.last.read_bytes()
    training.counters.epoch += 1
    run.checkpoints.save_last(training)
    assert run.checkpoints.previous_last.read_bytes() == before
    damage(run.checkpoints.last)
    again = Training(EXPERIMENT, 50, torch.device("cpu"))
    opened = Run.open(run.path)
    resume(opened, again)
    assert again.counters.epoch == training.counters.epoch - 1
    assert "last.safetensors` is damaged: its checksum does not match; using" in (opened.notes[0])
    # Nothing damaged is left, to be taken for the previous one by the next.
    assert run.checkpoints.last.read_bytes() == run.checkpoints.previous_last.read_bytes() == before
    damage(run.checkpoints.last)
    damage(run.checkpoints.previous_last)
    with pytest.raises(RunError, match=r"last\.safetensors` is damaged"):
        resume(Run.open(run.path), again)


def test_damaged_best_weights_give_way_to_those_before(trained: tuple[Run, Training]) -> None:
    run, training = trained
    first = load_scorer(run, torch.device("cpu"))
    with torch.no_grad():
        training.model.items.weight[3] += 1
    training.counters.best, training.counters.best_epoch = 0.9, 2
    run.checkpoints.save_best(training, 2, {"ndcg@10": 0.9})
    run.checkpoints.save_last(training)
    damage(run.checkpoints.best)
    opened = Run.open(run.path)
    found = load_scorer(opened, torch.device("cpu"))
    assert torch.equal(found.model.items.weight, first.model.items.weight)
    assert "using `runs/one/best.previous.safetensors`" in opened.notes[0]
    again = Training(EXPERIMENT, 50, torch.device("cpu"))
    resume(opened, again)
    assert again.counters.best_epoch == 1  # as those that were better are lost
    assert again.counters.best < 0.9
    assert run.checkpoints.best.read_bytes() == run.checkpoints.previous_best.read_bytes()
    damage(run.checkpoints.best)
    run.checkpoints.previous_best.unlink()
    resume(opened, again)
    assert again.counters.best == -np.inf
    assert "the next validation counts as the best" in opened.notes[-1]


@pytest.mark.parametrize("length", [0, 4, 100, 2000])
def test_a_truncated_checkpoint_is_found(trained: tuple[Run, Training], length: int) -> None:
    run, _ = trained
    run.checkpoints.best.write_bytes(run.checkpoints.best.read_bytes()[:length])
    with pytest.raises(RunError, match="damaged"):
        load_scorer(run, torch.device("cpu"))


def test_a_run_without_best_weights_says_how_to_go_on(trained: tuple[Run, Training]) -> None:
    run, _ = trained
    run.checkpoints.best.unlink()
    with pytest.raises(RunError, match="no best weights") as caught:
        load_scorer(run, torch.device("cpu"))
    assert "--resume" in caught.value.hint
