"""The run directory: what a training leaves behind, and how it is read again."""

import contextlib
import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli import __version__
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.table import Features, FeatureTable
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.sequences import check_list, checked_sequences
from seqrec_cli.core.data.store import TASK, find_dataset
from seqrec_cli.core.experiment.loading import AnyExperiment, parse_experiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.index import NeighbourIndex
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.scoring import ModelScorer, item_vectors
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.models.transitions import Transitions
from seqrec_cli.core.runs.directory import LATEST, RUNS, find_run, refuse_latest
from seqrec_cli.core.storage import files, locks
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.tensors import (
    AsLargeAs,
    digest,
    first_line,
    load_tensors,
    save_tensors,
)
from seqrec_cli.core.training.state import Resumable
from seqrec_cli.errors import ConfigError, DatasetError, RunError

Model = TypeVar("Model", bound=torch.nn.Module)

TOLD = "features.npz"  # of the items, and how those of users are encoded
RANKED = "rows.npz"  # how rows are encoded, of a run that ranks, and which it has looked at
INDEX, INDEX_MANIFEST, INDEX_LOCK = "index.usearch", "index.json", ".index.lock"
COUNTED = "transitions.npz"  # the train part, of which followers are counted


# What may differ between a training and its continuation.
RESUMABLE = {"epochs", "patience"}


