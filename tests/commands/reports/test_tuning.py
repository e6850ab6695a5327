"""What is printed of trials."""

from seqrec_cli.commands.reports.tuning import short_changes, trial_row
from seqrec_cli.core.runs.search import TrialEnded


def test_a_row_of_a_trial() -> None:
    changes = ("training.lr=0.001", "seed=3")
    assert short_changes(changes) == "lr=0.001, seed=3"
    finished = TrialEnded(3, changes, "finished", 0.25, 0.25, 4, 1.23)
    assert trial_row(finished) == ["3", "0.2500", "4", "1.2", "", "lr=0.001, seed=3"]
    refused = TrialEnded(4, changes, "refused", None, None, 0, 0.0, "why")
    assert trial_row(refused)[1:5] == ["-", "0", "0.0", "refused"]
