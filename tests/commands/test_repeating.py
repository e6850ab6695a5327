"""Options come back from a manifest as they were typed; what is typed now goes first."""

import json
from pathlib import Path

import pytest

from seqrec_cli.commands.prepare_options import PrepareOptions
from seqrec_cli.commands.repeating import PREPARED_WITH, options_alike, options_to_keep
from seqrec_cli.errors import DatasetError


def test_there_and_back(tmp_path: Path) -> None:
    options = PrepareOptions(
        sources=["a.csv"],
        items_file="https://shop/i.csv",
        table=Path("t.yaml"),
        where=["x > 1", "y"],
        min_user_count=3,
    )
    kept = json.loads(json.dumps(options_to_keep(options)))
    assert "sources" not in kept
    manifest = tmp_path / "old.json"
    manifest.write_text(json.dumps({PREPARED_WITH: kept}))
    typed = PrepareOptions(sources=["b.csv"], like=manifest, min_user_count=5)
    found = options_alike(typed, lambda name: name == "min_user_count")
    assert found.sources == ["b.csv"]
    assert found.items_file == "https://shop/i.csv"
    assert found.table == Path("t.yaml")
    assert found.where == ["x > 1", "y"]
    assert found.min_user_count == 5


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", '{"prepared_with": {"sources": ["x"]}}'])
def test_what_is_no_such_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(DatasetError, match="old"):
        options_alike(PrepareOptions(like=tmp_path / "old.json"), lambda name: False)


def test_a_manifest_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"cannot read `.*new\.json`: No such file") as caught:
        options_alike(PrepareOptions(like=tmp_path / "new.json"), lambda name: False)
    assert str(tmp_path / "old.json") in caught.value.hint
    assert "Errno" not in caught.value.message
