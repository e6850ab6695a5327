"""A continuation changes what it may change and nothing else."""

import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.resuming import experiment_to_resume
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import ConfigError, RunError


def test_another_dataset_is_refused(trained: tuple[Run, Training], cycle: SequenceDataset) -> None:
    run, _ = trained
    run.check_data(cycle)
    other = SequenceDataset(
        "toy",
        cycle.train,
        cycle.valid,
        None,
        cycle.user_ids,
        cycle.item_ids,
        manifest={"npz_sha256": "0" * 64},
    )
    with pytest.raises(RunError, match="was trained on another dataset"):
        run.check_data(other)


def test_a_continuation_changes_epochs_and_patience_alone(trained: tuple[Run, Training]) -> None:
    run, _ = trained
    changed = experiment_to_resume(run, ["training.epochs=9", "training.patience=2"])
    assert (changed.training.epochs, changed.training.patience) == (9, 2)
    assert run.experiment() != changed  # a refused continuation must leave no trace
    run.save_experiment(changed)
    assert run.experiment() == changed
    with pytest.raises(
        ConfigError, match=r"can change only training\.epochs, training\.max_minutes"
    ):
        experiment_to_resume(run, ["training.lr=0.1"])


def test_a_schedule_over_the_epochs_keeps_their_number(
    trained: tuple[Run, Training],
) -> None:
    run, _ = trained
    before = run.experiment()
    training = before.training.model_copy(update={"schedule": "cosine"})
    run.save_experiment(before.model_copy(update={"training": training}))
    assert experiment_to_resume(run, ["training.patience=2"]).training.patience == 2
    with pytest.raises(ConfigError, match="the epochs, steps and minutes of this run cannot"):
        experiment_to_resume(run, ["training.epochs=99"])
    run.save_experiment(before)
