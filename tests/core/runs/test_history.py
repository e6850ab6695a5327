"""The record of validations: a line each, in the order in which they were added."""

import json
from pathlib import Path

import pytest

from seqrec_cli.core.runs.history import History
from seqrec_cli.errors import RunError


def test_lines_come_back_and_those_after_an_epoch_go(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.read() == []
    lines = [{"epoch": epoch, "loss": 1 / epoch, "best": epoch == 2} for epoch in range(1, 5)]
    for line in lines:
        history.add(line)
    assert history.read() == lines
    text = (tmp_path / "metrics.jsonl").read_text()
    assert [json.loads(line) for line in text.splitlines()] == lines
    history.keep_until(2, 0)
    assert history.read() == lines[:2]


def test_what_json_does_not_have_is_not_written(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add({"epoch": 1, "loss": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        history.add({"epoch": 2, "loss": float("nan")})
    assert history.read() == [{"epoch": 1, "loss": 0.5}]


@pytest.mark.parametrize(
    "text",
    ['{"epoch": 1, "loss": NaN}', '{"epoch": "1"}', "{}", "[1]", "{", '{"epoch": 1', "\x80"],
)
def test_a_damaged_record_is_refused_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(text.encode("latin-1") + b"\n")
    with pytest.raises(RunError, match="is damaged") as caught:
        History(tmp_path).read()
    assert "remove it" in caught.value.hint
