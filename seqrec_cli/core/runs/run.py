"""The run directory: the results of a training. Every file in it is complete or absent."""

import contextlib
import platform
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqrec_cli import __version__
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.store import NEXT_ITEM, find_dataset, located
from seqrec_cli.core.experiment.loading import AnyExperiment, NextItemExperiment, parse_experiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.runs.checkpoints import Checkpoints
from seqrec_cli.core.runs.directory import LATEST, LOCK, MANIFEST, known_runs, refuse_latest
from seqrec_cli.core.runs.history import History
from seqrec_cli.core.runs.inputs import save_model_inputs
from seqrec_cli.core.runs.provenance import dataset_differences, dataset_facts
from seqrec_cli.core.runs.status import run_statuses
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.core.storage.versions import check_version
from seqrec_cli.errors import ConfigError, DatasetError, RunError

RUN_VERSION = 2  # 1: other encodings of features and rows, see data/features/upgrade.py


class Run:
    """A run directory: its manifest and experiment; its checkpoints and its history.

    Attributes:
        path: the folder; for `latest`, the one that the link pointed at.
        checkpoints: best and last weights.
        history: the validations.
        notes: warnings for the user about what was read.
    """

    def __init__(self, path: Path) -> None:
        self.path = files.read_link(path)  # another training may move the link meanwhile
        self.notes: list[str] = []

    @classmethod
    def open(cls, path: Path) -> "Run":
        """Find an existing run directory.

        Raises:
            RunError: there is none.
        """
        if not (path / MANIFEST).is_file():
            known = known_runs()
            if path.name == LATEST and known:
                raise no_latest()
            raise RunError(
                f"there is no run `{path}`",
                f"the runs here are {', '.join(known[-9:])}"
                if known
                else "train one: `seqrec train --config sasrec --data NAME`",
            )
        return cls(path)

    @cached_property
    def name(self) -> str:
        return self.path.resolve().name

    @cached_property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path, self.notes)

    @cached_property
    def history(self) -> History:
        return History(self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process train in this directory while the block runs.

        Leftovers of killed processes are removed first.

        Raises:
            RunError: another process trains there.
        """
        refuse_latest(self.path)
        hint = "wait for it to end, or choose another `--run`"
        lock = self.path / LOCK
        with locks.exclusive(lock, RunError, f"the run `{self.path}`", hint):
            files.remove_leftovers(self.path)
            files.remove_leftovers(self.path.parent, LATEST)
            yield

    @property
    def task(self) -> str:
        """The task of its model: next-item or ranking."""
        return str(self.manifest().get("task", NEXT_ITEM))

    def any_experiment(self) -> AnyExperiment:
        """The experiment as it was run, every default spelled out.

        Raises:
            RunError: it cannot be read.
        """
        path = self.path / "experiment.yaml"
        try:
            return with_settled_seen(parse_experiment(foreign.read_text(path), str(path)))
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(
                f"`{path}` cannot be read: {error}", "train again; the run is incomplete"
            ) from error
        except ConfigError as error:
            maker = self.manifest().get("seqrec")
            if maker == __version__:
                raise
            raise RunError(
                f"the run `{self.path}` was made by seqrec {maker}, and seqrec {__version__} "
                f"cannot read its experiment: {error.message}",
                "use that version, or train again",
            ) from error

    def experiment(self) -> NextItemExperiment:
        """The experiment of a run whose model predicts the next item.

        Raises:
            RunError: it is a ranking run.
        """
        experiment = self.any_experiment()
        if isinstance(experiment, RankingExperiment):
            raise RunError(
                f"the run `{self.path}` ranks candidates and does not find any",
                f"name a retrieval run, and add `--rerank {self.path}` to reorder its candidates",
            )
        return experiment

    def ranking_experiment(self) -> RankingExperiment:
        """The experiment of a ranking run.

        Raises:
            RunError: its model predicts the next item.
        """
        experiment = self.any_experiment()
        if not isinstance(experiment, RankingExperiment):
            raise RunError(
                f"the run `{self.path}` does not rank candidates: it predicts the next item",
                "name a run of the config dien, din, mlp or logistic",
            )
        return experiment

    def save_experiment(self, experiment: AnyExperiment) -> None:
        """Write the experiment, every default spelled out."""
        files.write_text(self.path / "experiment.yaml", experiment.to_yaml())

    def manifest(self) -> dict[str, Any]:
        """Versions, machine, dataset and seed of the training.

        Raises:
            RunError: it is damaged.
        """
        path = self.path / MANIFEST
        try:
            content = foreign.read_json(path)
            if not isinstance(content, dict):
                raise TypeError("it is not a mapping")
            check_version(content, RUN_VERSION, f"`{path}`", RunError, made_by="seqrec")
            kinds = {"items": int, "data": str, "data_sha256": str}
            for key, kind in kinds.items():
                if type(content[key]) is not kind or (kind is int and not 0 < content[key] < 2**31):
                    raise ValueError(f"its `{key}` is not a valid value")
            return content
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"`{path}` is damaged: {error}", "train again") from error

    def find_data(self, given: str | None, data_dir: Path) -> Path:
        """The npz that the run was trained on.

        The path in the manifest is tried from here, and then from the folder above runs/.

        Args:
            given: the dataset as the user names it; None: the one that the manifest names.

        Raises:
            DatasetError: it does not exist.
        """
        if given is not None:
            return find_dataset(given, data_dir)
        noted = Path(self.manifest()["data"])
        places = [noted, self.path.resolve().parent.parent / noted]
        existing = next((place for place in map(located, places) if place.exists()), None)
        if existing is None:
            raise DatasetError(
                f"the dataset of the run `{self.path}` is not at `{noted}`",
                "name its place with `--data FILE.npz`, or prepare it again; "
                "`seqrec recommend --history` needs no dataset",
            )
        return existing

    def check_data(self, data: SequenceDataset | RankingDataset) -> None:
        """Refuse a dataset that is not the one the run was trained on.

        Raises:
            RunError: another dataset; the message says what differs.
        """
        if data.sha256 == self.manifest().get("data_sha256"):
            return
        differences = dataset_differences(self.manifest(), data)
        what = f": {'; '.join(differences)}" if differences else ""
        raise RunError(
            f"the run `{self.path}` was trained on another dataset than "
            f"`{data.name}` as it is now{what}",
            "prepare it as it was under another name and add `--data NAME`, or train a new run: "
            f"`seqrec train --config {self.path / 'experiment.yaml'} --data {data.name}`",
        )


def no_latest() -> RunError:
    """The error where a run is not named and none has finished."""
    newest = next(run_statuses())
    remedy = f"name a run, such as `{newest.path}`"
    if newest.state == "interrupted":
        remedy = f"go on with it: `seqrec train --resume {newest.path}`"
    return RunError(
        f"no run has finished yet: `{newest.path}`, the newest, is {newest.in_words()}", remedy
    )


def with_settled_seen(experiment: AnyExperiment) -> AnyExperiment:
    """The experiment of a run, which says whether seen items may be recommended.

    One of an older version does not: it always left them out.
    """
    if not isinstance(experiment, RankingExperiment) and experiment.training.seen == "auto":
        training = experiment.training.model_copy(update={"seen": "exclude"})
        return experiment.model_copy(update={"training": training})
    return experiment


def create_run(
    path: Path,
    experiment: AnyExperiment,
    data: SequenceDataset | RankingDataset,
    data_path: Path,
    device: str,
    origin: dict[str, Any] | None = None,
) -> Run:
    """Create the run directory of a new training; `origin` is what else its manifest says.

    Raises:
        RunError: the directory has the checkpoints of another training.
    """
    refuse_latest(path)
    run = Run(path)
    # A run that failed before its first checkpoint has nothing to lose, and is started again.
    if (path / MANIFEST).exists() and run.checkpoints.any():
        raise RunError(
            f"the run `{path}` exists already",
            f"use another `--run`, or resume it: `seqrec train --resume {path}`",
        )
    facts = save_model_inputs(path, experiment, data)
    run.save_experiment(experiment)
    files.write_json(
        path / MANIFEST,
        {
            "manifest_version": RUN_VERSION,
            "seqrec": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "machine": platform.machine(),
            "system": platform.system(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            "device": device,
            "seed": experiment.seed,
            "data": str(data_path),
            "data_sha256": data.sha256,
            "dataset": dataset_facts(data),
            "items": data.num_items,
            "users": data.num_users,
            **facts,
            **(origin or {}),
        },
    )
    return run


def chosen_by_rules(reasons: Sequence[str]) -> dict[str, Any]:
    """What the manifest says of settings that rules chose; nothing without reasons."""
    return {"settings_chosen": list(reasons)} if reasons else {}
