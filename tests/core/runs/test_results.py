"""The figures of evaluations stay in the run."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seqrec_cli.core.runs.results import (
    add_result,
    entries_of,
    newest_results,
    read_results,
    rules_in_words,
)
from seqrec_cli.errors import RunError

FIGURES = {"ndcg@10": {"mean": 0.2, "low": 0.1, "high": 0.3}}


def entry(**more: object) -> dict[str, object]:
    return {"split": "test", "protocol": "full", "figures": FIGURES} | more


def test_results_are_appended_and_the_same_adds_nothing(tmp_path: Path) -> None:
    add_result(tmp_path, entry(at="1"))
    add_result(tmp_path, entry(at="2"))
    assert [one["at"] for one in read_results(tmp_path)] == ["1"]
    other = {"ndcg@10": {"mean": 0.25, "low": 0.1, "high": 0.3}}
    add_result(tmp_path, entry(at="3", figures=other))
    add_result(tmp_path, entry(at="4", split="valid"))
    assert [one["at"] for one in read_results(tmp_path)] == ["1", "3", "4"]
    assert [one["at"] for one in newest_results(tmp_path)] == ["3", "4"]


def test_two_evaluations_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: add_result(tmp_path, entry(split=str(seed))), range(16)))
    assert {one["split"] for one in read_results(tmp_path)} == set(map(str, range(16)))


@pytest.mark.parametrize(
    "content", ["{\n", "[]\n", '{"figures": 3}\n', '{"figures": {"a": NaN}}\n']
)
def test_damaged_results_are_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluations.jsonl").write_text(content)
    with pytest.raises(RunError, match="is damaged"):
        read_results(tmp_path)


def test_both_stages_are_kept() -> None:
    plain = {"split": "test", "figures": {"a": FIGURES, "a + b": FIGURES}, "comparisons": []}
    kept = list(entries_of(plain, {"rerank": "runs/b", "candidates": 9}, {"a": Path("runs/a")}))
    assert [one.get("rerank") for _, one in kept] == [None, "runs/b"]
    assert all("seqrec" in one and "at" in one and "comparisons" not in one for _, one in kept)


def test_a_track_is_kept_and_sets_a_result_apart(tmp_path: Path) -> None:
    plain = {"split": "test", "figures": {"a (with times)": FIGURES}}
    folders = {"a (with times)": tmp_path}
    for tracks in ({"a (with times)": "with times"}, {"a (with times)": ""}):
        for folder, one in entries_of(plain, {}, folders, tracks):
            add_result(folder, one)
    assert [one.get("track") for one in newest_results(tmp_path)] == ["with times", None]


def test_rules_set_a_result_apart_as_they_are_typed(tmp_path: Path) -> None:
    rules = {
        "only": [{"rule": "category = 'shoes'", "items": 3}],
        "popularity_penalty": 0.5,
        "diversify": 0.3,
        "diversify_by": "vectors",
        "items_left": 3,
        "items": 9,
    }
    assert rules_in_words(entry()) == ""
    assert rules_in_words(entry(rules={"popularity_penalty": 1.0})) == "--popularity-penalty 1"
    assert rules_in_words(entry(rules={"prior": "popularity", "prior_weights": {"a": 1}})) == ""
    typed = """--only "category = 'shoes'" --popularity-penalty 0.5 --diversify 0.3"""
    assert rules_in_words(entry(rules=rules)) == typed
    by_column = {"diversify": 0.3, "diversify_by": "topics", "exclude_seen": "since=7d"}
    assert rules_in_words(entry(rules=by_column)) == (
        "--exclude-seen since=7d --diversify 0.3 --diversify-by topics"
    )
    add_result(tmp_path, entry(at="1"))
    add_result(tmp_path, entry(at="2", rules=rules))
    add_result(tmp_path, entry(at="3", rules=by_column))
    assert [one["at"] for one in newest_results(tmp_path)] == ["1", "2", "3"]
