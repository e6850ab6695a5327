"""A file of users or items becomes a row an id."""

import json
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.data.reading.attributes import read_attributes
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError


def test_a_row_for_each_property_becomes_a_column_for_each(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("item_id,property,value\n5,colour,red\n5,size,L\n6,colour,blue\n6,colour,red\n")
    items = read_attributes(TextSource(path), "item")
    assert items.ids == ["5", "6"]
    assert items.columns == {"colour": ["red", "blue|red"], "size": ["L", ""]}
    assert "a row for each property" in items.notes[0]


def test_lists_of_values_become_tags(tmp_path: Path) -> None:
    records = [
        {"item": "a", "price": 3, "genres": ["new | wool", "red"], "sold": [{"shop": "x"}]},
        {"item": "b", "price": 4, "genres": ["red"], "sold": [{"shop": "x"}, {"shop": "y"}]},
        {"item": "c", "price": 5, "genres": []},
    ]
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    items = read_attributes(TextSource(path), "item")
    assert items.columns == {"price": ["3", "4", "5"], "genres": ["new / wool|red", "red", ""]}
    assert items.kinds == {"genres": "tags"}
    assert items.notes == (f"`{path}`: `sold[].shop` lie in lists of records, which are not read",)


@pytest.mark.parametrize(
    ("document", "columns"),
    [
        ({"7": [12, 3], "007": [3], "x y": []}, {"tags": ["12|3", "3", ""]}),
        (
            {"7": {"price": 3}, "8": {"price": 4, "size": "L"}},
            {"price": ["3", "4"], "size": ["", "L"]},
        ),
        ({"7": {"genres": ["a", "b"]}, "8": {"genres": ["b"]}}, {"genres": ["a|b", "b"]}),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_may_have_what_is_known_under_the_ids(
    tmp_path: Path, document: dict[str, Any], columns: dict[str, list[str]], indent: int | None
) -> None:
    path = tmp_path / "item2attributes.json"
    path.write_text(json.dumps(document, indent=indent))
    items = read_attributes(TextSource(path), "item")
    assert items.ids == list(document)
    assert items.columns == columns


@pytest.mark.parametrize("key", ["item_id", "sku", "ID"])
@pytest.mark.parametrize("orient", ["index", "columns"])
def test_a_table_as_pandas_writes_it_is_read_by_its_ids(
    tmp_path: Path, key: str, orient: str
) -> None:
    rows = [{key: 7 + n, "genre": "ab"[n % 2]} for n in range(6)]
    document: dict[str, Any] = {str(n): row for n, row in enumerate(rows)}
    if orient == "columns":
        document = {name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]}
    path = tmp_path / "items.json"
    path.write_text(json.dumps(document))
    items = read_attributes(TextSource(path), "item")
    assert items.ids == [str(7 + n) for n in range(6)]
    assert items.columns == {"genre": ["a", "b"] * 3}


def test_lists_of_numbers_are_no_tags_and_no_ids(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    rows = [{"item": f"i{n}", "text": [0.25 * n, -1.5]} for n in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = read_attributes(TextSource(path), "item")
    assert not items.columns
    assert "`--item-vectors` reads a file of vectors" in items.notes[0]
    path.write_text('{"name": "a", "items": ["x", "y"]}\n{"name": "b", "items": ["x"]}\n')
    with pytest.raises(InputError, match="cannot tell which column is the item"):
        read_attributes(TextSource(path), "item")


def test_a_document_of_records_with_ids_is_read_by_these(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text(json.dumps({str(n): {"id": f"i{n}", "price": n} for n in range(6)}))
    items = read_attributes(TextSource(path), "item")
    assert items.ids == [f"i{n}" for n in range(6)]
    path.write_text(json.dumps({"item_id": ["a", "b"], "price": [1, 2]}))
    items = read_attributes(TextSource(path), "item")
    assert (items.ids, items.columns) == (["a", "b"], {"price": ["1", "2"]})
