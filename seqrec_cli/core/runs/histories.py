"""Histories for a run, of a dataset that may have been prepared anew since the training."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Names, histories_of
from seqrec_cli.core.runs.loading import catalogue_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import InputError
from seqrec_cli.wording import counted


def histories_for(
    run: Run,
    dataset: SequenceDataset,
    ids: Sequence[str],
    before: Literal["end", "valid", "test"],
) -> tuple[list[Any], Sequences, list[str]]:
    """The ids of users, their histories in the numbers of the run's items, and notes.

    The dataset may have been prepared anew since the training: items are found by their ids. A
    model that reads features, whose codes belong to one preparation, needs its own dataset.

    Raises:
        InputError: a user is unknown, or has no history of items that the run knows.
        RunError: another dataset than the run's, and the model reads features.
    """
    labels, histories = histories_of(dataset, ids, before)
    if dataset.sha256 == run.manifest()["data_sha256"]:
        return labels, histories, []
    if run.experiment().model.reads_features:
        run.check_data(dataset)
    names, numbers = Names.of_items(catalogue_of(run)), np.zeros(dataset.num_items + 1, np.int32)
    for number in np.unique(histories.items).tolist():
        index = names.find_id(str(dataset.item_ids[number - 1]))
        numbers[number] = 0 if index is None else index + 1
    known = [numbers[items][numbers[items] > 0].tolist() for items in histories]
    left = len(histories.items) - sum(map(len, known))
    note = f"`{dataset.name}` was prepared anew since the training: histories are read as they are"
    if left:
        note += (
            f" now, without {counted(left, 'interaction')} with items that the run does not know"
        )
    empty = next((label for label, items in zip(labels, known, strict=True) if not items), None)
    if empty is not None:
        raise InputError(
            f"user `{empty}` has no history of items that the run `{run.path}` knows",
            "leave that user out, or train a new run",
        )
    return labels, Sequences.from_lists(known), [note if left else f"{note} now"]
