"""A long list of recommendations is written in parts, which a second command goes on with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.inference import parts
from seqrec_cli.core.inference.export import write_recommendations
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.parts import Parts
from seqrec_cli.core.inference.recommendation import Recommended

LABELS = [f"u{number}" for number in range(11)]
ALL = np.ones(11, np.bool_)
CATALOGUE = Catalogue(np.arange(1, 5) * 10, None)


def recommended(start: int, stop: int) -> Iterator[tuple[str, Recommended]]:
    for number in range(start, stop):
        items = np.array([number % 4 + 1, (number + 1) % 4 + 1])
        yield LABELS[number], Recommended(items, np.array([0.5, 0.25], np.float32))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_USERS", 4)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_file_is_the_one_written_at_once_and_nothing_else_stays(
    suffix: str, tmp_path: Path
) -> None:
    write_recommendations(tmp_path / f"whole{suffix}", recommended(0, 11), CATALOGUE)
    done: list[int] = []
    size = Parts(tmp_path / f"a{suffix}", {}, LABELS, ALL).write(
        recommended, CATALOGUE, done.append
    )
    content = (tmp_path / f"a{suffix}").read_bytes()
    assert content == (tmp_path / f"whole{suffix}").read_bytes()
    assert size == len(content)
    assert done == [4, 8, 11]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{suffix}", f"whole{suffix}"]


class Killed(BaseException):
    pass


def stopped_after(parts_done: int, facts: dict[str, Any], path: Path) -> None:
    def between(start: int, stop: int) -> Iterator[tuple[str, Recommended]]:
        if start == 4 * parts_done:
            raise Killed
        return recommended(start, stop)

    with pytest.raises(Killed):
        Parts(path, facts, LABELS, ALL).write(between, CATALOGUE, lambda done: None)


def test_a_second_command_goes_on_where_the_first_was_stopped(tmp_path: Path) -> None:
    path, asked = tmp_path / "a.csv", []
    stopped_after(2, {"k": 2}, path)
    assert not path.exists()

    def between(start: int, stop: int) -> Iterator[tuple[str, Recommended]]:
        asked.append(start)
        return recommended(start, stop)

    again = Parts(path, {"k": 2}, LABELS, ALL)
    assert again.resumed == 2
    again.write(between, CATALOGUE, lambda done: None)
    assert asked == [8]
    write_recommendations(tmp_path / "whole.csv", recommended(0, 11), CATALOGUE)
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(("facts", "labels"), [({"k": 3}, LABELS), ({"k": 2}, LABELS[:-1])])
def test_parts_of_another_command_are_not_used(
    facts: dict[str, Any], labels: list[str], tmp_path: Path
) -> None:
    stopped_after(2, {"k": 2}, tmp_path / "a.csv")
    assert Parts(tmp_path / "a.csv", facts, labels, ALL[: len(labels)]).resumed == 0


def test_a_part_has_as_many_people_with_a_history_whoever_else_is_in_it(tmp_path: Path) -> None:
    known = ALL.copy()
    known[[0, 2, 3, 7]] = False
    made = Parts(tmp_path / "a.csv", {}, LABELS, known, 3)
    assert made.bounds() == [(0, 6), (6, 10), (10, 11)] == made.missing()
    for (start, stop), count in zip(made.bounds(), [3, 3, 1], strict=True):
        assert known[start:stop].sum() == count
    assert Parts(tmp_path / "b.csv", {}, LABELS, np.zeros(11, np.bool_), 3).bounds() == [(0, 11)]
