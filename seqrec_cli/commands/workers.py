"""Training by several workers: starting them, and what each of them does."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from seqrec_cli import console
from seqrec_cli.commands.following import follow, graceful_stop
from seqrec_cli.commands.starting import (
    chosen_experiment,
    resume_run,
    start_run,
    with_tensorboard,
)
from seqrec_cli.errors import ConfigError, SeqRecError

if TYPE_CHECKING:
    from seqrec_cli.commands.train import TrainOptions


def launch_workers(options: "TrainOptions") -> None:
    """Run this command in several processes, and end as they do."""
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.runs.directory import find_run, give_back, next_run, refuse_latest
    from seqrec_cli.core.training.launching import launch

    target = None
    if options.resume is None:
        experiment, _ = chosen_experiment(options)
        name = find_dataset(str(experiment.data), options.data_dir).stem
        target = find_run(options.run) if options.run else next_run(name, experiment.model.name)
        refuse_latest(target)
    console.info(f"{options.workers} workers on this machine, gradients added {options.sums}")
    code = launch(options.arguments(target), options.workers)
    if code:
        if target is not None:
            give_back(target)
        raise typer.Exit(code)


def work(options: "TrainOptions") -> None:
    """Train as one of several workers; the first of them prints and writes."""
    from seqrec_cli.core.training.distributed import WorkerLost, leads, leave, restarts
    from seqrec_cli.core.training.launching import has_told, is_launched, tell

    if not leads():
        console.mute()
    if restarts() and options.resume is None:
        options = after_restart(options)
    with ExitStack() as stack:
        stack.callback(leave)
        try:
            train_together(options, stack)
        except typer.Exit as stop:
            if not is_launched():
                raise
            tell(stop.exit_code)  # its own exit code would count as a death
        except SeqRecError as error:
            if not is_launched() or (isinstance(error, WorkerLost) and not has_told()):
                raise
            if not isinstance(error, WorkerLost):
                report_once(error)


def report_once(error: SeqRecError) -> None:
    """Print why a worker ends, once: another one prints it only if the first has not failed too."""
    from seqrec_cli.core.training.distributed import leads
    from seqrec_cli.core.training.launching import tell, told_soon

    if leads() or not told_soon():
        console.mute(False)
        console.fail(error)
        tell(1)


def after_restart(options: "TrainOptions") -> "TrainOptions":
    """What to do after workers died: go on with the run, if it has a checkpoint."""
    from seqrec_cli.core.runs.directory import find_run

    if options.run is None:
        raise ConfigError(
            "the workers were started again, and which run they had begun is not said",
            "name it: `--run NAME`",
        )
    if not run_is_begun(find_run(options.run)):
        return options
    return replace(options, config=None, run=None, resume=options.run)


def run_is_begun(path: Path) -> bool:
    """Whether a run has something to go on from."""
    from seqrec_cli.core.runs.run import Run

    return Run(path).checkpoints.any_last()


def train_together(options: "TrainOptions", stack: ExitStack) -> None:
    """Begin or resume with the other workers, and train."""
    from seqrec_cli.core.devices import device_of_worker
    from seqrec_cli.core.runs.recording import share_state

    device = device_of_worker(options.device)
    start = start_run if options.resume is None else resume_run
    run, started = start(options, stack, device)
    if options.resume is not None:
        share_state(run, started)
    if started.training.team.leads:
        started = with_tensorboard(run, started, options)
    with graceful_stop(started.training) as stop:
        follow(run, started, stop)
