"""What is printed of drift."""

from seqrec_cli.commands.reports.drift import chance_of, in_cell, value_of
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.runs.drift import Shift


def test_values_have_units() -> None:
    assert value_of(Shift("new_users", 0.125)) == "12.5% of users"
    assert value_of(Shift("unknown_items", 0.01)) == "1.0% of events"
    assert value_of(Shift("popularity_shift", 0.31, 0.2)) == "0.3100"
    assert value_of(Shift("ndcg_drop", 0.02)) == "+0.0200"
    assert chance_of(Shift("popularity_shift", 0.31, 0.2)) == "0.2000"
    assert chance_of(Shift("new_users", 0.1)) == ""
    assert in_cell(Figure(0.5, 0.4, 0.6)) == "0.5000 ±0.1000"
    assert in_cell(None) == "-"
