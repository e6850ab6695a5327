"""Two stages: the ranker sees what rows of the log would have, and orders what was found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.ranking import Sizes, to_batch
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.ranking.candidates import ExampleOptions
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.ranking.from_log import prepare_examples
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.ranker import Ranker
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.core.inference.reranking import Reranker, check_candidates, check_unseen
from seqrec_cli.core.inference.retrieval import Exact
from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from seqrec_cli.errors import ConfigError, RunError
from tests.core.data.ranking.conftest import log  # noqa: F401

CPU = torch.device("cpu")


class Found:
    """A first stage that finds items 1, 2, ..., as many as it is asked for, but those of the
    history; and notes how many that was."""

    def __init__(self, num_items: int) -> None:
        self.num_items = num_items
        self.asked: list[int] = []

    def top(self, histories: Sequences, k: int, seen: str) -> tuple[Any, Any]:
        self.asked.append(k)
        items = np.zeros((len(histories), k), np.int64)
        for row, history in enumerate(histories):
            own = set(history.tolist()) if seen == "exclude" else set()
            left = [i for i in range(1, self.num_items + 1) if i not in own][:k]
            items[row, : len(left)] = left
        return items, np.where(items > 0, -items.astype(np.float32), -np.inf)


def sequences_of(path: Path) -> SequenceDataset:
    return prepare(read_interactions(TextSource(path)), Preparation(), "toy")


def rows_of(path: Path, **options: Any) -> RankingDataset:
    reading = Reading(users=path.parent / "people.csv", items=path.parent / "things.csv")
    preparation = Preparation(encoding=Encoding(min_value_count=1))
    interactions = read_interactions(TextSource(path), reading)
    chosen = ExampleOptions(**{"split": "leave-one-out", "rows_per_user": 0} | options)
    return prepare_examples(interactions, preparation, "rows", chosen)


def ranker_of(rows: RankingDataset, name: str = "dien") -> Ranker:
    model = build_ranker(
        RANKERS[name].settings_class(), Sizes.of(rows.encoders), torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    looked = rows.training_pairs()
    return Ranker(
        "runs/toy",
        model,
        CPU,
        rows.encoders,
        rows.user_ids,
        rows.item_ids,
        rows.sides,
        np.stack((looked["looked_users"], looked["looked_items"]), axis=1),
        looked["looked_to_learn"],
        rows.manifest["examples"],
    )


@pytest.mark.parametrize("part", ["valid", "test"])
def test_the_ranker_gives_what_it_gives_for_the_row_of_the_log(log: Path, part: Any) -> None:  # noqa: F811
    data, rows = sequences_of(log), rows_of(log)
    ranker = ranker_of(rows)
    finder = Found(data.num_items)
    reranker = Reranker(finder, ranker, data.item_ids, data.num_items, data, part)
    histories = data.histories(part)
    items, logits = reranker.top(histories, data.num_items, "include")
    assert finder.asked == [data.num_items]
    examples = getattr(rows, part)
    with torch.no_grad():
        expected = ranker.model(to_batch(examples, CPU)).numpy()
    where = {int(user): row for row, user in enumerate(data.user_ids)}
    for row in range(len(examples)):
        user = where[int(rows.user_ids[examples.users[row]])]
        item = 1 + int(np.flatnonzero(data.item_ids == rows.item_ids[examples.candidates[row]])[0])
        place = int(np.flatnonzero(items[user] == item)[0])
        np.testing.assert_allclose(logits[user, place], expected[row], atol=1e-5)
    assert (np.diff(logits, axis=1) <= 0).all()
    assert all(sorted(found) == list(range(1, data.num_items + 1)) for found in items.tolist())


def test_the_first_stages_scores_count_by_their_weight(log: Path) -> None:  # noqa: F811
    data = sequences_of(log)
    finder, ranker = Found(data.num_items), ranker_of(rows_of(log))
    histories = data.histories("test")

    def top(weight: float) -> tuple[Any, Any]:
        parts = finder, ranker, data.item_ids, 12, data, "test", weight
        return Reranker(*parts).top(histories, 12, "exclude")

    (plain, logits), (mixed, scores), (by_first, _) = top(0.0), top(0.7), top(1e5)
    first, found = finder.top(histories, 12, "exclude")
    np.testing.assert_array_equal(by_first, first)
    for row in range(len(histories)):
        real = first[row] > 0
        own = found[row][real].astype(np.float64)
        deviations = dict(zip(first[row][real], (own - own.mean()) / own.std(), strict=True))
        alone = dict(zip(plain[row], logits[row], strict=True))
        for item, score in zip(mixed[row][: real.sum()], scores[row], strict=False):
            assert score == pytest.approx(alone[item] + 0.7 * deviations[item], abs=1e-4)
    assert (np.diff(np.where(mixed > 0, scores, -1e9), axis=1) <= 0).all()


def test_only_what_was_found_is_ordered(log: Path) -> None:  # noqa: F811
    data = sequences_of(log)
    reranker = Reranker(
        Found(data.num_items), ranker_of(rows_of(log)), data.item_ids, 5, data, "test"
    )
    histories = data.histories("test")
    items, _ = reranker.top(histories, 3, "exclude")
    for row, history in enumerate(histories):
        candidates = [i for i in range(1, 31) if i not in set(history.tolist())][:5]
        assert set(items[row].tolist()) <= set(candidates)


def test_users_chunks_and_order_of_asking_do_not_matter(
    log: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = sequences_of(log)
    parts = Found(data.num_items), ranker_of(rows_of(log)), data.item_ids, 12, data, "end"
    whole = Reranker(*parts).top(data.histories(), 12, "exclude")
    monkeypatch.setattr("seqrec_cli.core.inference.reranking.CHUNK_ROWS", 30)
    some = np.array([7, 3, 22])
    items, logits = Reranker(*parts).top(data.histories().take(some), 12, "exclude")
    np.testing.assert_array_equal(items, whole[0][some])
    np.testing.assert_allclose(logits, whole[1][some], atol=1e-5)


def test_who_has_everything_gets_an_empty_list(log: Path) -> None:  # noqa: F811
    data = sequences_of(log)
    reranker = Reranker(Found(data.num_items), ranker_of(rows_of(log)), data.item_ids, 5)
    everything = Sequences.from_lists([list(range(1, data.num_items + 1)), [1, 2]])
    items, logits = reranker.top(everything, 3, "exclude")
    assert items[0].tolist() == [0, 0, 0]
    assert np.isneginf(logits[0]).all()
    assert np.isfinite(logits[1]).all()


def test_somebody_new_and_items_nobody_knows_are_ordinary(log: Path) -> None:  # noqa: F811
    ranker = ranker_of(rows_of(log))
    ids = np.array([1000, 1001, 777, 778])
    reranker = Reranker(Found(4), ranker, ids, 4)
    items, logits = reranker.top(Sequences.from_lists([[3], [1, 2], []]), 4, "include")
    assert np.isfinite(logits).all()
    unknown = [logits[0, items[0].tolist().index(item)] for item in (3, 4)]
    assert unknown[0] == unknown[1]  # told apart by nothing


def test_without_ratings_the_whole_history_counts(log: Path, tmp_path: Path) -> None:  # noqa: F811
    data = sequences_of(log)
    ranker = ranker_of(rows_of(log, history_length=3))
    rated = Reranker(Found(data.num_items), ranker, data.item_ids, 5, data, "end")
    from dataclasses import replace

    plain = Reranker(
        Found(data.num_items), ranker, data.item_ids, 5, replace(data, ratings={}), "end"
    )
    codes, users = plain.history_codes(data.histories())
    values = ["", "?", *ranker.encoders.items.values.tolist()]
    for row, history in enumerate(data.histories()):
        expected = [str(data.item_ids[i - 1]) for i in history[-3:]]
        assert [values[c] for c in codes[row] if c] == expected
    assert (users == np.arange(len(users))).all()
    assert not np.array_equal(codes, rated.history_codes(data.histories())[0])


def test_evaluation_and_recommendation_go_the_same_way(log: Path) -> None:  # noqa: F811
    """Hits counted by hand in the recommended lists are the metric, with two stages as with one."""
    data = sequences_of(log)
    assert data.test is not None
    finder = Exact(Popular(data))
    reranker = Reranker(finder, ranker_of(rows_of(log)), data.item_ids, 12, data, "test")
    outcome = evaluate(Popular(data), data, "test", ks=[5], lists=True, retriever=reranker)
    histories = data.histories("test").take(outcome.users)
    lists = list(recommend(Popular(data), histories, 5, "exclude", reranker))
    targets = data.test.take(outcome.users).items
    hits = [t in found.items for t, found in zip(targets, lists, strict=True)]
    np.testing.assert_array_equal(outcome.per_user["hr@5"], np.array(hits, float))
    assert outcome.lists is not None
    assert [row.items.tolist() for row in lists] == outcome.lists.tolist()
    reach = evaluate(Popular(data), data, "test", metrics=["recall"], ks=[12]).means()["recall@12"]
    assert outcome.means()["hr@5"] <= reach


class Popular:
    """The first stage: by how often an item is there, ties by a little of its number."""

    max_length = 1
    device = CPU

    def __init__(self, data: SequenceDataset) -> None:
        self.num_items = data.num_items
        counts = np.bincount(data.train.items, minlength=data.num_items + 1)
        self.scores = torch.from_numpy(counts + np.arange(data.num_items + 1) / 100.0).float()

    def score(self, histories: Sequences) -> torch.Tensor:
        return self.scores.repeat(len(histories), 1)


@pytest.mark.parametrize(
    ("options", "part", "leaks"),
    [
        ({"split": "leave-one-out"}, "test", False),
        ({"split": "leave-one-out"}, "valid", False),  # it picks the best weights, as ever
        ({"split": "user", "rows_per_user": 1}, "test", True),
        ({"split": "user", "rows_per_user": 1}, "valid", True),
        ({"split": "user", "rows_per_user": 2}, "valid", True),
        ({"split": "leave-one-out", "negatives": 9}, "test", False),
    ],
)
def test_a_ranker_trained_on_what_is_to_be_predicted_is_refused(
    log: Path,  # noqa: F811
    options: dict[str, Any],
    part: Any,
    leaks: bool,
) -> None:
    data, ranker = sequences_of(log), ranker_of(rows_of(log, **options))
    if not leaks:
        check_unseen(ranker, data, part)
        return
    with pytest.raises(RunError, match=r"has used [0-9]+ of the [0-9]+ items") as info:
        check_unseen(ranker, data, part)
    assert "--split leave-one-out" in info.value.hint


def test_too_few_candidates_and_rankers_of_tables_are_refused(log: Path) -> None:  # noqa: F811
    with pytest.raises(ConfigError, match="5 candidates are fewer than the 10 items"):
        check_candidates(5, 10)
    from dataclasses import replace

    bare = replace(ranker_of(rows_of(log)), sides={})
    with pytest.raises(RunError, match="was trained on rows of a table"):
        Reranker(Found(3), bare, np.arange(3), 3)
