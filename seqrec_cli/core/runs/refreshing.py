"""A new run that goes on from the weights of another, on a dataset prepared later.

The catalogue has grown meanwhile: rows of tables are matched by the items' ids, those of features
by their values. The rest of the network is taken as it is; models that join it are fitted anew,
which takes seconds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.identity import positions
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.models.sequential.tables import ItemTables
from seqrec_cli.core.models.sequential.two_tower import TwoTower
from seqrec_cli.core.runs.inputs import load_features
from seqrec_cli.core.runs.learned import unlearned
from seqrec_cli.core.runs.loading import catalogue_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import ConfigError, RunError
from seqrec_cli.wording import counted, verb

EPOCHS_SHARE = 0.1  # of the epochs that the best weights took
LR_SHARE = 0.3  # of the learning rate


@dataclass(frozen=True)
class Carried:
    """What a training took over.

    Attributes:
        items: how many of its items the run knows.
        new: how many it does not, or has learned nothing of, of which ...
        from_neighbours: ... so many start from the items that come before them.
        gone: how many items of the run it has no more.
    """

    items: int
    new: int
    from_neighbours: int
    gone: int

    def in_words(self) -> str:
        """What happened, for people."""
        text = (
            f"{counted(self.items, 'item')} {verb(self.items, 'keeps its', 'keep their')} weights"
        )
        if self.new:
            start, other = "from the mean of the items that come before", "at random"
            mixed = f"{self.from_neighbours:,} of them {start}, the others {other}"
            ways = {self.new: start, 0: other}
            text += f"; {self.new:,} new, {ways.get(self.from_neighbours, mixed)}"
        gone = f"{counted(self.gone, 'item')} of the run {verb(self.gone, 'is', 'are')} gone"
        return text + (f"; {gone}" if self.gone else "")


def settings_to_go_on(run: Run, changed: Sequence[str]) -> list[str]:
    """The settings of a continuation, as KEY=VALUE: fewer epochs at a lower learning rate, unless
    `changed` names them, and then what is changed.

    Raises:
        ConfigError: the run was fitted without gradients.
    """
    experiment = run.experiment()
    if isinstance(experiment, FittedExperiment):
        raise ConfigError(
            f"the run `{run.path}` was fitted without gradients: nothing is to go on from",
            f"fit it anew: `seqrec train --config {run.path / 'experiment.yaml'} --data NAME`",
        )
    _, facts = run.checkpoints.load_best_weights()
    training = experiment.training
    epochs = max(1, math.ceil(EPOCHS_SHARE * int(facts["epoch"])))
    usual: dict[str, Any] = {
        "training.epochs": epochs,
        "training.validate_every": min(training.validate_every, epochs),
        "training.lr": float(f"{LR_SHARE * training.lr:.3g}"),
    }
    if training.table_lr is not None:
        usual["training.table_lr"] = float(f"{LR_SHARE * training.table_lr:.3g}")
    named = {each.split("=", 1)[0].strip() for each in changed}
    kept = [f"{key}={value}" for key, value in usual.items() if key not in named]
    return [*kept, *changed]


def carry_over(
    run: Run, training: Training, dataset: SequenceDataset, *, neighbours: bool = True
) -> Carried:
    """Put the best weights of `run` into a training that has not begun.

    Args:
        neighbours: whether new items start from the items before them, or else at random.

    Raises:
        RunError: the networks are of different shapes, or read other features.
    """
    weights, _ = run.checkpoints.load_best_weights()
    places = positions(dataset.item_ids, catalogue_of(run).item_ids) + 1  # 0: new
    gone = int(run.manifest()["items"]) - int((places > 0).sum())
    # Items that nobody had are in the run, but as training began: they start as new ones do.
    places[np.append(False, unlearned(run))[places]] = 0
    known = np.flatnonzero(places) + 1
    new = np.flatnonzero(places == 0) + 1
    followed = followed_shares(dataset.train, new, places) if neighbours else {}
    own = training.model.state_dict()
    tables = training.model.tables
    rows = rows_of_values(run, training, dataset)
    apart = tables | rows.keys()
    for name, tensor in own.items():
        if name not in weights or (name not in apart and weights[name].shape != tensor.shape):
            raise RunError(
                f"the weights of `{run.path}` do not fit: `{name}` is another one there",
                "the features of the dataset may have changed: train a new run",
            )
        if name not in apart:
            tensor.copy_(weights[name])
    with torch.no_grad():
        for name, (here, there) in rows.items():
            own[name][here] = weights[name][there].to(own[name])
        for name in tables:
            carry_table(own[name], weights[name], known, places, followed)
    return Carried(len(known), len(new), len(followed), gone)


def carry_table(
    table: Tensor,
    before: Tensor,
    known: NDArray[np.int64],
    places: NDArray[np.int64],
    followed: Mapping[int, NDArray[np.int64]],
) -> None:
    """Fill a table (N + 1, D): known items' rows from `before`, new ones' from what they follow."""
    table[torch.from_numpy(known)] = before[torch.from_numpy(places[known - 1])].to(table)
    for item, earlier in followed.items():
        table[item] = before[torch.from_numpy(earlier)].mean(dim=0).to(table)


def rows_of_values(
    run: Run, training: Training, dataset: SequenceDataset
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each table of features, which of its rows are known, and where they are in the run's.

    Each preparation numbers the values of features anew, the most frequent first.

    Raises:
        RunError: the columns are others, or the model does not say what its tables hold.
    """
    experiment = training.experiment
    if not experiment.model.reads_features:
        return {}
    features = load_features(run.path, experiment, run.manifest()["items"])
    assert features is not None
    before, now = features.encoders, dataset.encoders
    if not experiment.model.reads_users:
        before, now = before.side("item"), now.side("item")
    if columns_in_words(before) != columns_in_words(now):
        raise RunError(
            f"the run `{run.path}` reads other features than `{dataset.name}` has: "
            f"{columns_in_words(before)}, and not {columns_in_words(now)}",
            "prepare the dataset with the same columns, or train a new run",
        )
    if not isinstance(training.model, TwoTower | ItemTables):
        raise RunError(
            f"`{experiment.model.name}` does not say which row of its tables is of which value",
            "train a new run",
        )
    found, values_before = {}, training.model.values_of_tables(before)
    for name, values in training.model.values_of_tables(now).items():
        there = positions(values, values_before[name]) + 1
        here = np.flatnonzero(there) + 1
        found[name] = (np.append(0, here), np.append(0, there[here - 1]))  # 0: unknown
    return found


