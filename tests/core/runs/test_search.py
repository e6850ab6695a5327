"""What is searched is blind to the test part."""

from dataclasses import replace
from pathlib import Path

import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.errors import ConfigError
from tests.searches import plain, searched
from tests.shop import said

pytest.importorskip("optuna")


def test_the_test_part_is_not_read(place: Path) -> None:
    data = SequenceDataset.load(Path("data/toy.npz"))
    assert data.test is not None
    others = Sequences.from_lists([[int(item) % 9 + 1 for item in row] for row in data.test])
    replace(data, test=others).save(Path("data/other.npz"))
    assert plain(searched("a", 3)) == plain(searched("b", 3, data="data/other.npz"))


def test_a_search_that_would_read_the_test_part_is_refused(shop: Path) -> None:
    said("prepare", "shop.csv", "--task", "ranking", "--name", "rows", "--negatives", "4")
    Path("toy.yaml").write_text(
        "data: rows\nmodel: {name: logistic}\ntraining: {epochs: 1, validate_on: test}\n"
    )
    with pytest.raises(ConfigError, match="must not read"):
        searched("a", 1, space="training.lr: [0.01]\n", data="data/rows.npz")
    trials = searched(
        "a",
        2,
        "training.validate_on=held_out",
        space="training.lr: [0.01, 0.1]\n",
        data="data/rows.npz",
    )
    assert len(trials) == 2
