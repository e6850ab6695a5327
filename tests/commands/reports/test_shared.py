"""What several commands print alike: the table on stdout, what to know of it on stderr."""

import json

import pytest

from seqrec_cli.commands.reports.shared import print_comparisons, show_preparation

MANIFEST = {"name": "toy", "source": {"licence": "none at all"}}


def test_a_manifest_is_a_table_or_json_and_its_notes_are_diagnostics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_preparation(MANIFEST, [("users", "7")], ["one user is alone"], as_json=False)
    printed = capsys.readouterr()
    assert [line.split() for line in printed.out.splitlines()] == [["toy"], ["users", "7"]]
    show_preparation(MANIFEST, [("users", "7")], ["one user is alone"], as_json=True)
    as_json = capsys.readouterr()
    assert json.loads(as_json.out) == MANIFEST
    for stderr in (printed.err, as_json.err):
        assert "licence: none at all" in stderr
        assert "note: one user is alone" in stderr


def test_a_difference_has_its_sign_and_its_p(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparisons(
        {("new", "old"): {"ndcg@10": (0.0125, 0.002), "hr@10": (-0.5, 1.0)}}, ["ndcg@10", "hr@10"]
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["metric", "new", "minus", "old", "p"] in lines
    assert ["ndcg@10", "+0.0125", "0.002"] in lines
    assert ["hr@10", "-0.5000", "1.000"] in lines
