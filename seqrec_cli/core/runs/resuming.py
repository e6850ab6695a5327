"""Resuming a run: which settings may change, where it stopped, what differs from the start."""

import platform
from collections.abc import Sequence

import torch

from seqrec_cli import __version__
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import AnyExperiment, parse_experiment
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage.tensors import first_line, save_tensors
from seqrec_cli.core.training.state import Resumable
from seqrec_cli.errors import ConfigError, RunError

# The training settings that may change when a run is resumed.
BUDGET = {"epochs", "max_steps", "max_minutes"}
RESUMABLE = {*BUDGET, "patience"}


def experiment_to_resume(run: Run, overrides: Sequence[str]) -> AnyExperiment:
    """The experiment with another budget or patience, the only settings that may change.

    Raises:
        ConfigError: another setting would change, or the schedule depends on the budget.
    """
    before = run.any_experiment()
    after = parse_experiment(before.to_yaml(), str(run.path / "experiment.yaml"), overrides)
    free = {"training": RESUMABLE}
    if before.model_dump(exclude=free) != after.model_dump(exclude=free):
        allowed = ", ".join(f"training.{name}" for name in sorted(RESUMABLE))
        raise ConfigError(
            f"resuming `{run.path}` can change only {allowed}",
            "train a new run for other settings",
        )
    if isinstance(before, FittedExperiment) or isinstance(after, FittedExperiment):
        return after
    changed = before.training.model_dump(include=BUDGET) != after.training.model_dump(
        include=BUDGET
    )
    if before.training.schedule == "cosine" and changed:
        end = f"epoch {before.training.epochs}"
        if before.training.max_steps or before.training.max_minutes:
            end = "the end of its budget"
        raise ConfigError(
            f"the learning rate of `{run.path}` falls to 0 by {end}, so the epochs, steps and "
            "minutes of this run cannot change",
            "train a new run that is as long as you want",
        )
    return after


def resume(run: Run, training: Resumable, *, in_place: bool = False) -> None:
    """Restore `training` to where the run stopped, and remove later lines of its history.

    A damaged checkpoint is replaced by the previous one; the run's `notes` say so. With `in_place`
    tensors are read from the file block by block.

    Raises:
        RunError: there is nothing to resume from, or both checkpoints are damaged.
    """
    checkpoints = run.checkpoints
    if not checkpoints.any_last():
        raise RunError(
            f"the run `{run.path}` has nothing to resume from: it was stopped before its "
            "first checkpoint",
            "start it again with the same command",
        )
    load = checkpoints.open_last if in_place else checkpoints.load_last
    tensors, counters, is_previous = load()
    try:
        training.restore(tensors, counters)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise RunError(
            f"`{checkpoints.last}` does not belong to the experiment beside it: "
            f"{first_line(error)}",
            "train again",
        ) from error
    wanted, done = training.epochs, training.counters.epoch
    if wanted < done:
        raise ConfigError(
            f"the run `{run.path}` has {done} epochs behind it, more than the {wanted} asked for",
            f"use more epochs: `--set training.epochs={done + 1}`",
        )
    if is_previous:
        # Otherwise the next checkpoint would keep the damaged file as the previous one.
        save_tensors(checkpoints.last, tensors, counters)
    restore_best(run, training)
    run.history.keep_until(training.counters.validated, training.counters.validated_step)


def restore_best(run: Run, training: Resumable) -> None:
    """Make the best weights on disk agree with the best epoch of `training`."""
    counters, checkpoints = training.counters, run.checkpoints
    if not (counters.best_epoch or checkpoints.best.exists()):
        return
    try:
        tensors, facts, is_previous = checkpoints.load_best()
        best, epoch = float(training.validation_score(facts["metrics"])), int(facts["epoch"])
    except (RunError, KeyError, TypeError, ValueError):
        run.notes.append(
            f"`{checkpoints.best}` is missing or damaged: the next validation counts as the best"
        )
        counters.best, counters.best_epoch = -float("inf"), 0
        return
    if is_previous:
        save_tensors(checkpoints.best, tensors, facts)
        counters.best, counters.best_epoch = best, epoch


def changes_since_start(run: Run, device: torch.device) -> list[str]:
    """What has changed since the training began, and may change the last bits."""
    now = {
        "seqrec": __version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": str(device),
    }
    before = run.manifest()
    return [
        f"{key} was {before[key]} and is {value}"
        for key, value in now.items()
        if key in before and before[key] != value  # older runs did not record all of them
    ]
