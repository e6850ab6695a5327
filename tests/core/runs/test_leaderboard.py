"""The leaderboard: the newest result of each run, the best first."""

import json
from pathlib import Path

import pytest

from seqrec_cli.core.runs.leaderboard import Asked, standings
from seqrec_cli.core.runs.results import add_result
from seqrec_cli.errors import InputError
from tests.core.runs.test_results import entry


def test_the_leaderboard_sorts_and_says_what_there_is(place: Path) -> None:
    with pytest.raises(InputError, match="no run has a result by ndcg@10") as refused:
        standings(Asked())
    assert "`seqrec evaluate RUN`" in refused.value.hint
    for seen, mean in (("exclude", 0.2), ("include", 0.4)):
        figures = {"ndcg@10": {"mean": mean, "low": 0.1, "high": 0.5}}
        add_result(Path("runs/one"), entry(seen=seen, figures=figures))
    found = standings(Asked(data="toy"))
    assert [each.figure("ndcg@10")["mean"] for each in found] == [0.4, 0.2]
    assert (found[0].run, found[0].model, found[0].data) == ("one", "sasrec", "toy")
    with pytest.raises(InputError, match="on the valid part of `toy`") as refused:
        standings(Asked(data="toy", split="valid"))
    assert "there are ndcg@10 on toy" in refused.value.hint
    assert json.dumps(found[0].plain(["ndcg@10"]))


def test_a_track_of_its_own_stands_below_and_says_so(place: Path) -> None:
    for track, mean in (("", 0.2), ("with times", 0.4)):
        figures = {"ndcg@10": {"mean": mean, "low": 0.1, "high": 0.5}}
        add_result(Path("runs/one"), entry(figures=figures, **({"track": track} if track else {})))
    found = standings(Asked(data="toy"))
    assert [each.scorer for each in found] == ["one", "one (with times)"]
    assert found[1].plain(["ndcg@10"])["track"] == "with times"


def test_figures_under_rules_do_not_stand_for_the_run(place: Path) -> None:
    for rules, mean in (({}, 0.2), ({"popularity_penalty": 0.5}, 0.4)):
        figures = {"ndcg@10": {"mean": mean, "low": 0.1, "high": 0.5}}
        add_result(Path("runs/one"), entry(figures=figures, **({"rules": rules} if rules else {})))
    found = standings(Asked(data="toy"))
    assert [each.scorer for each in found] == ["one", "one (--popularity-penalty 0.5)"]
