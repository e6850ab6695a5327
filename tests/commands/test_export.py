"""seqrec export: what is missing or cannot be exported is a sentence."""

from pathlib import Path

import pytest

from tests.shop import said


def test_needs_a_folder(shop: Path) -> None:
    assert "--output" in said("export", "one", code=2)


@pytest.mark.slow
def test_writes_a_folder(shop: Path) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    text = said("export", "one", "--output", "made", "--topk", "5")
    assert "onnxruntime agrees for 40 histories" in text
    assert "README.md" in text
    assert {path.name for path in (shop / "made").iterdir()} == {
        *("model.onnx", "items.json", "README.md")
    }
    assert "exists already" in said("export", "one", "--output", "made", code=1)
