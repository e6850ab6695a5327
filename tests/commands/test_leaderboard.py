"""seqrec leaderboard: the figures that evaluate kept, in every layout."""

import csv
import io
import json
from pathlib import Path

from tests.commands.test_evaluate_results import run


def test_the_leaderboard_lists_them(place: Path) -> None:
    told = json.loads(run("evaluate", "one", "--k", "10", "--json").stdout)
    mean = f"{told['figures']['one']['ndcg@10']['mean']:.4f}"
    assert mean in run("leaderboard").stdout
    assert mean in run("leaderboard", "--format", "markdown").stdout
    assert r"\begin{tabular}" in run("leaderboard", "--format", "latex").stdout
    (row,) = csv.DictReader(io.StringIO(run("leaderboard", "--format", "csv").stdout))
    assert (row["run"], float(row["ndcg@10"])) == ("one", told["figures"]["one"]["ndcg@10"]["mean"])
    assert json.loads(run("leaderboard", "--format", "json").stdout)[0]["data"] == "toy"
    refused = run("leaderboard", "--metric", "auc", code=1)
    assert "no run has a result by auc" in refused.stderr
