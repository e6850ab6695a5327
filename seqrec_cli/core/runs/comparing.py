"""Runs that are compared: loaded together, of one dataset, by one protocol, by different names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.evaluation.report import EvaluationProtocol
from seqrec_cli.core.inference.ranker import Ranker
from seqrec_cli.core.inference.scoring import Scorer
from seqrec_cli.core.models.baselines import BASELINES
from seqrec_cli.core.runs.loading import agreed_seen, load_ranker, load_scorer
from seqrec_cli.core.runs.results import in_track
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.tracks import is_refitted, track_of
from seqrec_cli.errors import ConfigError, InputError


@dataclass(frozen=True, eq=False)
class Compared:
    """Runs of one dataset, ready to score.

    Attributes:
        runs: by a name that no other run and no baseline has.
        dataset: the one that all of them were trained on.
        scorers: by the same names.
        data_path: where the dataset is.
        tracks: what sets the figures of each apart, by the same names, which have it too; "":
            nothing.
        notes: warnings for the user about what was read.
    """

    runs: dict[str, Run]
    dataset: SequenceDataset
    scorers: dict[str, Scorer]
    data_path: Path
    tracks: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def load_runs(
    opened: Sequence[Run],
    data: str | None,
    data_dir: Path,
    device: torch.device,
    part: Literal["valid", "test"] = "test",
    marks: Sequence[str] = (),
) -> Compared:
    """Load runs of one dataset.

    Args:
        data: the dataset as the user names it; None: the one that the runs name.
        part: the part that is asked about: after the valid part, runs that have one are taken as
            their last fit left them, and their names say so.
        marks: what else sets their figures apart, in words.

    Raises:
        InputError: a run is named twice.
        ConfigError: the runs were trained on different datasets.
        RunError: a run is missing, damaged, a ranking run, or was trained on another dataset.
    """
    for run in opened:
        run.experiment()  # refuses a ranking run
    runs = labelled(opened)
    refuse_different_data(runs)
    path = next(iter(runs.values())).find_data(data, data_dir)
    dataset = SequenceDataset.load(path)
    if any(run.experiment().reads_time for run in opened):
        dataset = dataset.timed()
    compared = Compared({}, dataset, {}, path)
    for plain, run in runs.items():
        track = track_of(run, part, marks)
        name = in_track(plain, track)
        run.check_data(dataset)
        compared.runs[name], compared.tracks[name] = run, track
        compared.scorers[name] = load_scorer(run, device, part == "test" and is_refitted(run))
        compared.notes.extend(run.notes)
    return compared


def before_last_fits(compared: Compared) -> dict[str, Scorer]:
    """The scorers as they were before a last fit, which has learnt from the valid part: what that
    part chooses, it chooses by these."""
    found = dict(compared.scorers)
    for name, run in compared.runs.items():
        if is_refitted(run):
            found[name] = load_scorer(run, found[name].device, final=False)
    return found


@dataclass(frozen=True, eq=False)
class ComparedRankers:
    """Ranking runs of one dataset, ready to score rows.

    Attributes:
        runs: by a name that no other run has.
        stopped_on_test: the names of the runs whose training read the test part.
    """

    runs: dict[str, Run]
    rankers: dict[str, Ranker]
    dataset: RankingDataset
    stopped_on_test: list[str]
    notes: list[str] = field(default_factory=list)


def load_rankers(
    opened: Sequence[Run], data: str | None, data_dir: Path, device: torch.device
) -> ComparedRankers:
    """Load ranking runs of one dataset.

    Raises:
        as `load_runs`.
    """
    runs = labelled(opened)
    refuse_different_data(runs)
    dataset = RankingDataset.load(next(iter(runs.values())).find_data(data, data_dir))
    stopped = [n for n, run in runs.items() if run.manifest().get("validated_on") == "test"]
    compared = ComparedRankers(runs, {}, dataset, stopped)
    for name, run in runs.items():
        run.check_data(dataset)
        compared.rankers[name] = load_ranker(run, device)
        compared.notes.extend(run.notes)
    return compared


def refuse_different_data(runs: Mapping[str, Run]) -> None:
    """Refuse to compare runs that were trained on different datasets."""
    if len({run.manifest()["data_sha256"] for run in runs.values()}) > 1:
        raise ConfigError(
            f"the runs {', '.join(runs)} were trained on different datasets",
            "evaluate each with its own command",
        )


def settle_protocol(protocol: EvaluationProtocol, runs: Iterable[Run]) -> EvaluationProtocol:
    """The protocol with what it leaves to the runs put in."""
    if protocol.kind == "sampled":
        return protocol
    return replace(protocol, seen=agreed_seen(runs, protocol.seen))


def seed_groups(runs: Mapping[str, Run]) -> dict[str, list[str]]:
    """The names of runs that differ in their seeds alone, by a name for all of them: their own
    without the number at its end."""
    by_experiment: dict[str, list[str]] = {}
    for name, run in runs.items():
        alike = run.any_experiment().model_copy(update={"seed": 0})
        by_experiment.setdefault(alike.to_yaml(), []).append(name)
    groups: dict[str, list[str]] = {}
    for names in by_experiment.values():
        label = without_number(names[0]) if len(names) > 1 else names[0]
        groups[label if label not in groups else names[0]] = names
    return groups


def without_number(name: str) -> str:
    """A name without the number at its end, such as that of a seed; itself if that is all of it."""
    plain = name.rstrip("0123456789")
    if plain != name:
        plain = plain.removesuffix("seed")
        plain = plain[:-1] if plain[-1:] in ("-", "_", ".") else plain
    return plain or name


def labelled(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs by a name that no other run and no baseline has.

    Raises:
        InputError: a run is named twice.
    """
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise InputError("a run is named twice", "name each run once; `latest` is one of them")
    names = [run.name for run in runs]
    return {
        str(run.path) if names.count(run.name) > 1 or run.name in BASELINES else run.name: run
        for run in runs
    }