def columns_in_words(encoders: Encoders) -> str:
    """The columns of features and what they are, in the order of a model."""
    return ", ".join(f"{c.side}s' {c.name} ({c.kind})" for c in encoders.columns) or "none"


def followed_shares(
    train: Sequences, new: NDArray[np.int64], places: NDArray[np.int64]
) -> dict[int, NDArray[np.int64]]:
    """For each new item that comes right after known ones, these as the run numbers them, as often
    as they do."""
    first = np.zeros(len(train.items), np.bool_)
    first[train.offsets[:-1][train.lengths > 0]] = True
    is_new = np.isin(train.items, new)
    at = np.flatnonzero(is_new & ~first)
    before = places[train.items[at - 1].astype(np.int64) - 1]
    at, before = at[before > 0], before[before > 0]
    items = train.items[at]
    return {int(item): before[items == item] for item in np.unique(items)}


def origin_of(run: Run, carried: Carried) -> dict[str, Any]:
    """What the manifest of the new run says of where it comes from."""
    _, facts = run.checkpoints.load_best_weights()
    return {
        "continued_from": {
            "run": str(run.path),
            "data_sha256": run.manifest()["data_sha256"],
            "epoch": facts.get("epoch"),
            "items": carried.items,
            "new_items": carried.new,
            "from_neighbours": carried.from_neighbours,
        }
    }
