"""The trials of a search: one after the other here, or side by side by Ray's workers.

Side by side the workers share Optuna's file, which has a lock of its own: each asks for a trial,
trains it, and writes how it ended. What TPE chooses then depends on which trials ended first.
"""

import contextlib
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqrec_cli.core.data.tasks import opened_ray
from seqrec_cli.core.runs.beginning import AnyTraining, StartedTraining, begin
from seqrec_cli.core.runs.search import Outcome, Search, TrialEnded
from seqrec_cli.core.runs.tuning import Tuning
from seqrec_cli.core.training.events import Event, Validated
from seqrec_cli.core.training.fitted import Fitting
from seqrec_cli.errors import ConfigError, TrainingError

LOOK = 1.0  # seconds between two looks for trials that have ended


@dataclass(frozen=True)
class TrialStarted:
    """A trial begins; `changes` are KEY=VALUE. Trials count from 1."""

    number: int
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    """When a search ends: after that many trials in all, or at a time of `time.monotonic`."""

    trials: int | None = None
    deadline: float | None = None

    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline


def run_search(
    tuning: Tuning, limits: SearchLimits
) -> Iterator[TrialStarted | StartedTraining | Event | TrialEnded]:
    """Train trial after trial; yields what happens."""
    while not limits.late():
        trial = tuning.ask(limits.trials)
        if trial is None:
            return
        changes = tuning.choose(trial)
        number = tuning.number_of(trial)
        yield TrialStarted(number, changes)
        ended = yield from run_trial(tuning, trial, number, changes, limits)
        tuning.end(trial, ended)
        yield ended


def run_trial(
    tuning: Tuning, trial: Any, number: int, changes: tuple[str, ...], limits: SearchLimits
) -> Generator[StartedTraining | Event, None, TrialEnded]:
    """Train one trial to its end, or until it is no use; returns how it ended."""
    start, search = time.monotonic(), tuning.search
    outcome: Outcome = "finished"
    best, remark = Best(), ""
    try:
        started = begin(search.load(changes), search.data, search.device)
        yield started
        training = started.training
        # The tries of a model that is fitted are no stages of one training.
        in_stages = not isinstance(training, Fitting)
        for event in started.events:
            yield event
            if isinstance(event, Validated):
                best = best.or_better(training, event)
                if in_stages and tuning.should_end(trial, best.score, event):
                    outcome = "pruned"
                    break
            if limits.late():
                outcome = "unfinished"
                break
    except (ConfigError, TrainingError) as error:
        outcome, remark = "refused", error.message
    seconds = round(time.monotonic() - start, 3)
    score = best.score if math.isfinite(best.score) else None
    if outcome == "finished" and score is None:
        outcome, remark = "refused", "there was no validation"
    return TrialEnded(number, changes, outcome, score, best.value, best.epoch, seconds, remark)


@dataclass(frozen=True)
class Best:
    """The best validation of a trial so far."""

    score: float = -math.inf
    value: float | None = None
    epoch: int = 0

    def or_better(self, training: AnyTraining, event: Validated) -> "Best":
        """This one, or a validation that is better."""
        score = training.validation_score(event.metrics)
        if not score > self.score:
            return self
        value = event.metrics[training.experiment.training.metric]
        return Best(score, value, event.epoch)


def spread_search(
    tuning: Tuning, limits: SearchLimits, workers: int | None
) -> Iterator[TrialEnded]:
    """Have Ray's workers train trials side by side; yields each when it has ended.

    The search must have been opened to be shared.

    Args:
        workers: as `opened_ray` takes it; as many trials are trained at a time.

    Raises:
        MissingExtra: Ray is not installed.
        RunError: a worker cannot read the search.
    """
    tuning.try_own_settings()
    with opened_ray(workers) as tasks:
        work, search = tasks.task(search_on), tasks.put(tuning.search)
        seconds = None if limits.deadline is None else limits.deadline - time.monotonic()
        until = None if seconds is None else time.time() + seconds  # as other machines know it
        given = str(Path.cwd()), str(tuning.folder), search, limits.trials, until
        running = [work.remote(*given, worker) for worker in range(tasks.cores())]
        while running:
            done, running = tasks.waited(running, LOOK)
            tasks.get(done)
            yield from tuning.news()


def search_on(
    home: str, folder: str, search: Search, trials: int | None, until: float | None, worker: int
) -> None:
    """Train trials of a shared search until there are enough, or until a time of `time.time`, with
    paths as they are in the folder `home`.

    A worker that is begun again after its process has died leaves out the trial that died with it.
    """
    deadline = None if until is None else time.monotonic() + until - time.time()
    with contextlib.chdir(home):
        tuning = Tuning(Path(folder), search, worker)
        for _ in run_search(tuning, SearchLimits(trials=trials, deadline=deadline)):
            pass
