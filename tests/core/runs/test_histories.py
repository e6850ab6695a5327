"""Histories of a dataset that was prepared anew are read by the ids of items."""

from dataclasses import replace

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.runs.histories import histories_for
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.network import Training

IDS = ["100", "107", "133"]


def prepared_anew(cycle: SequenceDataset) -> SequenceDataset:
    """The same log with its items in reverse, and one more item before them."""
    assert cycle.test is not None

    def renumbered(sequences: Sequences) -> Sequences:
        return Sequences.from_lists([[52 - int(i) for i in history] for history in sequences])

    return replace(
        cycle,
        train=renumbered(cycle.train),
        valid=renumbered(cycle.valid),
        test=renumbered(cycle.test),
        item_ids=np.array([1, *cycle.item_ids[::-1]]),
        item_titles=None,
        manifest={"npz_sha256": "another"},
    )


def test_of_the_same_dataset_they_are_as_they_are(
    cycle: SequenceDataset, trained: tuple[Run, Training]
) -> None:
    run, _ = trained
    people = histories_for(run, cycle, IDS, "end")
    whole = list(cycle.histories())
    for text, found in zip(IDS, people.histories, strict=True):
        assert found.tolist() == whole[int(text) - 100].tolist()
    assert people.notes == []


def test_of_another_they_are_found_by_the_ids_and_a_note_says_so(
    cycle: SequenceDataset, trained: tuple[Run, Training]
) -> None:
    run, _ = trained
    anew = prepared_anew(cycle)
    people = histories_for(run, anew, IDS, "end")
    expected = histories_for(run, cycle, IDS, "end").histories
    assert [h.tolist() for h in people.histories] == [h.tolist() for h in expected]
    (note,) = people.notes
    assert note == "`toy` was prepared anew since the training: histories are read as they are now"


def test_items_that_the_run_does_not_know_are_left_out_and_counted(
    cycle: SequenceDataset, trained: tuple[Run, Training]
) -> None:
    run, _ = trained
    anew = prepared_anew(cycle)
    train = [history.tolist() for history in anew.train]
    train[0] = [1] + train[0]
    train[7] = [1]
    short = {7: []}
    anew = replace(
        anew,
        train=Sequences.from_lists(train),
        valid=Sequences.from_lists([short.get(n, h.tolist()) for n, h in enumerate(anew.valid)]),
        test=Sequences.from_lists([short.get(n, h.tolist()) for n, h in enumerate(anew.test)]),  # type: ignore[arg-type]
    )
    people = histories_for(run, anew, IDS, "end")
    assert people.notes[0].endswith(
        "now, without 2 interactions with items that the run does not know"
    )
    assert people.known.tolist() == [True, False, True]
    assert people.missing == {"has no item that the run knows": [107]}
    whole = list(cycle.histories())
    assert [h.tolist() for h in people.histories] == [whole[0].tolist(), whole[33].tolist()]
