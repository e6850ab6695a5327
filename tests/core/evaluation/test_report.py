"""A report counts targets and averages over them."""

import numpy as np
import pytest

from seqrec_cli.core.evaluation.report import (
    EvaluationProtocol,
    evaluate_each,
    fit_baselines,
    make_report,
)
from seqrec_cli.errors import ConfigError
from tests.conftest import leave_one_out
from tests.core.evaluation.positions import (
    positions_by_hand,
    whole_sessions,
)


def test_a_report_counts_targets_and_averages_over_them() -> None:
    random = np.random.default_rng(6)
    data = whole_sessions([random.integers(1, 9, int(n)).tolist() for n in [2, 3, 7, 4, 9, 5] * 9])
    protocol = EvaluationProtocol(ks=(5,), seen="include", targets="all")
    scorers = fit_baselines(data)[0]
    report = make_report(
        data, protocol, dict(evaluate_each(data, scorers, protocol, {})), [], {}, {}
    )
    plain = report.plain()
    assert plain["targets"] == "all"
    assert plain["users"] == 18
    assert plain["queries"] == len(positions_by_hand(data))
    rows = [row for row in report.user_rows() if row["scorer"] == "popularity"]
    total = sum(row["targets"] * row["mrr@5"] for row in rows) / plain["queries"]
    assert total == pytest.approx(plain["figures"]["popularity"]["mrr@5"]["mean"])


def test_the_sampled_protocol_has_no_positions() -> None:
    with pytest.raises(ConfigError, match="what follows each user's history"):
        EvaluationProtocol(kind="sampled", targets="all")


def test_a_run_is_held_against_baselines_of_another_kind_than_its_own() -> None:
    walks = [[(s + t) % 9 + 1 for t in range(5)] for s in range(9)] * 3
    data = leave_one_out(walks, 9)
    protocol = EvaluationProtocol(ks=(3,))
    baselines = fit_baselines(data)[0]
    scorers = {"mine": baselines["markov chain"], "worst": baselines["popularity"], **baselines}
    outcomes = dict(evaluate_each(data, scorers, protocol, {}))
    report = make_report(data, protocol, outcomes, ["mine", "worst"], {}, {})
    figures = {name: by["ndcg@3"].mean for name, by in report.figures.items()}
    assert figures["markov chain"] == 1 > figures["popularity"]  # the walks are a chain
    best = max(baselines, key=figures.__getitem__)
    assert report.beaten({}) == {"mine": best, "worst": best}
    without = {name: figures[name] for name in baselines if name != "markov chain"}
    kinds = dict.fromkeys(("mine", "worst"), "markov chain")
    expected = max(without, key=without.__getitem__)
    assert report.beaten(kinds)["worst"] == expected
    assert ("mine" in report.beaten(kinds)) == (figures["mine"] <= without[expected])
