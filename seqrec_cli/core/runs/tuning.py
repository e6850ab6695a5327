"""A search for settings by Optuna (the extra `tune`), judged on the valid part alone.

Each trial is the ordinary training of an experiment, with what the search has chosen in place of
some settings; it is given a dataset without the test part. A trial keeps no weights: training the
best settings anew gives the same. The search is a function of its seed and of the trials that have
ended, so one that was interrupted goes on as if it had not been.

Shapes of the search: TPE (Bergstra et al., NeurIPS 2011); a trial ends early where it is worse than
the median of the others at the same point (Golovin et al., KDD 2017).
"""

import importlib
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from seqrec_cli import __version__
from seqrec_cli.core.experiment.loading import AnyExperiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.space import Space
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.core.runs.beginning import AnyTraining, StartedTraining, begin
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.core.training.events import Event, Validated
from seqrec_cli.core.training.fitted import Fitting
from seqrec_cli.errors import ConfigError, MissingExtra, RunError, TrainingError

STUDY = "study.jsonl"
LOCK = ".tuning.lock"
NAME = "seqrec"
STARTUP = 5  # trials at random, and trials that are never ended early
# What Optuna raises where a file is not one of its own.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError)
LARGEST_STUDY = 1 << 28  # bytes

Outcome = Literal["finished", "pruned", "refused", "unfinished"]


@dataclass(frozen=True)
class TrialStarted:
    """A trial begins; `changes` are KEY=VALUE. Trials count from 1."""

    number: int
    changes: tuple[str, ...]


