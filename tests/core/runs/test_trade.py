"""The trade of accuracy against coverage and popularity, from kept evaluations."""

from pathlib import Path

import pytest

from seqrec_cli.core.runs.results import add_result
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.trade import draw_trade, points_in_words, scatter, trade_of
from seqrec_cli.errors import InputError


def kept(run: Run, ndcg: float, coverage: float, rank: float, **more: object) -> None:
    """An evaluation of a run, as `evaluate` keeps it."""
    means = {"ndcg@5": ndcg / 2, "ndcg@10": ndcg}
    means |= {f"coverage@{k}": coverage for k in (5, 10)}
    means |= {f"popularity rank@{k}": rank for k in (5, 10)}
    figures = {name: {"mean": v, "low": v - 0.01, "high": v + 0.01} for name, v in means.items()}
    sha = run.manifest()["data_sha256"]
    facts = {"data": "toy", "data_sha256": sha, "split": "test", "protocol": "full"}
    add_result(run.path, {**facts, "targets": "last", "figures": figures, **more})


@pytest.fixture
def evaluated(place: Path) -> Run:
    run = Run.open(Path("runs/one"))
    kept(run, 0.3, 0.2, 10.0)
    kept(run, 0.2, 0.6, 50.0, rules={"popularity_penalty": 0.5})
    kept(run, 0.25, 0.4, 30.0, rules={"diversify": 0.3, "diversify_by": "topics"})
    # None of these belongs into the picture.
    kept(run, 0.9, 0.9, 1.0, split="valid")
    kept(run, 0.9, 0.9, 1.0, targets="all")
    kept(run, 0.9, 0.9, 1.0, track="popularity prior")
    kept(run, 0.9, 0.9, 1.0, rerank="runs/two")
    kept(run, 0.9, 0.9, 1.0, index="hnsw")
    kept(run, 0.9, 0.9, 1.0, data_sha256="of another dataset")
    return run


def test_a_point_for_each_rule(evaluated: Run) -> None:
    trade = trade_of({"one": evaluated}, "test")
    assert trade.k == 10
    assert [(p.accuracy[0], p.coverage, p.popularity) for p in trade.points] == [
        (0.3, 0.2, 10.0),
        (0.2, 0.6, 50.0),
        (0.25, 0.4, 30.0),
    ]
    assert points_in_words(trade) == [
        "a  one: no rule",
        "b  one: --popularity-penalty 0.5",
        "c  one: --diversify 0.3 --diversify-by topics",
    ]


def test_letters_stand_where_their_figures_say(evaluated: Run) -> None:
    trade = trade_of({"one": evaluated}, "test")
    for title, values in trade.panels():
        lines = scatter(trade, values, title)
        assert all(len(line) <= 72 for line in lines)
        cells = [line.partition("|")[2] for line in lines[1:-2]]
        at = {mark: (row.index(mark), n) for n, row in enumerate(cells) for mark in row.strip("| ")}
        at.pop(" ", None)
        assert set(at) == {"a", "b", "c"}
        assert at["a"][0] == 0  # the least coverage, and the most popular
        assert at["a"][0] < at["c"][0] < at["b"][0]
        assert (at["a"][1], at["b"][1]) == (0, len(cells) - 1)  # the best on top


def test_the_same_points_give_the_same_picture(evaluated: Run) -> None:
    pytest.importorskip("matplotlib")
    trade = trade_of({"one": evaluated}, "test")
    for name in ("a.svg", "b.svg", "c.png"):
        draw_trade(Path(name), trade)
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()
    assert Path("c.png").read_bytes().startswith(b"\x89PNG")


def test_without_an_evaluation_there_is_nothing_to_draw(place: Path) -> None:
    with pytest.raises(InputError, match="has no evaluation on the valid part") as refused:
        trade_of({"one": Run.open(Path("runs/one"))}, "valid")
    assert "`seqrec evaluate runs/one --split valid`" in refused.value.hint
