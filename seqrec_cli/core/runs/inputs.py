"""The inputs of a model other than histories, kept in its run: catalogue, features, counts."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.item_table import PREFIX as TABLE
from seqrec_cli.core.data.item_table import ItemTable
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.sequences import Sequences, check_list, checked_sequences
from seqrec_cli.core.experiment.loading import AnyExperiment, NextItemExperiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.scoring import Joined
from seqrec_cli.core.models.fitted import FITTED, FittedModel
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.tensors import first_line, load_tensors, save_tensors
from seqrec_cli.errors import RunError

CATALOGUE = "catalogue.npz"
FEATURES = "features.npz"  # the items' features, and the encoders of items and users
ROWS = "rows.npz"  # of a ranking run: its encoders, and the pairs that it was trained on
COUNTED = "transitions.npz"  # in runs of older versions: the train part, to count transitions


def save_model_inputs(
    path: Path, experiment: AnyExperiment, data: SequenceDataset | RankingDataset
) -> dict[str, Any]:
    """Write the inputs of the model other than histories; returns their entries in the manifest."""
    if isinstance(experiment, RankingExperiment):
        assert isinstance(data, RankingDataset)
        save_arrays(path / ROWS, data.encoder_arrays() | data.training_pairs())
        return {
            "task": data.task,
            "validated_on": experiment.training.validate_on,
            "examples": data.manifest.get("examples", {}),
            **({} if data.sides else {"table": data.manifest["source"].get("columns")}),
        }
    assert isinstance(data, SequenceDataset)
    arrays: dict[str, NDArray[Any]] = {"item_ids": data.item_ids}
    if data.item_titles is not None:
        arrays["item_titles"] = data.item_titles
    arrays |= {"item_counts": data.item_counts(), "item_new": data.new_items()}
    if experiment.training.final:
        arrays["item_refitted"] = data.with_valid_learnt().item_counts() > 0
    if data.item_table is not None:
        arrays |= data.item_table.arrays()
    save_arrays(path / CATALOGUE, arrays)
    if experiment.needs_features:
        save_arrays(path / FEATURES, data.features().arrays())
    return {}


def load_catalogue(folder: Path, num_items: int) -> Catalogue:
    """The items that the run in `folder` knows.

    Raises:
        RunError: their number is not `num_items`.
    """
    path = folder / CATALOGUE
    # The table is for rules only, and may be large.
    arrays = load_arrays(path, lambda name: name.startswith(TABLE))
    item_ids, titles = arrays.get("item_ids"), arrays.get("item_titles")
    counts, new = arrays.get("item_counts"), arrays.get("item_new")
    refitted = arrays.get("item_refitted")
    try:
        if item_ids is None or item_ids.shape != (num_items,):
            raise ValueError(f"it does not have {num_items} items")
        check_list(item_ids, "item_ids")
        if titles is not None and (titles.shape, titles.dtype.kind) != (item_ids.shape, "U"):
            raise ValueError("its titles are not one text for each item")
        for known, dtype in ((counts, np.int64), (new, np.bool_), (refitted, np.bool_)):
            if known is not None and (known.shape != item_ids.shape or known.dtype != dtype):
                raise ValueError("its counts are not one for each item")
        if counts is not None and (counts < 0).any():
            raise ValueError("it has negative counts")
    except ValueError as error:
        raise RunError(f"`{path}` is not this run's catalogue: {error}", "train again") from error
    return Catalogue(item_ids, titles, counts, new, refitted)


def load_item_table(folder: Path, num_items: int) -> ItemTable | None:
    """What the run in `folder` keeps of its items besides ids and titles; None if it has no table.

    Raises:
        RunError: it does not fit the run.
    """
    path = folder / CATALOGUE
    try:
        return ItemTable.from_arrays(
            load_arrays(path, lambda name: not name.startswith(TABLE)), num_items
        )
    except (ValueError, KeyError) as error:
        raise RunError(f"`{path}` is not this run's catalogue: {error}", "train again") from error


def load_features(folder: Path, experiment: NextItemExperiment, num_items: int) -> Features | None:
    """The features that the model reads; None if it reads none."""
    path = folder / FEATURES
    if not experiment.needs_features:
        return None
    arrays = load_arrays(path)
    try:
        return Features.from_arrays(arrays, num_items)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise RunError(
            f"`{path}` does not hold the features of this run: {error}", "train again"
        ) from error


def joined_file(folder: Path, name: str, final: bool = False) -> Path:
    """Where a run keeps what a model that joins its network has learnt; in its last fit."""
    return folder / f"joined-{name}{'-final' if final else ''}.safetensors"


def save_joined(folder: Path, name: str, model: FittedModel, final: bool = False) -> None:
    """Keep what a model that joins the network has learnt; the same again is not written."""
    path = joined_file(folder, name, final)
    if final or not path.exists():
        save_tensors(path, model.state_dict(), {})


def load_joined(
    folder: Path, experiment: Experiment, num_items: int, weights: Any, final: bool = False
) -> list[Joined]:
    """The fitted models that join the network.

    Args:
        weights: those that came with the network's, by name; None: those of the experiment.
        final: of the last fit.

    Raises:
        RunError: one is missing or damaged, or does not belong to the experiment.
    """
    found = []
    for name, settings in experiment.joined.items():
        path, old = joined_file(folder, name, final), folder / COUNTED
        if name == "transitions" and old.exists() and not path.exists():
            path, tensors = (
                old,
                {k: torch.from_numpy(a.copy()) for k, a in load_arrays(old).items()},
            )
        else:
            tensors = load_tensors(path)[0]
        try:
            model = FITTED[name].restored(num_items, settings, tensors)
            wanted = settings.weight if weights is None else weights[name]
            weight = type(settings).model_validate({"weight": wanted}).weight
            if weight == "auto":
                raise ValueError("it has no weight")
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise RunError(
                f"`{path}` does not belong to this run: {first_line(error)}", "train again"
            ) from error
        found.append(Joined(name, model, weight, picked=settings.weight == "auto"))
    return found


def load_train_part(folder: Path, num_items: int) -> Sequences:
    """The train part, of a run that keeps it (COUNTED).

    Raises:
        DatasetError: it is missing.
        RunError: it is damaged.
    """
    arrays = load_arrays(folder / COUNTED)
    try:
        offsets, items = arrays["offsets"], arrays["items"]
        return checked_sequences("train", offsets, items, offsets.size - 1, num_items)
    except (KeyError, ValueError) as error:
        raise RunError(
            f"`{folder / COUNTED}` does not hold the counts of this run", "train again"
        ) from error
