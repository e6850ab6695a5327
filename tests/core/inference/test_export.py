"""Tables come out as the csv and json modules read them, whole or not at all."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.inference.export import write_recommendations, write_rows, write_vectors
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.recommendation import Recommended
from seqrec_cli.errors import InputError, RunError


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_rows_are_written_whole_or_not_at_all(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    rows = [{"a": 1, "b": 'x,"y"\n'}, {"a": 2, "b": "é"}]
    assert write_rows(path, iter(rows), ["a", "b"]) == 2
    expected = {
        ".csv": 'a,b\r\n1,"x,""y""\n"\r\n2,é\r\n',
        ".jsonl": '{"a": 1, "b": "x,\\"y\\"\\n"}\n{"a": 2, "b": "é"}\n',
    }
    assert path.read_bytes().decode() == expected[ending]

    def broken() -> object:
        yield rows[0]
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_rows(path, broken(), ["a", "b"])  # type: ignore[arg-type]
    assert path.read_bytes().decode() == expected[ending]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with pytest.raises(InputError, match=r"neither .csv nor .jsonl"):
        write_rows(tmp_path / "out.xlsx", iter(rows), ["a", "b"])


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize("titles", [None, ['Say "hi", you', "Amélie\nPoulain", ""]])
def test_recommendations_are_read_back_by_the_standard_library(
    tmp_path: Path, ending: str, titles: list[str] | None
) -> None:
    ids = np.array(["a,b", "c", "d"])
    catalogue = Catalogue(ids, None if titles is None else np.array(titles))
    found = [
        ('the "first"', Recommended(np.array([3, 1]), np.array([2.5, -1e-7], np.float32))),
        ("nobody", Recommended(np.array([], np.int64), np.array([], np.float32))),
        ("ü", Recommended(np.array([2]), np.array([-3.25], np.float32))),
    ]
    path = tmp_path / f"out{ending}"
    assert write_recommendations(path, found, catalogue) == 3
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = (
            list(csv.DictReader(file)) if ending == ".csv" else [json.loads(line) for line in file]
        )
    expected = [('the "first"', 1, 2, 2.5), ('the "first"', 2, 0, 0.0), ("ü", 1, 1, -3.25)]
    for row, (user, rank, item, score) in zip(rows, expected, strict=True):
        assert (row["user"], int(row["rank"]), float(row["score"])) == (user, rank, score)
        assert row["item"] == ids[item]
        assert row.get("title") == (None if titles is None else titles[item])


@pytest.mark.parametrize("at", [0, 1, 2, 5])
def test_lists_come_in_their_order_or_not_at_all(tmp_path: Path, at: int) -> None:
    catalogue = Catalogue(np.array(["a", "b"]), None)
    path = tmp_path / "out.csv"

    def lists(stop: int) -> Iterator[tuple[Any, Recommended]]:
        for user in range(stop):
            yield user, Recommended(np.array([1 + user % 2]), np.array([user], np.float32))
        if stop < 5:
            raise RunError("its weights are broken", "train again")

    if at < 5:
        with pytest.raises(RunError, match="broken"):
            write_recommendations(path, lists(at), catalogue)
        assert not any(tmp_path.iterdir())
    else:
        assert write_recommendations(path, lists(at), catalogue) == 5
        assert path.read_text().split() == [
            "user,rank,item,score",
            *(f"{user},1,{'ab'[user % 2]},{user}.000000" for user in range(5)),
        ]


@pytest.mark.parametrize("ids", [np.array([7, 9]), np.array(["é", "b"])])
def test_vectors_come_back_from_parquet(tmp_path: Path, ids: Any) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_vectors(tmp_path / "a.parquet", ids, vectors)
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["id", "vector"]
    assert table["id"].to_pylist() == ids.tolist()
    assert table["vector"].to_pylist() == vectors.tolist()


SIGNS = ["=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]


@pytest.mark.parametrize("safe", [False, True])
def test_a_formula_is_harmless_for_spreadsheets_on_request(tmp_path: Path, safe: bool) -> None:
    """Texts get an apostrophe; numbers, also negative ones, stay numbers."""
    mark = "'" if safe else ""
    catalogue = Catalogue(np.array(SIGNS), np.array([*SIGNS[1:], "plain"]))
    scores = -np.arange(1, len(SIGNS) + 1, dtype=np.float32)
    found = Recommended(np.arange(1, len(SIGNS) + 1), scores)
    path = tmp_path / "out.csv"
    write_recommendations(path, [("=user", found)], catalogue, safe=safe)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == [mark + sign for sign in SIGNS]
    assert [row["title"] for row in rows] == [*(mark + sign for sign in SIGNS[1:]), "plain"]
    assert {row["user"] for row in rows} == {f"{mark}=user"}
    assert [float(row["score"]) for row in rows] == scores.tolist()

    write_rows(path, [{"scorer": sign, "hr@1": -0.5} for sign in SIGNS], ["a", "b"], safe=safe)
    with path.open(encoding="utf-8", newline="") as file:
        assert [row["a"] for row in csv.DictReader(file)] == [mark + sign for sign in SIGNS]


def test_json_lines_are_the_same_with_and_without_it(tmp_path: Path) -> None:
    """A text with every kind of line end is one line, for all that cut lines at any of them."""
    odd = "=1\u2028\u2029\x85\x0b\x0c\x1c\r\n\u202e"
    catalogue = Catalogue(np.array([odd]), None)
    found = Recommended(np.array([1]), np.array([1.0], np.float32))
    for safe in (False, True):
        path = tmp_path / f"{safe}.jsonl"
        write_recommendations(path, [(odd, found)], catalogue, safe=safe)
        (line,) = path.read_text().splitlines()
        assert line.isprintable()
        assert json.loads(line) == {"user": odd, "rank": 1, "item": odd, "score": 1.0}
