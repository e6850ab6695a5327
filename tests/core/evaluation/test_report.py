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