class Run:
    """A run directory. Every file in it is complete or absent."""

    def __init__(self, path: Path) -> None:
        # Where the link to the newest run points now: it may point elsewhere in a minute.
        self.path = path.parent / path.readlink() if path.is_symlink() else path
        self.notes: list[str] = []  # what the user should know of what was read

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def best_path(self) -> Path:
        return self.path / "best.safetensors"

    @property
    def last_path(self) -> Path:
        return self.path / "last.safetensors"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def previous_best_path(self) -> Path:
        return self.path / "best.previous.safetensors"

    @property
    def previous_last_path(self) -> Path:
        return self.path / "last.previous.safetensors"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else train in this directory while the block runs; and clean up after who
        was killed at it.

        Raises:
            RunError: another process trains there.
        """
        refuse_latest(self.path)
        hint = "wait for it to end, or choose another `--run`"
        lock = self.path / ".lock"
        with locks.exclusive(lock, RunError, f"the run `{self.path}`", hint):
            files.remove_leftovers(self.path)
            files.remove_leftovers(self.path.parent, LATEST)
            yield

    @classmethod
    def create(
        cls,
        path: Path,
        experiment: AnyExperiment,
        data: SequenceDataset | RankingDataset,
        data_path: Path,
        device: str,
    ) -> "Run":
        """Make a new run directory for a training that is about to begin.

        Raises:
            RunError: there is a training in that directory already.
        """
        refuse_latest(path)
        run = cls(path)
        if (path / "manifest.json").exists():
            raise RunError(
                f"the run `{path}` exists already",
                f"choose another `--run`, or continue it: `seqrec train --resume {path}`",
            )
        facts: dict[str, Any] = {}
        if isinstance(experiment, RankingExperiment):
            assert isinstance(data, RankingDataset)
            save_arrays(path / RANKED, data.told() | data.looked_at())
            facts = {"task": data.task, "validated_on": experiment.training.validate_on}
            facts |= {"examples": data.manifest.get("examples", {})}
        else:
            assert isinstance(data, SequenceDataset)
            save_what_it_reads(path, experiment, data)
        run.save_experiment(experiment)
        files.write_json(
            path / "manifest.json",
            {
                "seqrec": __version__,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "machine": platform.machine(),
                "system": platform.system(),
                "threads": torch.get_num_threads(),
                "device": device,
                "seed": experiment.seed,
                "data": str(data_path),
                "data_sha256": data.sha256,
                "items": data.num_items,
                "users": data.num_users,
                **facts,
            },
        )
        if path.parent == RUNS and path.name != LATEST:
            files.point_link(RUNS / LATEST, path.name)
        return run

    @classmethod
    def open(cls, path: Path) -> "Run":
        """Find an existing run directory.

        Raises:
            RunError: there is none.
        """
        if not (path / "manifest.json").is_file():
            known = sorted({p.parent.name for p in RUNS.glob("*/manifest.json")} - {LATEST})
            raise RunError(
                f"there is no run `{path}`",
                f"the runs here are {', '.join(known[-9:])}"
                if known
                else "train one: `seqrec train --config configs/sasrec.yaml`",
            )
        return cls(path)

    @property
    def task(self) -> str:
        """What its model has learnt: what comes next, or whether a candidate is liked."""
        return str(self.manifest().get("task", TASK))

    def experiment(self) -> Experiment:
        """The experiment of a run whose model says what comes next.

        Raises:
            RunError: its model ranks.
        """
        found = self.any_experiment()
        if not isinstance(found, Experiment):
            raise RunError(
                f"the run `{self.path}` ranks candidates and does not find any",
                f"name a run that does, and add `--rerank {self.path}` for its finds to be ranked",
            )
        return found

    def ranking_experiment(self) -> RankingExperiment:
        """The experiment of a run whose model ranks.

        Raises:
            RunError: its model says what comes next.
        """
        found = self.any_experiment()
        if not isinstance(found, RankingExperiment):
            raise RunError(
                f"the run `{self.path}` does not rank candidates: it says what comes next",
                "name a run of configs/dien.yaml, din.yaml, mlp.yaml or logistic.yaml",
            )
        return found

    def any_experiment(self) -> AnyExperiment:
        """The experiment as it was run, every default spelled out."""
        path = self.path / "experiment.yaml"
        try:
            return parse_experiment(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(
                f"`{path}` cannot be read: {error}", "train again; the run is incomplete"
            ) from error

    def experiment_to_resume(self, overrides: Sequence[str]) -> AnyExperiment:
        """The experiment with more epochs or patience, which is all a continuation may change.

        Raises:
            ConfigError: another setting would change, or the schedule depends on the epochs.
        """
        path = self.path / "experiment.yaml"
        before = self.any_experiment()
        after = parse_experiment(before.to_yaml(), str(path), overrides)
        free = {"training": RESUMABLE}
        if before.model_dump(exclude=free) != after.model_dump(exclude=free):
            allowed = ", ".join(f"training.{name}" for name in sorted(RESUMABLE))
            raise ConfigError(
                f"a continuation of `{self.path}` can change {allowed} alone",
                "train a new run for other settings",
            )
        if before.training.schedule == "cosine" and after.training.epochs != before.training.epochs:
            raise ConfigError(
                f"the learning rate of `{self.path}` falls to 0 by epoch {before.training.epochs}, "
                "so the epochs of this run cannot change",
                "train a new run of as many epochs as you want",
            )
        return after

    def save_experiment(self, experiment: AnyExperiment) -> None:
        """Write the experiment, every default spelled out."""
        files.write_text(self.path / "experiment.yaml", experiment.to_yaml())

    def manifest(self) -> dict[str, Any]:
        """Versions, machine, dataset and seed of the training."""
        path = self.path / "manifest.json"
        try:
            content = json.loads(path.read_bytes())
            kinds = {"items": int, "data": str, "data_sha256": str}
            for key, kind in kinds.items():
                if type(content[key]) is not kind or (kind is int and not 0 < content[key] < 2**31):
                    raise ValueError(f"its `{key}` is not what a run's manifest has")
            return dict(content)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"`{path}` is damaged: {error}", "train again") from error

    def catalogue(self) -> Catalogue:
        """The items the run knows."""
        arrays = load_arrays(self.path / "catalogue.npz")
        item_ids, titles = arrays.get("item_ids"), arrays.get("item_titles")
        try:
            if item_ids is None or item_ids.shape != (self.manifest()["items"],):
                raise ValueError("it has other items")
            check_list(item_ids, "item_ids")
            if titles is not None and (titles.shape, titles.dtype.kind) != (item_ids.shape, "U"):
                raise ValueError("its titles are not a text for each item")
        except ValueError as error:
            raise RunError(
                f"`{self.path / 'catalogue.npz'}` is not this run's catalogue: {error}",
                "train again",
            ) from error
        return Catalogue(item_ids, titles)

    def save_best(self, training: Resumable, epoch: int, metrics: dict[str, float]) -> None:
        """Keep the weights as the best so far, and those that were it as the previous ones."""
        weights = training.model.state_dict()
        facts = {"epoch": epoch, "metrics": metrics}
        save_tensors(self.best_path, weights, facts, self.previous_best_path)

    def save_last(self, training: Resumable) -> None:
        """Keep everything that exact resumption needs, and what was kept before as the previous.

        The counters are inside the one file that is replaced atomically; `last.json` repeats them
        for people.
        """
        tensors, counters = training.state()
        save_tensors(self.last_path, tensors, counters, self.previous_last_path)
        files.write_json(self.path / "last.json", readable(counters))

    def record(self, line: dict[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        lines = self.history()
        lines.append(line)
        self._write_history(lines)

    def history(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, one a validation."""
        try:
            text = self.metrics_path.read_text(encoding="utf-8")
            lines = [
                json.loads(line, parse_constant=refuse_constant) for line in text.split("\n")[:-1]
            ]
            if not all(isinstance(line["epoch"], int) for line in lines):
                raise ValueError("an epoch is not a number")
            return lines
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(
                f"`{self.metrics_path}` is damaged: {error}",
                "remove it: only the record of earlier validations is lost, not the weights",
            ) from error

    def _write_history(self, lines: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
        files.write_text(self.metrics_path, text)

    def resume(self, training: Resumable) -> None:
        """Put `training` where the run stopped, and forget what was recorded after that.

        A damaged checkpoint is replaced by the one before it, which `notes` tells.

        Raises:
            RunError: there is nothing to resume from, or it is damaged, and so is the one before.
        """
        if not (self.last_path.exists() or self.previous_last_path.exists()):
            raise RunError(
                f"the run `{self.path}` has nothing to resume from: it was stopped before its "
                "first checkpoint",
                "train again under another `--run`",
            )
        tensors, counters, mended = self.load_either(self.last_path, self.previous_last_path)
        try:
            training.restore(tensors, counters)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise RunError(
                f"`{self.last_path}` does not belong to the experiment beside it: "
                f"{first_line(error)}",
                "train again",
            ) from error
        if mended:
            # Else the damaged file would become the previous one when the next is written.
            save_tensors(self.last_path, tensors, counters)
        self.mend_best(training)
        kept = [line for line in self.history() if line["epoch"] <= training.counters.validated]
        self._write_history(kept)

    def mend_best(self, training: Resumable) -> None:
        """See to it that the best weights are those that `training` takes for the best."""
        counters = training.counters
        if not (counters.best_epoch or self.best_path.exists()):
            return
        try:
            tensors, facts, mended = self.load_either(self.best_path, self.previous_best_path)
            best, epoch = float(training.goodness(facts["metrics"])), int(facts["epoch"])
        except (RunError, KeyError, TypeError, ValueError):
            self.notes.append(
                f"`{self.best_path}` is missing or damaged: the next validation counts as the best"
            )
            counters.best, counters.best_epoch = -float("inf"), 0
            return
        if mended:
            save_tensors(self.best_path, tensors, facts)
            counters.best, counters.best_epoch = best, epoch

    def load_either(
        self, path: Path, previous: Path
    ) -> tuple[dict[str, Tensor], dict[str, Any], bool]:
        """The checkpoint at `path`, or the one before it; and whether it is that one.

        Raises:
            RunError: both are missing or damaged.
        """
        try:
            return *load_tensors(path), False
        except RunError as error:
            with contextlib.suppress(RunError):
                tensors, facts = load_tensors(previous)
                self.notes.append(f"{error.message}; going back to `{previous}`, of before it")
                return tensors, facts, True
            raise

    def load_best(self, build: Callable[[], Model]) -> Model:
        """The model that `build` makes, with the best weights.

        Where these are damaged, those that were the best before, which `notes` tells.

        Raises:
            RunError: no best weights, or they are damaged, and so are those before.
        """
        if not (self.best_path.exists() or self.previous_best_path.exists()):
            raise RunError(
                f"the run `{self.path}` has no best weights: it was stopped before its first "
                "validation",
                f"let it go on: `seqrec train --resume {self.path}`",
            )
        tensors, _, _ = self.load_either(self.best_path, self.previous_best_path)
        try:
            with AsLargeAs(tensors):
                model = build()
            model.load_state_dict(tensors)
        except (RuntimeError, ValueError, OverflowError, TypeError) as error:
            raise RunError(
                f"`{self.best_path}` does not belong to the experiment beside it: "
                f"{first_line(error)}",
                "train again",
            ) from error
        return model

    def load_scorer(self, device: torch.device) -> ModelScorer:
        """The model with its best weights, ready to score.

        Raises:
            RunError: no best weights, or they are damaged.
        """
        num_items, settings = self.manifest()["items"], self.experiment().model
        told = self.load_features(num_items)
        model = self.load_best(lambda: build_model(settings, num_items, None, told))
        transitions = self.load_transitions(num_items)
        return ModelScorer(model.to(device), num_items, device, transitions)

    def load_index(self, scorer: ModelScorer) -> tuple[NeighbourIndex, bool]:
        """The index of the items' vectors, and whether it had to be made anew.

        It is made when it is first asked for, and again when the best weights are others.

        Raises:
            RunError: its file is not the one that was written with it.
        """
        weights = digest(scorer.model.state_dict(), "")
        told = self.index_manifest()
        if told.get("weights_sha256") != weights:
            # Whoever else is about to make it is waited for.
            with locks.exclusive(self.path / INDEX_LOCK, None, "", ""):
                told = self.index_manifest()
                if told.get("weights_sha256") != weights:
                    return self.make_index(scorer, weights), True
        index = self.read_index(told)
        if index is None:
            with locks.exclusive(self.path / INDEX_LOCK, None, "", ""):
                index = self.read_index(self.index_manifest())
        if index is None or len(index) != scorer.num_items:
            raise RunError(
                f"`{self.path / INDEX}` is not the index that `{INDEX_MANIFEST}` describes",
                "remove both, and it is made anew",
            )
        return index, False

    def read_index(self, told: dict[str, Any]) -> NeighbourIndex | None:
        """The index, if it is the one that its manifest tells of."""
        try:
            content = (self.path / INDEX).read_bytes()
        except OSError as error:
            raise RunError(
                f"`{self.path / INDEX}` cannot be read: {error.strerror}",
                f"remove `{self.path / INDEX_MANIFEST}`, and it is made anew",
            ) from error
        if hashlib.sha256(content).hexdigest() != told.get("index_sha256"):
            return None
        return NeighbourIndex.from_bytes(content)

    def make_index(self, scorer: ModelScorer, weights: str) -> NeighbourIndex:
        """Index the items' vectors and keep that."""
        index = NeighbourIndex.build(item_vectors(scorer))
        content = index.to_bytes()
        # Without manifest no index counts: whatever happens, the two never tell different stories.
        files.remove(self.path / INDEX_MANIFEST)
        for name in (INDEX, INDEX_MANIFEST):
            files.remove_leftovers(self.path, name)
        files.write_bytes(self.path / INDEX, content)
        files.write_json(
            self.path / INDEX_MANIFEST,
            {
                "weights_sha256": weights,
                "index_sha256": hashlib.sha256(content).hexdigest(),
                "items": scorer.num_items,
            },
        )
        return index

    def index_manifest(self) -> dict[str, Any]:
        """What is known of the index; nothing where there is none."""
        path = self.path / INDEX_MANIFEST
        try:
            content = json.loads(path.read_bytes())
            return content if isinstance(content, dict) else {}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(
                f"`{path}` is damaged: {error}", "remove it, and the index is made anew"
            ) from error

    def load_features(self, num_items: int) -> Features | None:
        """What the model was told beside histories, if it can be told anything."""
        path = self.path / TOLD
        if not self.experiment().model.reads_features:
            return None
        arrays = load_arrays(path)
        try:
            users = FeatureTable.from_arrays(arrays, "user", 0)
            items = FeatureTable.from_arrays(arrays, "item", num_items)
            trained = arrays["trained"]
            if trained.shape != (num_items,) or trained.dtype != np.bool_:
                raise ValueError("it is about other items")
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise RunError(
                f"`{path}` is not what this run was told: {error}", "train again"
            ) from error
        return Features(users, items, trained)

    def load_transitions(self, num_items: int) -> Transitions | None:
        """The counts that join the model's scores, if the experiment has any."""
        settings = self.experiment().transitions
        if settings is None:
            return None
        arrays = load_arrays(self.path / COUNTED)
        try:
            offsets, items = arrays["offsets"], arrays["items"]
            counted = checked_sequences("train", offsets, items, offsets.size - 1, num_items)
        except (KeyError, ValueError) as error:
            raise RunError(
                f"`{self.path / COUNTED}` is not what this run counted", "train again"
            ) from error
        return Transitions(counted, num_items, settings)

    def find_data(self, given: str | None, data_dir: Path) -> Path:
        """The npz that the run was trained on: where it says, or seen from the run's own folder.

        `given` is what the user calls the dataset, if they say so.

        Raises:
            DatasetError: it is not there.
        """
        if given is not None:
            return find_dataset(given, data_dir)
        noted = Path(self.manifest()["data"])
        places = [noted, self.path.resolve().parent.parent / noted]
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise DatasetError(
                f"the dataset of the run `{self.path}` is not at `{noted}`",
                "say where it is with `--data FILE.npz`, or prepare it again",
            )
        return found

    def differences(self, device: torch.device) -> list[str]:
        """What is other than when the training began, and may change the last bits."""
        now = {"torch": torch.__version__, "machine": platform.machine(), "device": str(device)}
        before = self.manifest()
        return [
            f"{key} was {before.get(key)} and is {value}"
            for key, value in now.items()
            if before.get(key) != value
        ]

    def check_data(self, data: SequenceDataset | RankingDataset) -> None:
        """Refuse a dataset that is not the one the run was trained on.

        Raises:
            RunError: another dataset.
        """
        if data.sha256 != self.manifest().get("data_sha256"):
            raise RunError(
                f"the run `{self.path}` was trained on another dataset than "
                f"`{data.name}` as it is now",
                "prepare it with the same options again, or train a new run",
            )


def save_what_it_reads(path: Path, experiment: Experiment, data: SequenceDataset) -> None:
    """Write the catalogue, and what the model is told or counts beside histories."""
    arrays: dict[str, NDArray[Any]] = {"item_ids": data.item_ids}
    if data.item_titles is not None:
        arrays["item_titles"] = data.item_titles
    save_arrays(path / "catalogue.npz", arrays)
    if experiment.model.reads_features:
        save_arrays(path / TOLD, features_to_arrays(data.features()))
    if experiment.transitions is not None:
        offsets, items = data.train.offsets, data.train.items
        save_arrays(path / COUNTED, {"offsets": offsets, "items": items})


def features_to_arrays(features: Features) -> dict[str, NDArray[Any]]:
    """What a model is told, as arrays; of the users only how they are encoded."""
    arrays: dict[str, NDArray[Any]] = {"trained": features.trained}
    if features.users is not None:
        arrays |= features.users.take(np.empty(0, np.int64)).arrays("user")
    if features.items is not None:
        arrays |= features.items.arrays("item")
    return arrays


def refuse_constant(name: str) -> None:
    """Refuse what Python reads as JSON and nobody else does."""
    raise ValueError(f"{name} is no number")


def newest_of(task: str, name: str) -> Path:
    """The directory that a user calls `name`; for `latest`, the newest run of that task."""
    path = find_run(name)
    if name != LATEST or not (path / "manifest.json").exists() or Run(path).task == task:
        return path
    made = sorted(RUNS.glob("*/manifest.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    runs = (Run(p.parent) for p in made if p.parent.name != LATEST)
    return next((run.path for run in runs if run.task == task), path)


def readable(counters: dict[str, Any]) -> dict[str, Any]:
    """Counters as JSON knows them: it has no infinity."""
    return {
        key: None if value in (float("inf"), -float("inf")) else value
        for key, value in counters.items()
    }
