"""seqrec export: what is missing or cannot be exported is a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.shop import NEW, plain, said


def test_needs_a_folder(shop: Path) -> None:
    assert "--output" in said("export", "one", code=2)


@pytest.mark.slow
def test_writes_a_folder_which_never_lists_items_that_nobody_has(shop: Path) -> None:
    """The file lists what `recommend` lists, to the end of the catalogue."""
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    text = said("export", "one", "--output", "made", "--topk", "33")
    assert "onnxruntime agrees for 40 histories" in text
    assert "README.md" in text
    assert {path.name for path in (shop / "made").iterdir()} == {
        *("model.onnx", "items.json", "README.md")
    }
    assert "exists already" in said("export", "one", "--output", "made", code=1)
    assert f"{NEW} items that nobody has yet are left out" in text
    assert f"{NEW} items that nobody had are never listed" in (shop / "made/README.md").read_text()
    ids = json.loads((shop / "made/items.json").read_text())
    session = runtime.InferenceSession(str(shop / "made/model.onnx"))
    history = np.array([[ids.index("item 01"), ids.index("item 02")]])
    items, scores = session.run(None, {"history": history})
    listed = [ids[item] for item in items[0][np.isfinite(scores[0])]]
    (row,) = plain("recommend", "one", "--item", "item 01", "--item", "item 02", "--k", "33")
    assert listed == [item["item"] for item in row["items"]]
