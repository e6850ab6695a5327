"""What is printed of a continued run beside the one before it."""

import pytest

from seqrec_cli.commands.reports.old_users import show_old_users
from seqrec_cli.core.evaluation.comparison import Difference
from seqrec_cli.core.runs.old_users import OldUsers


def test_shows_both_and_their_difference_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    difference = Difference(
        "now", "before", "all users", 6, "ndcg@10", -0.0123, -0.0234, 0.0001, 0.04
    )
    skipped = {"not in the dataset of the run before": 1}
    show_old_users(OldUsers("runs/a", "new", 6, skipped, {"ndcg@10": (0.2, 0.1877)}, [difference]))
    out, err = capsys.readouterr()
    header, row = out.splitlines()
    assert header.split() == ["old", "users", "before", "now", "difference", "95", "%", "p"]
    assert row.split() == [
        "ndcg@10",
        "0.2000",
        "0.1877",
        "-0.0123",
        "[-0.0234,",
        "+0.0001]",
        "0.040",
    ]
    assert len(row) <= 80
    assert "6 users of runs/a" in err
    assert "1 user skipped: not in the dataset of the run before" in err
