"""What is in columns of JSON is what the json module reads there."""

import csv
import io
import json
from typing import Any

from tests.core.data.reading.conftest import ReadText, rows_of

VISITS: list[tuple[str, dict[str, Any]]] = [
    ("u1", {"at": 1500000000, "page": {"sku": "a"}, "cart": [{"id": 7}, {"id": 8}]}),
    ("u2", {"at": 1500000100, "page": {"sku": "b"}, "cart": [{"id": 9}]}),
    ("u1", {"at": 1500000200, "page": {"sku": "c"}, "cart": []}),
]


def text_of(visits: list[tuple[str, dict[str, Any]]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["user", "visit"])
    writer.writerows((user, json.dumps(visit)) for user, visit in visits)
    return file.getvalue()


def test_a_path_into_a_column_is_a_column(read: ReadText) -> None:
    columns = {"user": "user", "item": "visit.page.sku", "time": "visit.at"}
    log = read(text_of(VISITS), columns=columns)
    assert rows_of(log) == [(user, visit["page"]["sku"], visit["at"]) for user, visit in VISITS]


def test_a_list_in_a_column_gives_a_row_for_each(read: ReadText) -> None:
    log = read(text_of(VISITS), columns={"user": "user", "item": "visit.cart[].id"})
    expected = [(user, each["id"]) for user, visit in VISITS for each in visit["cart"]]
    assert [row[:2] for row in rows_of(log)] == expected
