"""Numbers at the ends of what fits, and very many of something: nothing wraps, nothing swells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.interactions import Interactions, Origin, Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.names import Names
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import InputError, RunError, TrainingError
from tests.conftest import leave_one_out
from tests.hostile import forget_peak, peak

CPU = torch.device("cpu")


def read(path: Path, text: str, **options: Any) -> Interactions:
    path.write_text(text)
    return read_interactions(TextSource(path), Reading(**options))


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([2**31 - 1, 2**31, 2**31 + 1], "i"),
        ([-(2**31) - 1, -1, 0, 2**32], "i"),
        ([2**53, 2**53 + 1, 2**63 - 1], "i"),
        ([-(2**63), 2**63 - 1], "i"),
        ([2**63 - 1, 2**63, 2**64], "U"),
        ([-(2**63) - 1, 1, 10**30], "U"),
    ],
)
def test_ids_are_kept_to_the_last_digit(ids: list[int], kind: str, tmp_path: Path) -> None:
    rows = "".join(f"{user},{item}\n" for user in ids for item in ids)
    found = read(tmp_path / "a.csv", f"user,item\n{rows}")
    assert found.user_ids.dtype.kind == found.item_ids.dtype.kind == kind
    assert {int(each) for each in found.user_ids.tolist()} == set(ids)
    got = [
        (int(found.user_ids[u]), int(found.item_ids[i]))
        for u, i in zip(found.users, found.items, strict=True)
    ]
    assert got == [(user, item) for user in ids for item in ids]
    names = Names(found.user_ids)
    for each in ids:
        index = names.find_id(str(each))
        assert index is not None
        assert int(found.user_ids[index]) == each
    assert names.find_id(str(2**63 + 5)) is None


def test_text_of_pairs_refuses_what_does_not_fit(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", f"{2**63 - 1} 1\n1 2\n").user_ids.tolist() == [1, 2**63 - 1]
    path = tmp_path / "a.txt"
    path.write_text(f"{2**63} 1\n1 2\n")
    with pytest.raises(InputError, match=r"the user 9223372036854775808 is beyond 2\^63"):
        read_interactions(TextSource(path), Reading(format="user-item"))
    # Of any other log ids may be words, and then all are.
    assert read(path, path.read_text()).user_ids.tolist() == ["1", str(2**63)]


@pytest.mark.parametrize("time", [0, -(2**63), 2**63 - 1, 1_700_000_000])
def test_times_that_are_all_alike_keep_the_order_of_the_file(time: int, tmp_path: Path) -> None:
    rows = "".join(f"{u},{(u * 5 + t * 3) % 11},{time}\n" for u in range(3) for t in range(6))
    data = prepare(read(tmp_path / "a.csv", f"user,item,time\n{rows}"), Preparation(), "x")
    assert data.manifest["order"]["tied_share"] == 5 / 6
    assert data.timestamps["train"].tolist() == [time] * 12
    order = data.histories()
    for user in range(3):
        expected = [(user * 5 + t * 3) % 11 for t in range(6)]
        assert data.item_ids[order[user] - 1].tolist() == expected


def test_times_at_both_ends_are_put_in_order(tmp_path: Path) -> None:
    times = [2**63 - 1, -(2**63), 0, -1, 1]
    rows = "".join(f"{u},{i},{time}\n" for u in (1, 2) for i, time in enumerate(times))
    data = prepare(read(tmp_path / "a.csv", f"user,item,time\n{rows}"), Preparation(), "x")
    for own in data.histories():
        assert data.item_ids[own - 1].tolist() == [1, 3, 2, 4, 0]


def many(users: Any, items: Any, num_users: int, num_items: int) -> Interactions:
    return Interactions(
        users=users,
        items=items,
        user_ids=np.arange(num_users),
        item_ids=np.arange(num_items),
        origin=Origin(path="x", sha256="", format="x", rows_read=len(users)),
    )


@pytest.mark.slow
def test_ten_million_items_of_one_user(tmp_path: Path) -> None:
    """Memory: about 50 bytes an interaction, as docs/reliability.md states."""
    count = 10**7
    items = (np.arange(count, dtype=np.int64) * 7919 % 1000).astype(np.int32)
    forget_peak()
    before = peak()
    data = prepare(many(np.zeros(count, np.int32), items, 1, 1000), Preparation(), "x")
    data.save(tmp_path / "x.npz")
    again = SequenceDataset.load(tmp_path / "x.npz")
    assert again.train.lengths.tolist() == [count - 2]
    np.testing.assert_array_equal(again.train.items, items[:-2] + 1)
    asked = queries(again, "test")
    assert asked.histories.lengths.tolist() == [count - 1]
    experiment = Experiment.model_validate(
        {"model": {"hidden": 4, "max_length": 50}, "training": {"epochs": 1}}
    )
    training = Training(experiment, 1000, CPU)
    assert list(fit(training, again.without_test()))
    (found,) = recommend(ModelScorer(training.model, 1000), again.histories(), 5, "include")
    assert len(found.items) == 5
    assert peak() - before < 60 * count, (peak() - before) / count


@pytest.mark.slow
def test_a_million_users_of_one_item(tmp_path: Path) -> None:
    """All did the same three things."""
    count = 10**6
    users = np.repeat(np.arange(count, dtype=np.int32), 3)
    items = np.tile(np.array([0, 1, 2], np.int32), count)
    forget_peak()
    before = peak()
    data = prepare(many(users, items, count, 3), Preparation(), "x")
    assert data.features().trained.tolist() == [True, False, False]
    assert data.manifest["split"]["test"]["users"] == count
    batches = Batches(
        Sequences(data.train.offsets * 2, np.tile(np.array([1, 2], np.int32), count)),
        3,
        seed=0,
        batch_size=10**6,
        max_length=4,
        num_negatives=1,
    )
    assert sum(map(len, batches.users_of(1))) == count
    assert peak() - before < 400 * count, (peak() - before) / count


@pytest.mark.parametrize("scale", [1e-38, 1e18, 3e38])
def test_scores_of_any_size_rank_or_are_refused(scale: float) -> None:
    data = leave_one_out([[1, 2, 3, 4, 5], [2, 3, 4, 5, 6]], 9)

    class Extreme(ModelScorer):
        def score(self, histories: Sequences) -> torch.Tensor:
            row = torch.arange(10, dtype=torch.float32) / 9 * scale
            return row.repeat(len(histories), 1)

    training = Training(Experiment(), 9, CPU)
    scorer = Extreme(training.model, 9)
    found = evaluate(scorer, data, "test", ks=[1, 3])
    assert found.per_user["hr@3"].tolist() == [0, 0]
    (first, _) = recommend(scorer, data.histories("test"), 3)
    assert first.items.tolist() == [9, 8, 7]
    scale = float("inf")
    with pytest.raises(RunError, match="not finite numbers"):
        evaluate(scorer, data, "test")
    scale = float("nan")
    with pytest.raises(RunError, match="not finite numbers"):
        list(recommend(scorer, data.histories("test"), 3))


@pytest.mark.parametrize("lr", [1e30, 1e38])
def test_a_training_that_leaves_the_numbers_stops(lr: float) -> None:
    data = leave_one_out([[i % 9 + 1 for i in range(s, s + 7)] for s in range(30)], 9)
    settings = {"model": {"hidden": 4}, "training": {"epochs": 3, "lr": lr, "batch_size": 8}}
    training = Training(Experiment.model_validate(settings), 9, CPU)
    with pytest.raises(TrainingError, match=r"finite|became"):
        list(fit(training, data.without_test()))
    assert training.counters.epoch <= 3


@pytest.mark.parametrize("scaling", ["quantile", "z-score"])
def test_features_that_are_no_numbers_are_missing_ones(scaling: Any, tmp_path: Path) -> None:
    values = ["nan", "inf", "-inf", "1e400", "-1e308", "1e308", "1", "2", "", "NaN", "1e-400"]
    path = tmp_path / "i.csv"
    path.write_text("item,x\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values, 1)))
    rows = "".join(f"{u} {(u + t) % 11 + 1}\n" for u in range(1, 12) for t in range(8))
    interactions = read(tmp_path / "a.txt", rows, items=path)
    options = Preparation(encoding=Encoding(item_kinds={"x": "dense"}, scaling=scaling))
    data = prepare(interactions, options, "x")
    table = data.item_features
    assert table is not None
    assert np.isfinite(table.dense).all()
    (encoder,) = data.encoders.of(DenseEncoder)
    assert np.isfinite(encoder.content()).all()
    assert np.abs(table.dense).max() <= 10
    for missing in (0, 1, 2, 3, 4, 5, 8, 9):
        assert table.dense[missing, 0] == np.float32(encoder.missing)
    assert table.dense[7, 0] > table.dense[6, 0] > table.dense[10, 0]
