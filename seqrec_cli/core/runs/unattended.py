"""The trainings of a grid by Ray's workers: several at a time, each on one core.

A worker reads the dataset and writes the run where the command would: in a cluster all machines see
one folder under the same path.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from seqrec_cli.core.data.store import find_dataset
from seqrec_cli.core.data.tasks import opened_ray
from seqrec_cli.core.experiment.choosing import experiment_for
from seqrec_cli.core.experiment.grid import Trial
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.runs.beginning import StartedTraining, begin, go_on, make_run
from seqrec_cli.core.runs.directory import MANIFEST, RUNS
from seqrec_cli.core.runs.recording import recorded
from seqrec_cli.core.runs.resuming import experiment_to_resume
from seqrec_cli.core.runs.run import Run, chosen_by_rules
from seqrec_cli.core.runs.status import RunStatus, State
from seqrec_cli.core.settings.configs import find_config

LOOK = 10.0  # seconds between two looks for trainings that have ended


@dataclass(frozen=True)
class Trained:
    """A training of a grid has ended.

    Attributes:
        info, notes: what its user may, and should, know, as of any training that begins.
    """

    trial: Trial
    info: list[str]
    notes: list[str]


def state_of(trial: Trial) -> State:
    """What has become of a training."""
    folder = RUNS / trial.run
    return RunStatus(folder).state if (folder / MANIFEST).exists() else "not started"


def spread_trainings(
    trials: Sequence[Trial], data_dir: Path, workers: int | None
) -> Iterator[Trained]:
    """Have Ray train, or go on with, the runs of these; yields each when it has ended.

    A training whose worker has died goes on from its checkpoint.

    Args:
        workers: as `opened_ray` takes it.

    Raises:
        MissingExtra: Ray is not installed.
        SeqRecError: what a training raised; the others go on when the command is repeated.
    """
    with opened_ray(workers) as tasks:
        work, home = tasks.task(train_unattended), str(Path.cwd())
        running = {work.remote(trial, home, str(data_dir)): trial for trial in trials}
        while running:
            done, _ = tasks.waited([*running], LOOK)
            for each in done:
                info, notes = tasks.get(each)
                yield Trained(running.pop(each), info, notes)


def train_unattended(trial: Trial, home: str, data_dir: str) -> tuple[list[str], list[str]]:
    """Train, or go on with, the run of a trial, with paths as they are in the folder `home`.

    Returns info and notes, as `Trained` has them.
    """
    with contextlib.chdir(home), contextlib.ExitStack() as lock:
        again = state_of(trial) == "interrupted"
        run, started = (gone_on if again else begun_anew)(trial, Path(data_dir), lock)
        for _ in recorded(run, started):
            pass
    return list(started.info), list(started.notes)


def gone_on(
    trial: Trial, data_dir: Path, lock: contextlib.ExitStack
) -> tuple[Run, StartedTraining]:
    """The run of a trial that was interrupted; `lock` keeps others from training there."""
    run = Run.open(RUNS / trial.run)
    lock.enter_context(run.locked())
    experiment = experiment_to_resume(run, [])
    return run, go_on(run, experiment, run.find_data(None, data_dir), torch.device("cpu"))


def begun_anew(
    trial: Trial, data_dir: Path, lock: contextlib.ExitStack
) -> tuple[Run, StartedTraining]:
    """A new run of a trial; `lock` keeps others from training there."""
    reasons: Sequence[str] = ()
    if trial.named_config is None:
        experiment, reasons = experiment_for(trial.data, data_dir, trial.overrides)
    else:
        config = find_config(trial.named_config)
        experiment = load_experiment(config, trial.overrides, trial.data)
    path, device = find_dataset(trial.data, data_dir), torch.device("cpu")
    started = begin(experiment, path, device)
    started.info.extend(f"chosen: {reason}" for reason in reasons)
    origin = chosen_by_rules(reasons)
    return make_run(trial.run, started, path, device, lock, origin), started
