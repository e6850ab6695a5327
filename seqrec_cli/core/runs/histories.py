"""Histories for a run, of a dataset that may have been prepared anew since the training."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Names
from seqrec_cli.core.inference.people import (
    NO_KNOWN_ITEM,
    Before,
    People,
    people_of_dataset,
    users_of,
    with_readable,
)
from seqrec_cli.core.runs.learned import nothing_learned, unread
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
        return readable_by(run, people)
    if run.experiment().model.reads_users:
        run.check_data(dataset)
    histories = people.histories
    names, numbers = Names.of_items(catalogue_of(run)), np.zeros(dataset.num_items + 1, np.int32)
    asked = np.unique(histories.items)
    numbers[asked] = names.find_ids([str(dataset.item_ids[at - 1]) for at in asked.tolist()]) + 1
    renamed = numbers[histories.items]
    there = renamed > 0
    left = int((~there).sum())
    note = f"`{dataset.name}` was prepared anew since the training: histories are read as they are"
    note += " now"
    if left:
        note += f", without {counted(left, 'interaction')} with items that the run does not know"
    known, missing = people.known.copy(), {k: list(v) for k, v in people.missing.items()}
    whole = Sequences(histories.offsets, renamed, times=histories.times).where(there)
    for row in np.flatnonzero(people.known)[whole.lengths == 0].tolist():
        known[row] = False
        missing.setdefault(NO_KNOWN_ITEM, []).append(people.labels[row])
    kept = whole.take(np.flatnonzero(whole.lengths))
    found = replace(people, histories=kept, known=known, missing=missing, notes=[note])
    return readable_by(run, found)


def everybody_of(run: Run, dataset: SequenceDataset) -> People:
    """All users of the dataset that a run was trained on, with their histories to the end."""
    timed = run.experiment().reads_time
    return readable_by(run, people_of_dataset(dataset.timed() if timed else dataset))


def new_people(run: Run, histories: Sequence[Sequence[int]]) -> People:
    """People whom no dataset has, with these histories.

    Raises:
        InputError: nothing was learned of any item of one of them.
    """
    numbers = list(range(len(histories)))
    people = readable_by(run, People.of(numbers, Sequences.from_lists(histories)))
    for missing in people.missing.values():
        raise nothing_learned(str(catalogue_of(run).item_ids[histories[missing[0]][0] - 1]))
    return people


def readable_by(run: Run, people: People) -> People:
    """The same people as the model of a run reads them; a note says what it leaves out."""
    never = unread(run)
    return people if never is None else with_readable(people, never, catalogue_of(run))
