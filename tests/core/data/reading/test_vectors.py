"""Vectors of items in every form that they are kept in; what is malformed is named."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from seqrec_cli.core.data.reading.vectors import read_vectors
from seqrec_cli.errors import InputError

IDS = ["7", "3", "12"]
VECTORS = np.array([[0.5, -1, 2e-3], [0, 1, 2], [3, 0, 0.25]], np.float32)
CELLS = [[f"{x:g}" for x in row] for row in VECTORS.tolist()]


def commas(header: str = "", between: str = ",") -> str:
    lines = [between.join([key, *cells]) for key, cells in zip(IDS, CELLS, strict=True)]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


TEXTS = {
    "plain.csv": commas(),
    "header.csv": commas("item,a,b,c"),
    "tabs.tsv": commas("id\tx\ty\tz", "\t"),
    "semicolons.txt": commas("x;y;z;w", ";"),
    "list.csv": "item_id,embedding\n"
    + "".join(
        f'{key},"{json.dumps(row)}"\n' for key, row in zip(IDS, VECTORS.tolist(), strict=True)
    ),
    "spaces.csv": "".join(f"{k},{' '.join(c)}\r\n" for k, c in zip(IDS, CELLS, strict=True)),
    "later.csv": "a,b,c,item\n"
    + "".join(f"{','.join(c)},{k}\n" for k, c in zip(IDS, CELLS, strict=True)),
    "shop.item": "item_id:token\ttitle:token_seq\temb:float_seq\n"
    + "".join(f"{k}\tA film\t{' '.join(c)}\n" for k, c in zip(IDS, CELLS, strict=True)),
    # As pandas writes a table: columns named 0, 1, 2, ..., the row's number before the others.
    "numbered.csv": commas("item,0,1,2"),
    "index.csv": ",item,a,b,c\n"
    + "".join(f"{n},{k},{','.join(c)}\n" for n, (k, c) in enumerate(zip(IDS, CELLS, strict=True))),
    "unnamed.csv": "Unnamed: 0,item,a,b,c\n"
    + "".join(f"{n},{k},{','.join(c)}\n" for n, (k, c) in enumerate(zip(IDS, CELLS, strict=True))),
    "ids-as-index.csv": commas(",0,1,2"),
    "titled.csv": "item,title,year,embedding\n"
    + "".join(
        f'{key},"Film, The",1999,"{json.dumps(row)}"\n'
        for key, row in zip(IDS, VECTORS.tolist(), strict=True)
    ),
    "two.itememb": "iid:token\ta:float_seq\tprice:float\tb:float_seq\n"
    + "".join(f"{k}\t{c[0]}\t9.5\t{c[1]} {c[2]}\n" for k, c in zip(IDS, CELLS, strict=True)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TEXTS[name], newline="")
    found = read_vectors(path)
    assert found.ids == IDS
    np.testing.assert_allclose(found.vectors, VECTORS)
    assert found.vectors.dtype == np.float32


@pytest.mark.parametrize("ids", [np.array([7, 3, 12]), np.array(IDS)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_npz(tmp_path: Path, ids: np.ndarray, kind: type) -> None:  # type: ignore[type-arg]
    np.savez(tmp_path / "v.npz", allow_pickle=False, ids=ids, vectors=VECTORS.astype(kind))
    found = read_vectors(tmp_path / "v.npz")
    assert found.ids == IDS
    np.testing.assert_allclose(found.vectors, VECTORS)


@pytest.mark.parametrize(
    "columns",
    [
        "id, [a, b, c] AS emb",
        "CAST(id AS VARCHAR) AS item, CAST([a, b, c] AS FLOAT[3]) AS emb, 'x' AS title",
        "a, b, CAST(c AS FLOAT) AS c, id AS item_id",
        'a AS "0", b AS "1", c AS "2", id AS "__index_level_0__"',
        "id AS item, ['drama', 'war'] AS genres, [a, b, c] AS emb",
        "id AS item, [a, b] AS texts, [c] AS pictures",
        'id AS item, a, b, c, 0 AS "__index_level_0__"',
    ],
)
def test_parquet(tmp_path: Path, columns: str) -> None:
    rows = ", ".join(f"({k}, {','.join(c)})" for k, c in zip(IDS, CELLS, strict=True))
    path = tmp_path / "v.parquet"
    table = f"(VALUES {rows}) AS t(id, a, b, c)"
    duckdb.sql(f"COPY (SELECT {columns} FROM {table}) TO '{path}' (FORMAT parquet)")
    found = read_vectors(path)
    assert found.ids == IDS
    np.testing.assert_allclose(found.vectors, VECTORS)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("item,a,b\n1,1,2\n2,,\n1,3,4\n3,5,6\n\n")
    found = read_vectors(path)
    assert (found.ids, found.repeated, found.empty) == (["1", "3"], 1, 1)
    np.testing.assert_allclose(found.vectors, [[1, 2], [5, 6]])
    path = tmp_path / "v.parquet"
    rows = "(1, [1.0, 2.0]), (2, NULL), (3, [5.0, 6.0]), (1, [0.0, 0.0])"
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {rows}) t(id, v)) TO '{path}' (FORMAT parquet)")
    found = read_vectors(path)
    assert (found.ids, found.repeated, found.empty) == (["1", "3"], 1, 1)


def test_columns_that_are_numbered_are_a_header_whatever_the_first_is_called(
    tmp_path: Path,
) -> None:
    path = tmp_path / "v.csv"
    path.write_text(f"film,{','.join(map(str, range(9)))}\na,{','.join('1' * 9)}\n")
    assert read_vectors(path).ids == ["a"]
    path.write_text(f"film,{','.join('1' * 9)}\na,{','.join('1' * 9)}\n")
    assert read_vectors(path).ids == ["film", "a"]


def test_what_was_read_and_what_was_not_is_named(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text('item,title,embedding\n1,One,"[1, 2]"\n')
    assert read_vectors(path).columns == ["embedding"]
    assert read_vectors(path).unused == ["title"]
    path.write_text(",item,a,b\n0,1,1,2\n")
    assert (read_vectors(path).columns, read_vectors(path).unused) == (["a", "b"], [""])
    path.write_text("1,1,2\n")
    assert (read_vectors(path).columns, read_vectors(path).unused) == ([], [])
    path = tmp_path / "v.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS id, 'x' AS t, [1.0] AS e) TO '{path}' (FORMAT parquet)")
    assert (read_vectors(path).columns, read_vectors(path).unused) == (["e"], ["t"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "item,a\n1,x\n", "line 2: `x` is not a number"),
        ("a.csv", "item,a\n1,1_0\n", "`1_0` is not a number"),
        ("a.csv", "1,2,3\n2,3\n", "line 2: a vector of 1 numbers"),
        ("a.csv", "", "no vectors"),
        ("a.csv", "item,title\n1,\n", "no vectors"),
        ("a.csv", "2,1\n1,nan\n", "`nan` is not a number"),
        ("a.csv", "1,1e60\n2,1\n", "not finite"),
        ("a.npz", "hello", "damaged"),
        ("a.parquet", "hello", "a.parquet"),
    ],
)
def test_what_is_malformed_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_vectors(path)


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    for arrays, message in (
        ({"a": VECTORS}, "no `ids` and `vectors`"),
        ({"ids": np.arange(2), "vectors": VECTORS}, "as many rows"),
        ({"ids": np.arange(3), "vectors": VECTORS.astype(np.int64)}, "int64"),
        ({"ids": np.arange(3), "vectors": np.full((3, 2), np.nan)}, "not finite"),
    ):
        np.savez(path, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=message):
            read_vectors(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_vectors(tmp_path / "missing.npz")
