"""Histories for a run, of a dataset that may have been prepared anew since the training."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Names
from seqrec_cli.core.inference.people import NO_KNOWN_ITEM, Before, People, users_of
from seqrec_cli.core.runs.loading import catalogue_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.wording import counted


def histories_for(run: Run, dataset: SequenceDataset, ids: Sequence[str], before: Before) -> People:
    """Users of a dataset by their ids, with histories in the numbers of the run's items.

    The dataset may have been prepared anew since the training: items are found by their ids, and
    a note says so. A model that reads features, whose codes belong to one preparation, needs its
    own dataset.

    Raises:
        RunError: another dataset than the run's, and the model reads features.
    """
    if run.experiment().reads_time:
        dataset = dataset.timed()
    people = users_of(dataset, ids, before)
    if dataset.sha256 == run.manifest()["data_sha256"]:
        return people
    if run.experiment().model.reads_features:
        run.check_data(dataset)
    histories = people.histories
    names, numbers = Names.of_items(catalogue_of(run)), np.zeros(dataset.num_items + 1, np.int32)
    for number in np.unique(histories.items).tolist():
        index = names.find_id(str(dataset.item_ids[number - 1]))
        numbers[number] = 0 if index is None else index + 1
    renamed = numbers[histories.items]
    there = renamed > 0
    left = int((~there).sum())
    note = f"`{dataset.name}` was prepared anew since the training: histories are read as they are"
    note += " now"
    if left:
        note += f", without {counted(left, 'interaction')} with items that the run does not know"
    known, missing = people.known.copy(), {k: list(v) for k, v in people.missing.items()}
    lengths = np.bincount(histories.users[there], minlength=len(histories))
    for row in np.flatnonzero(people.known)[lengths == 0]:
        known[row] = False
        missing.setdefault(NO_KNOWN_ITEM, []).append(people.labels[row])
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    whole = Sequences(histories.offsets, renamed, times=histories.times)
    kept = whole.part(offsets, there).take(np.flatnonzero(lengths))
    return replace(people, histories=kept, known=known, missing=missing, notes=[note])
