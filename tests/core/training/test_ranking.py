"""Training of ranking models: it learns what is there, and nothing that is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.ranking import Sizes, to_batch
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.evaluation.ranking import predict, score_rows
from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.core.runs.resuming import resume
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.training.events import EpochDone, StepDone, Stopped, Validated
from seqrec_cli.core.training.ranking import RankingTraining, carve, divide, fit, parts_needed
from seqrec_cli.errors import DatasetError, TrainingError
from tests.core.data.ranking.toy import a_coin, any_alike, newest_odd, toy_dataset
from tests.core.models.ranking.ordinary import Ordinary

CPU = torch.device("cpu")


def experiment(name: str = "din", **settings: Any) -> Any:
    changes = [f"training.{key}={value}" for key, value in settings.items()]
    return parse_experiment(f"data: toy\nmodel: {{name: {name}}}\n", "x", changes)


def started(data: RankingDataset, settings: Any) -> tuple[RankingTraining, Iterator[Any]]:
    training = RankingTraining(settings, Sizes.of(data.encoders), CPU)
    return training, fit(training, *divide(data, settings))


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> RankingDataset:
    """A like follows from the candidate and the history."""
    return toy_dataset(tmp_path_factory.mktemp("ordered"), any_alike, users=1500)


def learnt(data: RankingDataset, name: str) -> float:
    """The test AUC after a training of some epochs."""
    settings = experiment(name, epochs=20, lr=0.01, weight_decay=0, patience="null")
    training, events = started(data.without_test(), settings)
    for _ in events:
        pass
    assert data.test is not None
    return predict(training.model, data.test, CPU).means()["auc"]


def test_attention_learns_which_items_of_the_history_are_like_the_candidate(
    ordered: RankingDataset,
) -> None:
    """At best about 0.95, as one label in twenty is wrong; weights alone know no pairs."""
    assert learnt(ordered, "din") > 0.9
    assert learnt(ordered, "logistic") < 0.8


def test_recurrence_learns_what_came_last_and_a_sum_does_not(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, newest_odd, users=1500)
    recurrent, pooled = learnt(data, "dien"), learnt(data, "mlp")
    assert recurrent > 0.92
    assert pooled < recurrent - 0.03


def test_finds_nothing_where_labels_are_coins(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, a_coin, users=800)
    training, events = started(data.without_test(), experiment("dien", epochs=8))
    for _ in events:
        pass
    assert data.test is not None
    assert abs(predict(training.model, data.test, CPU).means()["auc"] - 0.5) < 0.08


def test_yields_every_step_and_validation_and_stops_when_patience_ends(
    ordered: RankingDataset,
) -> None:
    settings = experiment(epochs=50, patience=2, lr=0.05, batch_size=100)
    training, events = started(ordered.without_test(), settings)
    found = list(events)
    last = found[-1]
    assert isinstance(last, Stopped)
    assert last.epoch == last.best_epoch + 2 == training.counters.epoch
    validated = [e for e in found if isinstance(e, Validated)]
    assert len(validated) == last.epoch
    best = max(validated, key=lambda e: e.metrics["auc"])
    assert [e.epoch for e in validated if e.is_best][-1] == best.epoch == last.best_epoch
    steps = [e.step for e in found if isinstance(e, StepDone) and e.epoch == 1]
    assert steps == list(range(1, 13))  # 1,275 rows; the thirteenth step ends the epoch
    assert sum(isinstance(e, EpochDone) for e in found) == last.epoch


def test_log_loss_is_best_where_it_is_lowest(ordered: RankingDataset) -> None:
    settings = experiment(epochs=6, lr=0.05, metric="log_loss", patience="null")
    _, events = started(ordered.without_test(), settings)
    validated = [e for e in events if isinstance(e, Validated)]
    lowest = min(validated, key=lambda e: e.metrics["log_loss"])
    assert [e.epoch for e in validated if e.is_best][-1] == lowest.epoch


def test_damaged_best_weights_give_way_to_those_before_by_log_loss_too(
    ordered: RankingDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = experiment(epochs=1, metric="log_loss")
    training, _ = started(ordered.without_test(), settings)
    path = Path("runs/one")
    run = create_run(path, settings, ordered.without_test(), Path("toy.npz"), "cpu")
    for epoch, loss in ((1, 0.6), (2, 0.5)):
        training.counters.best, training.counters.best_epoch = -loss, epoch
        run.checkpoints.save_best(training, epoch, {"log_loss": loss})
    run.checkpoints.save_last(training)
    run.checkpoints.best.unlink()
    run.checkpoints.best.write_bytes(b"damaged")
    again, _ = started(ordered.without_test(), settings)
    opened = Run.open(path)
    resume(opened, again)
    assert "using" in opened.notes[0]
    assert (again.counters.best, again.counters.best_epoch) == (-0.6, 1)


@pytest.mark.parametrize("name", ["dien", "mlp", "logistic", "ordinary"])
def test_goes_on_bit_for_bit_in_the_middle_of_an_epoch(
    ordered: RankingDataset, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RANKERS.ours, "ordinary", Ordinary)
    data, settings = ordered.without_test(), experiment(name, epochs=3, batch_size=200)
    whole, events = started(data, settings)
    for _ in events:
        pass
    rows = to_batch(data.train, CPU)
    whole.model.train()
    scores = [score_rows(whole.model, rows, CPU) for _ in range(2)]
    np.testing.assert_array_equal(scores[0], scores[1])
    for stop in (3, 9, 16):
        first, events = started(data, settings)
        for _, event in zip(range(stop), events, strict=False):
            assert event
        score_rows(first.model, rows, CPU)  # in evaluation mode
        torch.rand(stop)
        tensors, counters = first.state()
        second, rest = started(data, settings)
        second.restore({n: t.clone() for n, t in tensors.items()}, counters)
        for _ in rest:
            pass
        assert second.counters == whole.counters
        for key, tensor in whole.tensors().items():
            assert torch.equal(tensor, second.tensors()[key]), (stop, key)


def test_the_number_of_threads_changes_no_bit(ordered: RankingDataset) -> None:
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            training, events = started(ordered.without_test(), experiment("dien", epochs=1))
            for _ in events:
                pass
            found.append(training.tensors())
    finally:
        torch.set_num_threads(before)
    for name, tensor in found[0].items():
        assert torch.equal(tensor, found[1][name]), name


def test_is_not_given_the_test_part_unless_it_is_told_to_stop_on_it(
    ordered: RankingDataset,
) -> None:
    with pytest.raises(ValueError, match="must not be given the test part"):
        divide(ordered, experiment())
    assert "test" not in parts_needed(experiment())
    walkthrough = experiment(validate_on="test")
    assert "test" in parts_needed(walkthrough)
    train, valid = divide(ordered, walkthrough)
    assert (train, valid) == (ordered.train, ordered.test)


def test_a_share_of_the_users_is_held_out(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, users=100, per_user=3)
    train, valid = carve(data.train, 0.2, seed=0)
    assert (len(np.unique(train.users)), len(np.unique(valid.users))) == (80, 20)
    assert not set(train.users) & set(valid.users)
    assert len(train) + len(valid) == len(data.train)
    assert set(carve(data.train, 0.2, seed=0)[1].users) == set(valid.users)
    assert set(carve(data.train, 0.2, seed=1)[1].users) != set(valid.users)
    with pytest.raises(DatasetError, match="a single user"):
        carve(data.train.take(np.array([0])), 0.5, seed=0)


def test_held_out_rows_of_one_label_are_refused(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, lambda *_: 0.5, users=30).without_test()
    with pytest.raises(DatasetError, match="every row of the valid part of `toy` has the same"):
        divide(data, experiment(validation_share=0.01))


def test_a_loss_that_is_no_number_leaves_weights_and_statistics_as_they_were(
    ordered: RankingDataset,
) -> None:
    training, events = started(ordered.without_test(), experiment("dien", epochs=2))
    for _, _event in zip(range(4), events, strict=False):
        pass
    with torch.no_grad():
        training.model.head.out.bias.fill_(torch.inf)
    before = {name: tensor.clone() for name, tensor in training.tensors().items()}
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) in epoch 1, step 5"):
        next(events)
    for name, tensor in training.tensors().items():
        assert torch.equal(tensor, before[name]), name


def test_rows_are_scored_alike_whatever_the_chunks(
    ordered: RankingDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, _ = started(ordered.without_test(), experiment("dien"))
    rows = to_batch(ordered.train, CPU)
    whole = score_rows(training.model, rows, CPU)
    monkeypatch.setattr("seqrec_cli.core.evaluation.ranking.CHUNK_ROWS", 7)
    np.testing.assert_allclose(score_rows(training.model, rows, CPU), whole, atol=1e-6)
