"""Weights of another tool as a run: matched by item ids, judged on the valid part, and kept.

What a file of weights does not say - the number of heads, where layers are normalized - is taken
from what the caller says, from `args.txt` beside it, from its name, and last from the valid part.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.names import WHOLE_NUMBER
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.sasrec import Norm
from seqrec_cli.core.models.sequential.sasrec_pytorch import ForeignSASRec
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.runs.status import write_finished
from seqrec_cli.core.settings.configs import find_config
from seqrec_cli.core.storage import files, foreign
from seqrec_cli.core.storage.foreign_weights import read_weights
from seqrec_cli.core.training.checks import check_data
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.seen import settle_seen
from seqrec_cli.core.training.sequential import evaluate_valid
from seqrec_cli.errors import ConfigError, InputError

FORMAT = "sasrec.pytorch"
IN_NAME = re.compile(r"(?:^|\.)(epoch|head|maxlen)=([0-9]{1,6})(?=\.)")
ARGUMENTS = "args.txt"
ABOVE_CHANCE = 2.0  # times chance, from which on the weights know something of the items
COMPARED_USERS = 1000  # of the valid part, where it picks the norm
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Beside:
    """What is known of weights besides themselves; None: unknown.

    Attributes:
        heads, norm, length, dropout, epoch: of the training.
        sources: where it was found, for people.
    """

    heads: int | None = None
    norm: Norm | None = None
    length: int | None = None
    dropout: float | None = None
    epoch: int | None = None
    sources: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Importing:
    """A run that is about to be made.

    Attributes:
        training: with the weights in it.
        metrics: on the valid part.
        info: what was inferred, for people.
        notes: what may be wrong, for people.
        origin: for the manifest.
    """

    training: Training
    dataset: SequenceDataset
    data_path: Path
    metrics: dict[str, float]
    info: list[str]
    origin: dict[str, Any]
    notes: list[str]

    @property
    def shown(self) -> dict[str, float]:
        """The metrics that a training shows."""
        return {name: self.metrics[name] for name in self.training.experiment.shown}


def read_beside(path: Path, heads: int | None, norm: Norm | None) -> Beside:
    """What `args.txt` beside a file and its name say, unless the caller says otherwise.

    Raises:
        InputError: `args.txt` cannot be read.
    """
    told = {"epoch": None, "head": None, "maxlen": None} | {
        name: int(value) for name, value in IN_NAME.findall(path.name)
    }
    sources = ["the file's name"] if any(told.values()) else []
    arguments: dict[str, str] = {}
    place = path.with_name(ARGUMENTS)
    if place.is_file():
        try:
            lines = foreign.read_text(place, 1 << 16).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"`{place}` cannot be read: {error}", "remove it") from error
        arguments = {key: value.strip() for key, _, value in (s.partition(",") for s in lines)}
        sources.append(f"`{place}`")
    first = arguments.get("norm_first")
    there: Norm | None = "pre" if first == "True" else "post"
    if first is None:  # of a version without the choice, if there are arguments
        there = "sasrec" if arguments else None
    dropout = arguments.get("dropout_rate", "")
    return Beside(
        heads=heads or told["head"] or small_number(arguments.get("num_heads")),
        norm=norm or there,
        length=told["maxlen"] or small_number(arguments.get("maxlen")),
        dropout=float(dropout) if re.fullmatch(r"0?\.[0-9]{1,6}", dropout) else None,
        epoch=told["epoch"] or small_number(arguments.get("num_epochs")),
        sources=sources,
    )


def small_number(text: str | None) -> int | None:
    """A small whole number above 0, or None."""
    return int(text) or None if text and re.fullmatch(r"[0-9]{1,6}", text) else None


def read_foreign(path: Path) -> ForeignSASRec:
    """The weights of a file, checked.

    Raises:
        InputError: with the file.
    """
    try:
        return ForeignSASRec.of(read_weights(path))
    except InputError as error:
        if str(path) in error.message:
            raise
        raise InputError(f"`{path}`: {error.message}", error.hint) from None


def ids_in_file(dataset: SequenceDataset, items: int) -> NDArray[np.int64]:
    """The id of each item as a number of the file's table, int64 (items,).

    Raises:
        InputError: an id is not 1 to `items`.
    """
    texts = [str(key) for key in dataset.item_ids.tolist()]
    ids = [int(text) if WHOLE_NUMBER.fullmatch(text) else 0 for text in texts]
    wrong = [text for text, number in zip(texts, ids, strict=True) if not 1 <= number <= items]
    if wrong:
        raise InputError(
            f"{len(wrong):,} of the {len(ids):,} items of `{dataset.name}` are not among the "
            f"{items:,} of the weights: `{wrong[0]}` for one",
            "prepare the file that they were trained on, whose ids are the rows of the table: "
            "`seqrec prepare FILE.txt`",
        )
    return np.array(ids, np.int64)


def prepare_import(path: Path, data_path: Path, heads: int | None, norm: Norm | None) -> Importing:
    """Read weights of SASRec.pytorch, and put them into a training on a dataset.

    Raises:
        InputError: the file or the dataset is not of this kind.
        ConfigError: the norm or the number of heads cannot be.
    """
    weights, beside = read_foreign(path), read_beside(path, heads, norm)
    dataset = SequenceDataset.load(data_path, parts=("train", "valid"))
    check_data(dataset)
    ids = ids_in_file(dataset, weights.items)
    info = [f"read {', '.join(beside.sources)} too"] if beside.sources else []
    if beside.heads is None:
        info.append("the weights do not say how many heads there are: taken as 1 (`--heads`)")
    if norm is not None and norm not in weights.norms:
        raise ConfigError(
            f"`{path}` is of a version that has norm: sasrec alone", "leave out `--norm`"
        )
    training, metrics, reason = with_fitting_norm(weights, beside, dataset, data_path, ids)
    info += [reason] if reason else []
    origin = {
        "format": FORMAT,
        "file": path.name,
        "sha256": files.sha256(path),
        "items_in_file": weights.items,
        "not_in_dataset": weights.items - dataset.num_items,
    }
    if origin["not_in_dataset"]:
        info.append(
            f"{origin['not_in_dataset']:,} of the {weights.items:,} items of the weights are not "
            f"in `{dataset.name}` and are left out"
        )
    return Importing(
        training,
        dataset,
        data_path,
        metrics,
        info,
        {"imported_from": origin},
        at_chance(metrics["ndcg@10"], dataset),
    )


def with_fitting_norm(
    weights: ForeignSASRec,
    beside: Beside,
    dataset: SequenceDataset,
    data_path: Path,
    ids: NDArray[np.int64],
) -> tuple[Training, dict[str, float], str]:
    """The training of the norm that is known, or that is the best on the valid part; its metrics,
    and in the second case why."""
    if beside.norm in weights.norms or len(weights.norms) == 1:
        known = beside.norm if beside.norm in weights.norms else weights.norms[0]
        assert known is not None
        training = training_of(weights, known, beside, dataset, data_path, ids)
        return training, judged(training, dataset, None), ""
    tried = {}
    for norm in weights.norms:
        training = training_of(weights, norm, beside, dataset, data_path, ids)
        tried[norm] = training, judged(training, dataset, COMPARED_USERS)
    metric = training.experiment.training.metric
    best = max(tried, key=lambda norm: tried[norm][1][metric])
    figures = ", ".join(f"{figure[metric]:.4f} with {norm}" for norm, (_, figure) in tried.items())
    reason = (
        f"the weights do not say where layers are normalized: {metric} on the valid part (up to "
        f"{COMPARED_USERS:,} users) is {figures}; taken as {best} (`--norm`)"
    )
    return tried[best][0], judged(tried[best][0], dataset, None), reason


def at_chance(ndcg: float, dataset: SequenceDataset) -> list[str]:
    """A note where NDCG@10 is about what a random order of the items has."""
    chance = float((1 / np.log2(np.arange(10) + 2)).sum()) / max(10, dataset.num_items)
    if ndcg > ABOVE_CHANCE * chance:
        return []
    return [
        f"an NDCG@10 of {ndcg:.4f} is that of chance ({chance:.4f}): are the ids of "
        f"`{dataset.name}` those of the file that the weights were trained on?"
    ]


def training_of(
    weights: ForeignSASRec,
    norm: Norm,
    beside: Beside,
    dataset: SequenceDataset,
    data_path: Path,
    ids: NDArray[np.int64],
) -> Training:
    """A training that ended with these weights."""
    length = min(beside.length or weights.positions, weights.positions)
    settings = weights.settings(norm, beside.heads or 1, length)
    settings |= {} if beside.dropout is None else {"dropout": beside.dropout}
    changes = [f"model.{key}={value}" for key, value in settings.items()]
    changes.append(f"training.epochs={beside.epoch or 1}")
    experiment = load_experiment(find_config("sasrec"), changes, str(data_path))
    assert isinstance(experiment, Experiment)
    experiment = settle_seen(experiment, dataset).put_into(experiment)
    training = Training(experiment, dataset.num_items, CPU, dataset.features())
    weights.put_into(training.model, torch.from_numpy(ids))
    counters = training.counters
    counters.epoch = counters.validated = counters.best_epoch = beside.epoch or 1
    return training


def judged(training: Training, dataset: SequenceDataset, most: int | None) -> dict[str, float]:
    """The metrics of the valid part, for all users or for so many."""
    scorer = ModelScorer(training.model, dataset.num_items)
    found = evaluate_valid(training.experiment, dataset, scorer, most_users=most)
    means: dict[str, float] = found.means()
    return means


def finish_import(importing: Importing, target: Path) -> Run:
    """Write the run; the caller has locked it.

    Raises:
        RunError: the directory has the checkpoints of another training.
    """
    training, metrics = importing.training, importing.metrics
    data, path = importing.dataset, importing.data_path
    run = create_run(target, training.experiment, data, path, str(CPU), importing.origin)
    counters = training.counters
    counters.best = metrics[training.experiment.training.metric]
    run.checkpoints.save_best(training, counters.epoch, metrics)
    run.history.add({"epoch": counters.epoch, **metrics, "best": True, "seconds": 0.0})
    run.checkpoints.save_last(training)
    facts = {"epoch": counters.epoch, "step": 0, "best_epoch": counters.epoch, "seconds": 0.0}
    write_finished(run.path, facts)
    return run
