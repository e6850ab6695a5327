"""Histories of new people are read as `prepare` reads a log, by the run's catalogue."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.inference.history_files import read_people
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.errors import InputError

CATALOGUE = Catalogue(np.array(["a", "b", "c"]), None, np.array([3, 2, 1]))
LOG = "user_id,item_id,timestamp\n"


def test_a_log_is_read_in_order_of_time_and_without_strange_items(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = ["u,b,1600000300", "v,x,1600000000", "u,a,1600000100", "u,x,1600000200"]
    path.write_text(LOG + "\n".join([*rows, rows[0], ""]))
    people = read_people(str(path), CATALOGUE)
    assert people.labels == ["u", "v"]
    assert people.known.tolist() == [True, False]
    assert people.histories[0].tolist() == [1, 2]
    assert people.times is not None
    assert people.times.tolist() == [1600000100, 1600000300]
    assert people.missing == {"has no item that the run knows": ["v"]}
    assert any("exact duplicate" in note for note in people.notes)
    assert any(
        "2 interactions with 1 item not in the catalogue were left out" in n for n in people.notes
    )


def test_what_comes_again_in_a_list_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"user": "u", "time": 1600000000, "items": ["b", "a", "b"]}\n')
    people = read_people(str(path), CATALOGUE)
    assert people.histories[0].tolist() == [2, 1, 2]
    assert not any("duplicate" in note for note in people.notes)


def test_a_dash_is_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(f"{LOG}u,c,1600000000\n".encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    people = read_people("-", CATALOGUE)
    assert people.histories[0].tolist() == [3]


def test_what_prepare_refuses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        read_people(str(tmp_path / "nowhere.csv"), CATALOGUE)


def test_a_log_may_lie_at_an_address() -> None:
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://people/log.csv", "w") as file:
        file.write(f"{LOG}u,b,1600000000\nu,a,1600000100\n")
    people = read_people("memory://people/log.csv", CATALOGUE)
    assert people.histories[0].tolist() == [2, 1]
    with pytest.raises(InputError, match=r"cannot fetch `memory://people/none\.csv`"):
        read_people("memory://people/none.csv", CATALOGUE)
    with fsspec.open("memory://people/wrong.csv", "w") as file:
        file.write("user_id,timestamp\nu,1600000000\n")
    with pytest.raises(InputError, match=r"memory://people/wrong\.csv"):
        read_people("memory://people/wrong.csv", CATALOGUE)
