"""Of which items a run has learned something.

The vector of another item is as training began, by chance. So the item is never listed where nobody
has it (`unlearned`), and left out of histories (`unread`): there by the scorer, on the one path
that all answers take.
"""

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import NextItemExperiment
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.models.likeness import values_of_items
from seqrec_cli.core.runs.inputs import load_catalogue, load_features
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import InputError

# Their weights came with them, and may know items that the run's own train part does not have.
ORIGINS = ("continued_from", "imported_from")


def unlearned(run: Run) -> NDArray[np.bool_]:
    """Which items' vectors are as training began: those that nobody has, where the model reads
    nothing but ids, or but ids and vectors and there is none; bool (N,)."""
    num_items, experiment = run.manifest()["items"], run.experiment()
    new = load_catalogue(run.path, num_items).new
    if new is None or experiment.model.reads_users:
        return np.zeros(num_items, np.bool_)
    return new & without_content(run, experiment, num_items)


def unread(run: Run, final: bool | None = None) -> NDArray[np.bool_] | None:
    """Which items a history is read without, bool (N + 1,): those that no training step has read,
    and of which the model knows nothing else. None: it has none.

    Args:
        final: by the weights of the last fit, on train + valid; None: if there are any.
    """
    experiment, manifest = run.experiment(), run.manifest()
    if experiment.model.reads_users:
        return None
    catalogue = load_catalogue(run.path, manifest["items"])
    if final is None:
        final = experiment.training.final and run.checkpoints.has_final()
    never = never_read(catalogue, own=not any(each in manifest for each in ORIGINS), final=final)
    if never is None or not never.any():
        return None
    if not isinstance(experiment, FittedExperiment):  # those spread scores, and read ids alone
        never = never & without_content(run, experiment, manifest["items"])
    return np.append(False, never) if never.any() else None


def never_read(catalogue: Catalogue, *, own: bool, final: bool) -> NDArray[np.bool_] | None:
    """Which items no training step has read, bool (N,); None: a run of an old version, which does
    not say.

    Args:
        own: whether all that the weights know is of the run's own dataset.
        final: whether they have learned its valid part too.
    """
    if final and own and catalogue.refitted is not None:
        return ~catalogue.refitted
    if final or not own or catalogue.counts is None:
        return catalogue.new
    return np.asarray(catalogue.counts == 0)


def without_content(run: Run, experiment: NextItemExperiment, num_items: int) -> NDArray[np.bool_]:
    """Which items have no vector and no known feature that the model reads, bool (N,)."""
    none = np.ones(num_items, np.bool_)
    features = load_features(run.path, experiment, num_items)
    if features is None:
        return none
    network = not isinstance(experiment, FittedExperiment)
    if network and features.vectors is not None:
        none &= ~features.vectors.any(axis=1)
    if (not network or experiment.model.reads_features) and features.items is not None:
        told, _, _ = values_of_items(features)
        none[told - 1] = False
        none &= not (network and features.items.dense.shape[1])  # every item has its numbers
    return none


def without_meaning(run: Run) -> NDArray[np.bool_]:
    """Which items' vectors mean nothing, bool (N,)."""
    never = unread(run)
    return unlearned(run) if never is None else unlearned(run) | never[1:]


def items_learned_of(run: Run, *, by_vectors: bool) -> NDArray[np.int64]:
    """All items that others can be similar to, int64: by vectors, those whose own mean something;
    else those that somebody has."""
    return np.flatnonzero(~(without_meaning(run) if by_vectors else unlearned(run))) + 1


def refuse_new(run: Run, items: NDArray[np.int64]) -> None:
    """Refuse items whose vectors mean nothing.

    Raises:
        InputError: with the first of them.
    """
    new = items[without_meaning(run)[items - 1]]
    if len(new):
        catalogue = load_catalogue(run.path, run.manifest()["items"])
        raise nothing_learned(str(catalogue.item_ids[new[0] - 1]))


def nothing_learned(item: str) -> InputError:
    """The error where an item is asked about of which nothing was learned."""
    return InputError(
        f"nobody has the item `{item}` yet in what the run learned from, and its model knows items "
        "by their ids alone: its vector means nothing",
        "ask a run that reads features (`model.item_features=true`, `configs/two-tower.yaml`), or "
        "vectors of items (`prepare --item-vectors`, `model.item_vectors=added`)",
    )