@dataclass(frozen=True)
class TrialEnded:
    """A trial is over.

    Attributes:
        outcome: finished; pruned, as it was worse than others; refused, as the settings do not go
            together or the training failed; unfinished, as the time was over.
        score: what the search maximizes; None if there was no validation.
        value: the experiment's metric at the best validation; epoch: when that was.
        remark: why it was refused.
    """

    number: int
    changes: tuple[str, ...]
    outcome: Outcome
    score: float | None
    value: float | None
    epoch: int
    seconds: float
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched.

    Attributes:
        load: makes the experiment with settings changed by KEY=VALUE.
        data: the npz.
        seed: of the search; trainings have the seed of the experiment.
        prune: end trials early that are worse than others.
    """

    space: Space
    load: Callable[[Sequence[str]], AnyExperiment]
    data: Path
    data_sha256: str
    device: torch.device
    seed: int = 0
    prune: bool = True

    @property
    def metric(self) -> str:
        """What trials are compared by."""
        return self.load([]).training.metric

    def facts(self) -> dict[str, Any]:
        """What a search that goes on must agree in."""
        base = self.load([])
        return {
            "the space": self.space.text,
            "the experiment": base.to_yaml(),
            "the dataset": self.data_sha256,
            "the seed of the search": self.seed,
            "pruning": self.prune,
        }


def make_search(
    space: Space,
    load: Callable[[Sequence[str]], AnyExperiment],
    data: Path,
    device: torch.device,
    *,
    seed: int,
    prune: bool,
) -> Search:
    """A search on the dataset at `data` (the npz), of which the experiment itself can begin.

    Raises:
        DatasetError, ConfigError: it cannot, or it would read the test part.
    """
    experiment = load([])
    if isinstance(experiment, RankingExperiment) and experiment.training.validate_on == "test":
        raise ConfigError(
            "the experiment validates on the test part, which a search must not read",
            "choose by rows that are held out: `--set training.validate_on=held_out`",
        )
    checksum = begin(experiment, data, device).dataset.sha256
    return Search(
        space=space,
        load=load,
        data=data,
        data_sha256=checksum,
        device=device,
        seed=seed,
        prune=prune,
    )


def load_optuna() -> Any:
    """Optuna, silenced.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        optuna = importlib.import_module("optuna")
    except ImportError:
        raise MissingExtra("optuna", "tune") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Unlocked:
    """Optuna's lock of its file, where the whole folder is locked already."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


@contextmanager
def opened(folder: Path, search: Search) -> Iterator["Tuning"]:
    """The search in a folder, new or as it was left; nobody else has it meanwhile.

    Raises:
        RunError: another search is there, or what is there is damaged.
    """
    load_optuna()
    what, hint = f"the search `{folder}`", "wait for it to end, or choose another --output"
    with locks.exclusive(folder / LOCK, RunError, what, hint):
        files.remove_leftovers(folder)
        yield Tuning(folder, search)


class Tuning:
    """A search for settings, kept in `study.jsonl` of its folder.

    Attributes:
        ended: the trials so far that count, oldest first.
    """

    def __init__(self, folder: Path, search: Search) -> None:
        self.folder = folder
        self.search = search
        self.optuna = load_optuna()
        self.study = self.open_study()
        self.check_same()
        self.ended: list[TrialEnded] = list(self.read_ended())

    def open_study(self) -> Any:
        path = self.folder / STUDY
        drop_torn_line(path)
        journal = self.optuna.storages.journal
        try:
            backend = journal.JournalFileBackend(str(path), lock_obj=Unlocked())
            storage = self.optuna.storages.JournalStorage(backend)
            return self.optuna.create_study(
                storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
            )
        except UNREADABLE as error:
            raise damaged_study(path, error) from error

    def check_same(self) -> None:
        """Refuse to go on with another search than the one that is there.

        Raises:
            RunError: with what differs.
        """
        facts, before = self.search.facts(), self.study.user_attrs
        if not before:
            for key, value in facts.items():
                self.study.set_user_attr(key, value)
            return
        differing = [key for key, value in facts.items() if before.get(key) != value]
        if differing:
            raise RunError(
                f"the search in `{self.folder}` has another value of {', '.join(differing)}",
                "choose another --output, or remove that folder",
            )

    def read_ended(self) -> Iterator[TrialEnded]:
        """The trials that count; those that were interrupted are marked as failed."""
        states = self.optuna.trial.TrialState
        try:
            for trial in self.study.get_trials(deepcopy=False):
                if trial.state == states.RUNNING:
                    self.study.tell(trial.number, state=states.FAIL)
                elif trial.state in (states.COMPLETE, states.PRUNED):
                    kept = dict(trial.user_attrs["ended"])
                    yield TrialEnded(**kept | {"changes": tuple(kept["changes"])})
        except UNREADABLE as error:
            raise damaged_study(self.folder / STUDY, error) from error

    @property
    def best(self) -> TrialEnded | None:
        """The best of the finished trials; of equal ones the first."""
        finished = [trial for trial in self.ended if trial.outcome == "finished"]
        return max(finished, key=score_of, default=None)

    def ask(self) -> Any:
        """The next trial of Optuna, a function of the seed and of those that have ended."""
        count = len(self.ended)
        seed = int(stream(self.search.seed, Purpose.SEARCH, count).integers(2**32))
        samplers, space = self.optuna.samplers, self.search.space
        self.study.sampler = samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        waiting = self.study.get_trials(states=(self.optuna.trial.TrialState.WAITING,))
        own = space.own_values(self.search.load([]))
        if not count and not waiting and own is not None:
            self.study.enqueue_trial(own)  # what the experiment has already is tried first
        return self.study.ask()

    def choose(self, trial: Any) -> tuple[str, ...]:
        """What a trial tries, as KEY=VALUE."""
        chosen: dict[str, Any] = {}
        for each in self.search.space.dimensions:
            ends = each.range
            if ends is None:
                chosen[each.key] = trial.suggest_categorical(each.key, each.values)
            elif each.whole:
                step = int(ends.step or 1)
                chosen[each.key] = trial.suggest_int(
                    each.key, int(ends.low), int(ends.high), step=step, log=ends.log
                )
            else:
                chosen[each.key] = trial.suggest_float(
                    each.key, ends.low, ends.high, step=ends.step, log=ends.log
                )
        return tuple(self.search.space.overrides(chosen))

    def end(self, trial: Any, ended: TrialEnded) -> None:
        """Note the end of a trial."""
        states = self.optuna.trial.TrialState
        if ended.outcome == "unfinished":
            self.study.tell(trial, state=states.FAIL)
            return
        trial.set_user_attr("ended", asdict(ended))
        if ended.outcome == "finished":
            self.study.tell(trial, ended.score)
        else:
            self.study.tell(trial, state=states.PRUNED)
        self.ended.append(ended)
        self.write()

    def should_end(self, trial: Any, score: float, event: Validated) -> bool:
        """Report the best score so far; say whether others were better at the same point."""
        trial.report(score, event.step or event.epoch)
        pruner = self.optuna.pruners.MedianPruner(n_startup_trials=STARTUP)
        self.study.pruner = pruner
        return self.search.prune and bool(trial.should_prune())

    def plain(self) -> dict[str, Any]:
        """The search as plain values, for JSON."""
        best, search = self.best, self.search
        counts = {
            kind: sum(trial.outcome == kind for trial in self.ended)
            for kind in ("finished", "pruned", "refused")
        }
        return {
            "seqrec": __version__,
            "data": str(search.data),
            "data_sha256": search.data_sha256,
            "split": "valid",
            "metric": search.metric,
            "seed": search.seed,
            "trials": len(self.ended),
            **counts,
            "best": None if best is None else asdict(best),
            "all": [asdict(trial) for trial in self.ended],
        }

    def write(self) -> None:
        """Write `result.json`, and `best.yaml` for `seqrec train --config`."""
        files.write_json(self.folder / "result.json", self.plain())
        best, path = self.best, self.folder / "best.yaml"
        if best is None:
            return
        head = (
            f"# The best of {len(self.ended)} trials of `seqrec tune`, by {self.search.metric} of "
            f"the valid part: {best.value:.4f}.\n"
            "# It was chosen for that figure, which is therefore optimistic.\n#\n"
            f"#   seqrec train --config {path}\n\n"
        )
        files.write_text(path, head + self.search.load(best.changes).to_yaml())


def score_of(trial: TrialEnded) -> float:
    """What trials are compared by."""
    return -math.inf if trial.score is None else trial.score


def drop_torn_line(path: Path) -> None:
    """Drop the end of a file that a killed process left in the midst of a line."""
    try:
        content = foreign.read_bytes(path, LARGEST_STUDY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise damaged_study(path, error) from error
    if content and not content.endswith(b"\n"):
        files.write_bytes(path, content[: content.rfind(b"\n") + 1])


def damaged_study(path: Path, error: Exception) -> RunError:
    return RunError(
        f"`{path}` is damaged: {error}", "remove it to begin anew, or choose another --output"
    )


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    """When a search ends: after that many trials in all, or at a time of `time.monotonic`."""

    trials: int | None = None
    deadline: float | None = None

    def over(self, ended: int) -> bool:
        return self.late() or (self.trials is not None and ended >= self.trials)

    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline


def run_search(
    tuning: Tuning, limits: SearchLimits
) -> Iterator[TrialStarted | StartedTraining | Event | TrialEnded]:
    """Train trial after trial; yields what happens."""
    while not limits.over(len(tuning.ended)):
        trial = tuning.ask()
        changes = tuning.choose(trial)
        number = len(tuning.ended) + 1
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
