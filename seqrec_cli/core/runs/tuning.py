"""A search for settings by Optuna (the extra `tune`), judged on the valid part alone.

Each trial is the ordinary training of an experiment, with what the search has chosen in place of
some settings; it is given a dataset without the test part. A trial keeps no weights: training the
best settings anew gives the same. The search is a function of its seed and of the trials that have
ended, so one that was interrupted goes on as if it had not been.

Shapes of the search: TPE (Bergstra et al., NeurIPS 2011); a trial ends early where it is worse than
the median of the others at the same point (Golovin et al., KDD 2017).
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqrec_cli import __version__
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.core.runs.search import Search, TrialEnded, score_of
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.core.training.events import Validated
from seqrec_cli.errors import MissingExtra, RunError

STUDY = "study.jsonl"
WORKER = "worker"  # of a trial: which one has it
ENDED = "ended"  # of a trial: how it ended
LOCK = ".tuning.lock"
NAME = "seqrec"
LEADS = -1  # the process that begins the workers
STARTUP = 5  # trials at random, and trials that are never ended early
# What Optuna raises where a file is not one of its own.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError)
LARGEST_STUDY = 1 << 28  # bytes


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
def opened(folder: Path, search: Search, *, shared: bool = False) -> Iterator["Tuning"]:
    """The search in a folder, new or as it was left; nobody else has it meanwhile, but for the
    workers of this command where it is `shared`.

    Raises:
        RunError: another search is there, or what is there is damaged.
    """
    load_optuna()
    what, hint = f"the search `{folder}`", "wait for it to end, or choose another --output"
    with locks.exclusive(folder / LOCK, RunError, what, hint):
        files.remove_leftovers(folder)
        drop_torn_line(folder / STUDY)
        yield Tuning(folder, search, LEADS if shared else None)


class Tuning:
    """A search for settings, kept in `study.jsonl` of its folder.

    Attributes:
        worker: which of several processes this is, from 0; `LEADS` for the one that began them;
            None: it has the file for itself.
        ended: the trials so far that count, oldest first.
    """

    def __init__(self, folder: Path, search: Search, worker: int | None = None) -> None:
        self.folder = folder
        self.search = search
        self.worker = worker
        self.optuna = load_optuna()
        self.study = self.open_study()
        self.check_same()
        self.drop_dead()
        self.ended: list[TrialEnded] = list(self.read_ended())

    def open_study(self) -> Any:
        path = self.folder / STUDY
        journal = self.optuna.storages.journal
        # Optuna's own lock between processes is a link beside the file.
        lock = Unlocked() if self.worker is None else None
        try:
            backend = journal.JournalFileBackend(str(path), lock_obj=lock)
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

    def drop_dead(self) -> None:
        """Mark trials that were interrupted as failed: a worker its own, others all."""
        states, worker = self.optuna.trial.TrialState, self.worker
        leads = worker is None or worker == LEADS
        for trial in self.live():
            own = trial.user_attrs.get(WORKER) == worker
            if trial.state == states.RUNNING and (leads or own):
                self.study.tell(trial.number, state=states.FAIL)

    def live(self) -> list[Any]:
        """Optuna's trials that are over or running; not those that failed or wait."""
        states = self.optuna.trial.TrialState
        wanted = (states.RUNNING, states.COMPLETE, states.PRUNED)
        try:
            return list(self.study.get_trials(deepcopy=False, states=wanted))
        except UNREADABLE as error:
            raise damaged_study(self.folder / STUDY, error) from error

    def read_ended(self) -> Iterator[TrialEnded]:
        """The trials that count."""
        states = self.optuna.trial.TrialState
        try:
            for trial in self.live():
                if trial.state != states.RUNNING:
                    kept = dict(trial.user_attrs[ENDED])
                    yield TrialEnded(**kept | {"changes": tuple(kept["changes"])})
        except UNREADABLE as error:
            raise damaged_study(self.folder / STUDY, error) from error

    def news(self) -> Iterator[TrialEnded]:
        """The trials that workers have ended since the last look."""
        known = {trial.number for trial in self.ended}
        fresh = [trial for trial in self.read_ended() if trial.number not in known]
        for trial in fresh:
            self.ended.append(trial)
            self.write()
            yield trial

    @property
    def best(self) -> TrialEnded | None:
        """The best of the finished trials; of equal ones the first."""
        finished = [trial for trial in self.ended if trial.outcome == "finished"]
        return max(finished, key=score_of, default=None)

    def try_own_settings(self) -> None:
        """Have what the experiment has already tried first."""
        waiting = self.study.get_trials(states=(self.optuna.trial.TrialState.WAITING,))
        own = self.search.space.own_values(self.search.load([]))
        if not self.live() and not waiting and own is not None:
            self.study.enqueue_trial(own)

    def ask(self, most: int | None = None) -> Any:
        """The next trial of Optuna, a function of the seed and of those before it; None if there
        are `most` before it."""
        if most is not None and len(self.live()) >= most:
            return None
        if self.worker is None:
            self.try_own_settings()
        trial = self.study.ask()
        place = sum(other.number < trial.number for other in self.live())
        if most is not None and place >= most:  # others were faster
            self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)
            return None
        if self.worker is not None:
            trial.set_user_attr(WORKER, self.worker)
        seed = int(stream(self.search.seed, Purpose.SEARCH, place).integers(2**32))
        sampler = self.optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        self.study.sampler = sampler
        return trial

    def number_of(self, trial: Any) -> int:
        """What the user calls a trial: they count from 1, with gaps only where workers died."""
        if self.worker is not None:
            return int(trial.number) + 1
        return max((ended.number for ended in self.ended), default=0) + 1

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
        trial.set_user_attr(ENDED, asdict(ended))
        if ended.outcome == "finished":
            self.study.tell(trial, ended.score)
        else:
            self.study.tell(trial, state=states.PRUNED)
        self.ended.append(ended)
        if self.worker is None:
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
