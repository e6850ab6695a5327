"""JSON documents that hold a table in one value are read like its records, a line each."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.data.reading import documents
from seqrec_cli.core.data.reading.documents import rows_in
from seqrec_cli.core.data.reading.engine import opened_engine
from seqrec_cli.core.data.reading.texts import Facts
from tests.core.data.reading.conftest import ReadText, rows_of

ROWS = [(f"u{n % 3}", f"i{n * 7 % 5}", 1_600_000_000 + n) for n in range(40)]
NAMES = ("user_id", "item_id", "timestamp")
BY_USER = {u: [row for row in ROWS if row[0] == u] for u in ("u0", "u1", "u2")}
DOCUMENTS: dict[str, Any] = {
    "columns of pandas": {
        name: {str(n): row[place] for n, row in enumerate(ROWS)} for place, name in enumerate(NAMES)
    },
    "columns as lists": {name: [row[n] for row in ROWS] for n, name in enumerate(NAMES)},
    "split": {"columns": NAMES, "index": [*range(40)], "data": ROWS},
    "index": {str(n): dict(zip(NAMES, row, strict=True)) for n, row in enumerate(ROWS)},
    "by key": {f"-Mx{n}": dict(zip(NAMES, row, strict=True)) for n, row in enumerate(ROWS)},
    "under a key": {"total": 40, "rows": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
    "lists": ROWS,
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("form", DOCUMENTS)
def test_reads_a_document(read: ReadText, form: str, indent: int | None) -> None:
    log = read(json.dumps(DOCUMENTS[form], indent=indent), "log.json")
    assert rows_of(log) == ROWS


def test_reads_lines_of_lists(read: ReadText) -> None:
    assert rows_of(read("".join(json.dumps(row) + "\n" for row in ROWS), "log.jsonl")) == ROWS


@pytest.mark.parametrize("form", ["items", "baskets", "pairs", "ratings"])
def test_reads_a_dictionary_of_users(read: ReadText, form: str) -> None:
    written: dict[str, Any] = {}
    for user, own in BY_USER.items():
        items = [item for _, item, _ in own]
        written[user] = {
            "items": items,
            "baskets": [items[:2], items[2:3], items[3:]],
            "pairs": [[item, time] for _, item, time in own],
            "ratings": {f"{user}-{item}-{n}": 3 for n, item in enumerate(items)},
        }[form]
    found = rows_of(read(json.dumps(written), "log.json"))
    if form == "ratings":
        assert {(user, item.partition("-")[0]) for user, item in found} == {(u, u) for u in BY_USER}
        return
    expected = [row for own in BY_USER.values() for row in own]
    assert found == (expected if form == "pairs" else [row[:2] for row in expected])


def test_a_document_larger_than_what_is_looked_at(read: ReadText) -> None:
    text = "x" * 400
    many = {"rows": [dict(zip((*NAMES, "text"), (*row, text), strict=True)) for row in ROWS * 30]}
    assert len(read(json.dumps(many, indent=1), "log.json").rows.users) == 30 * len(ROWS)


@pytest.mark.parametrize("document", [{}, [], 3, {"user": 1, "item": 2}, {"a": [1]}, {"a": {}}])
def test_other_values_are_no_tables(document: Any) -> None:
    assert rows_in(document) is None


@pytest.mark.parametrize("odd", [None, 7, "x", [1], {"a": 1}, [[]], [["i1"], 2]])
@pytest.mark.parametrize("usual", [{"i1": 3, "i2": 4}, ["i1", "i2"], [["i1", 1], ["i2", 2]]])
def test_a_document_whose_last_value_is_odd_is_no_crash(odd: Any, usual: Any) -> None:
    document = {f"u{n}": usual for n in range(99)} | {"last": odd}
    rows = rows_in(document)
    assert rows is None or all(isinstance(row, dict) for row in rows)


def test_a_document_of_nearly_nothing_but_values_is_not_read_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"a": [' + ",".join(["[]"] * 300_000) + '], "b": []}')
    monkeypatch.setattr(documents, "LARGEST_READ", 16 << 20)
    facts = Facts(path, quotes=2, damaged=0, size=path.stat().st_size)
    tracemalloc.start()
    with opened_engine() as engine:
        assert documents.unpacked(facts, engine) is None
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
OTHERS = [{"name": name, "type": "string"} for name in NAMES]
CELLS = [list(map(str, row)) for row in ROWS]
ENVELOPES: dict[str, Any] = {
    "an answer of Elasticsearch": {
        "took": 3,
        "hits": {"total": 40, "hits": [{"_id": n, "_source": r} for n, r in enumerate(RECORDS)]},
    },
    "a longer list of other things": {"columns": OTHERS * 20, "rows": RECORDS},
    "keys of Firebase under a key": {"events": {f"-M{n}": r for n, r in enumerate(RECORDS)}},
    "ClickHouse": {"meta": OTHERS, "data": CELLS, "rows": 40, "statistics": {"elapsed": 0.1}},
    "BigQuery": {
        "schema": {"fields": OTHERS},
        "rows": [{"f": [{"v": cell} for cell in row]} for row in CELLS],
        "totalRows": "40",
    },
    "Socrata": {"meta": {"view": {"id": "x", "columns": OTHERS}}, "data": CELLS},
    "Metabase": {"data": {"cols": OTHERS, "rows": CELLS, "native_form": {"params": [1, 2, 3]}}},
    "Presto": {"id": "1", "columns": OTHERS, "data": CELLS, "stats": {"state": "FINISHED"}},
    "Snowflake": {"resultSetMetaData": {"rowType": OTHERS}, "data": CELLS},
    "Google's charts": {
        "cols": [{"id": "", "label": name, "type": "string"} for name in NAMES],
        "rows": [{"c": [{"v": cell} for cell in row]} for row in CELLS],
    },
    "Kusto": {
        "Tables": [
            {"TableName": "T", "Columns": [{"ColumnName": n} for n in NAMES], "Rows": CELLS},
            {"TableName": "S", "Columns": [{"ColumnName": "x"}], "Rows": [["1"]]},
        ]
    },
    "InfluxDB": {"results": [{"series": [{"name": "e", "columns": NAMES, "values": CELLS}]}]},
    "Neo4j": {"results": [{"columns": NAMES, "data": [{"row": r, "meta": []} for r in CELLS]}]},
    "names alone": {"fields": NAMES, "rows": CELLS},
    "records with lists": {
        "schema": {"fields": OTHERS},
        "data": [r | {"tags": ["a", "b", "c"]} for r in RECORDS],
    },
    "records by user": {u: [r for r in RECORDS if r["user_id"] == u] for u in BY_USER},
}


@pytest.mark.parametrize("form", ENVELOPES)
def test_finds_the_records_in_a_document(read: ReadText, form: str) -> None:
    rows = rows_of(read(json.dumps(ENVELOPES[form], indent=1), "log.json"))
    assert sorted(rows) == sorted(ROWS)


def test_records_in_lists_by_key_are_of_that_user(read: ReadText) -> None:
    document = {u: [{"item_id": i, "ts": t} for _, i, t in own] for u, own in BY_USER.items()}
    assert sorted(rows_of(read(json.dumps(document), "log.json"))) == sorted(ROWS)


def test_the_user_above_the_records_is_theirs(read: ReadText) -> None:
    tracks = [{"track_id": item, "played_at": time} for _, item, time in ROWS]
    document = {"page": {"track": tracks, "@attr": {"user": "rj", "page": 1}}}
    assert rows_of(read(json.dumps(document), "log.json")) == [("rj", i, t) for _, i, t in ROWS]


def test_a_list_of_as_many_values_as_a_row_has_is_no_header() -> None:
    document = {"users": ["a", "b", "c"], "log": [[1, 2, 3], [1, 4, 5]], "fields": ["x", "y"]}
    assert documents.rows_beside_names(document) == []
    document = {"columns": ["a", "a", "b"], "data": [[1, 2, 3], [1, 4, 5]]}
    assert documents.rows_beside_names(document) == []
