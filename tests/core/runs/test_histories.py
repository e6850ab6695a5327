"""Histories of a dataset that was prepared anew are read by the ids of items."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.runs.histories import histories_for
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.network import Training
from tests.shop import invoke, plain

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


def test_a_run_needs_its_own_dataset_for_the_features_of_users_alone(shop: Path) -> None:
    """Those of items are in the run, whatever codes the dataset has now."""
    towers = "{name: two_tower, history: {name: gru4rec, hidden: 8, max_length: 8}, output: 8}"
    told = "{name: sasrec, hidden: 8, max_length: 8, item_features: true}"
    for name, model in (("towers", towers), ("told", told)):
        text = f"data: shop\nmodel: {model}\ntraining: {{epochs: 1, batch_size: 16}}\n"
        (shop / f"{name}.yaml").write_text(text)
        result = invoke("train", "--config", f"{name}.yaml", "--run", name, "--device", "cpu")
        assert result.exit_code == 0, result.output
    before = plain("recommend", "--run", "told", "--user", "u1")
    lines = (shop / "items.csv").read_text().splitlines()
    (shop / "items.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    prepare = ("prepare", "shop.csv", "--items-file", "items.csv", "--min-user-count", "3")
    assert invoke(*prepare, "--min-value-count", "1", "--force").exit_code == 0
    assert plain("recommend", "--run", "told", "--user", "u1") == before
    result = invoke("recommend", "--run", "towers", "--user", "u1")
    assert result.exit_code == 1
    assert "was trained on another dataset" in result.stderr


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
