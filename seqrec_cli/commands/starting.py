"""Beginning a training, or going on with one."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.commands.options import say_which
from seqrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from seqrec_cli.commands.train import TrainOptions
    from seqrec_cli.core.experiment.loading import AnyExperiment
    from seqrec_cli.core.runs.beginning import StartedTraining
    from seqrec_cli.core.runs.run import Run


def chosen_experiment(options: "TrainOptions") -> "tuple[AnyExperiment, Sequence[str]]":
    """The experiment that the options name, with its changes and a dataset.

    Without a config it is what the rules give for the dataset, with the reasons.

    Raises:
        ConfigError: it names no dataset, or there are no rules for that one.
    """
    from seqrec_cli.core.experiment.choosing import experiment_for
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.settings.configs import find_config

    if options.config is None:
        assert options.data is not None
        return experiment_for(options.data, options.data_dir, options.changes)
    config = find_config(options.config)
    experiment = load_experiment(config, options.changes, options.data)
    if experiment.data is None:
        raise ConfigError(f"`{config}` names no dataset", "add `data: NAME`, or use `--data NAME`")
    return experiment, ()


def start_run(
    options: "TrainOptions", lock: ExitStack, worker: "torch.device | None" = None
) -> "tuple[Run, StartedTraining]":
    """Begin a new run; `lock` keeps others from training there. `worker` is one's own device."""
    # Imported here so that `seqrec --help` does not wait for torch.
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.beginning import begin, join_workers, make_run
    from seqrec_cli.core.runs.run import Run, chosen_by_rules

    experiment, reasons = chosen_experiment(options)
    device = worker or choose_device(options.device)
    path = find_dataset(str(experiment.data), options.data_dir)
    started = begin(experiment, path, device, options.shard)
    if worker is not None:
        join_workers(started, worker, options.sums == "exact", options.timeout)
    if not started.training.team.leads:
        return Run(Path(options.run or "")), started
    dataset, model = started.dataset, experiment.model.name
    run = make_run(options.run, started, path, device, lock, chosen_by_rules(reasons))
    for reason in reasons:
        console.info(f"chosen: {reason}")
    say_notes(started)
    console.info(
        f"training {model} on {dataset.name}: {dataset.num_users:,} users, "
        f"{dataset.num_items:,} items, on {device}{by_workers(started)}, into {run.path}"
    )
    return run, started


def start_from_run(
    options: "TrainOptions", lock: ExitStack, worker: "torch.device | None" = None
) -> "tuple[Run, StartedTraining]":
    """Begin a new run with the weights of another; `lock` keeps others from training there."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.beginning import begin, make_run
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.refreshing import carry_over, origin_of, settings_to_go_on
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.training.network import Training

    assert options.from_run is not None
    assert options.data is not None
    before = Run.open(find_run(options.from_run))
    say_which(options.from_run, before.path)
    settings = settings_to_go_on(before, options.changes)
    experiment = load_experiment(before.path / "experiment.yaml", settings, options.data)
    device = choose_device(options.device)
    path = find_dataset(options.data, options.data_dir)
    started = begin(experiment, path, device)
    training, dataset = started.training, started.dataset
    assert isinstance(training, Training)
    assert isinstance(dataset, SequenceDataset)
    carried = carry_over(before, training, dataset)
    run = make_run(options.run, started, path, device, lock, origin_of(before, carried))
    say_notes(started)
    console.info(f"from {before.path}: {carried.in_words()}; {', '.join(settings)}")
    return run, started


def compare_on_old_users(run: "Run", started: "StartedTraining", data_dir: Path) -> None:
    """Say what a run that went on from another has lost on the users of that one."""
    if "continued_from" not in run.manifest():
        return
    from seqrec_cli.commands.reports.old_users import show_old_users
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.runs.old_users import measure_old_users

    assert isinstance(started.dataset, SequenceDataset)
    found = measure_old_users(run, started.dataset, data_dir, started.training.device)
    if isinstance(found, str):
        console.warn(f"what is lost on old users is not measured: {found}")
    else:
        show_old_users(found)


def resume_run(
    options: "TrainOptions", lock: ExitStack, worker: "torch.device | None" = None
) -> "tuple[Run, StartedTraining]":
    """Go on with a run; `lock` keeps others from training there. `worker` is one's own device."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.beginning import go_on, join_workers
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.resuming import experiment_to_resume
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.training.distributed import leads

    assert options.resume is not None
    run = Run.open(find_run(options.resume))
    say_which(options.resume, run.path)
    if leads():
        lock.enter_context(run.locked())
    experiment = experiment_to_resume(run, options.changes)
    device = worker or choose_device(options.device)
    path = run.find_data(options.data, options.data_dir)
    started = go_on(run, experiment, path, device, leads(), options.shard)
    if worker is not None:
        join_workers(started, worker, options.sums == "exact", options.timeout)
    say_notes(started)
    counters = started.training.counters
    console.info(f"resuming {run.path} after epoch {counters.epoch}, step {counters.step}")
    return run, started


def check_tensorboard(options: "TrainOptions") -> None:
    """Refuse --tensorboard where it is not installed, before a run is begun."""
    if options.tensorboard is not None:
        from seqrec_cli.core.runs.tensorboard import load_tensorboard

        load_tensorboard()


def with_tensorboard(
    run: "Run", started: "StartedTraining", options: "TrainOptions"
) -> "StartedTraining":
    """The training, written for TensorBoard too if that is asked for."""
    if options.tensorboard is None:
        return started
    from seqrec_cli.core.runs.tensorboard import watched

    console.info(f"`tensorboard --logdir {options.tensorboard}` shows it")
    return watched(started, run, options.tensorboard)


def by_workers(started: "StartedTraining") -> str:
    """How many processes train, where it is not one."""
    from seqrec_cli.core.runs.recording import shares_tables

    size = started.training.team.size
    shared = " that share the item table" if shares_tables(started.training) else ""
    return f" by {size} workers{shared}" if size > 1 else ""


def say_notes(started: "StartedTraining") -> None:
    """Print what the user may or should know before the training goes on."""
    for message in started.info:
        console.info(message)
    console.warn_all(started.notes)
