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
from seqrec_cli.core.storage.torch_weights import read_state_dict
from seqrec_cli.core.training.checks import check_data
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.seen import settle_seen
from seqrec_cli.core.training.sequential import evaluate_valid
from seqrec_cli.errors import ConfigError, InputError

FORMAT = "sasrec.pytorch"
IN_NAME = re.compile(r"(?:^|\.)(epoch|head|maxlen)=([0-9]{1,6})(?=\.)")
ARGUMENTS = "args.txt"
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
        origin: for the manifest.
    """

    training: Training
    dataset: SequenceDataset
    data_path: Path
    metrics: dict[str, float]
    info: list[str]
    origin: dict[str, Any]


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
    there: Norm | None = None if first is None else "pre" if first == "True" else "post"
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
        return ForeignSASRec.of(read_state_dict(path))
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
    possible = (beside.norm,) if beside.norm in weights.norms else weights.norms
    made: dict[Norm, tuple[Training, dict[str, float]]] = {}
    for each in possible:
        assert each is not None
        training = training_of(weights, each, beside, dataset, data_path, ids)
        most = COMPARED_USERS if len(possible) > 1 else None
        made[each] = training, judged(training, dataset, most)
    metric = next(iter(made.values()))[0].experiment.training.metric
    best = max(made, key=lambda each: made[each][1][metric])
    if len(made) > 1:
        figures = ", ".join(f"{m[metric]:.4f} with {n}" for n, (_, m) in made.items())
        info.append(
            f"the weights do not say where layers are normalized: {metric} of {COMPARED_USERS:,} "
            f"users of the valid part is {figures}; taken as {best} (`--norm`)"
        )
    training, metrics = made[best]
    if len(made) > 1:
        metrics = judged(training, dataset, None)
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
    return Importing(training, dataset, data_path, metrics, info, {"imported_from": origin})


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
