"""A file of users or items becomes a row an id."""

from pathlib import Path

from seqrec_cli.core.data.reading.attributes import read_attributes
from seqrec_cli.core.data.reading.sources import TextSource


def test_a_row_for_each_property_becomes_a_column_for_each(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("item_id,property,value\n5,colour,red\n5,size,L\n6,colour,blue\n6,colour,red\n")
    items = read_attributes(TextSource(path), "item")
    assert items.ids == ["5", "6"]
    assert items.columns == {"colour": ["red", "blue|red"], "size": ["L", ""]}
    assert "a row for each property" in items.notes[0]
