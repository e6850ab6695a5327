"""The exported model gives the lists of the run, for other batches and lengths than it was made
with; what disagrees is not written."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.inference import onnx_files
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.onnx_files import padded_after, write_onnx
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from seqrec_cli.errors import InputError, RunError

pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.slow
def test_agrees_for_every_length(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = {"hidden": 8, "max_length": 12}
    model = SASRec(50, SASRecConfig(**sizes, heads=2), generator)
    scorer, catalogue = ModelScorer(model, 50), Catalogue(cycle.item_ids, None)
    histories = cycle.histories()
    found = write_onnx(tmp_path / "made", scorer, catalogue, histories, 7, "exclude")
    assert found.histories == 200
    assert found.difference < 1e-4
    assert json.loads((tmp_path / "made/items.json").read_text())[1:3] == [1001, 1002]
    session = onnxruntime.InferenceSession(str(tmp_path / "made/model.onnx"))
    for count, length in ((1, 1), (3, 2), (5, 12)):
        rows = np.arange(1, count * length + 1).reshape(count, length) % 50 + 1
        items, _ = session.run(None, {"history": rows})
        assert items.shape == (count, 7)
        assert not any(set(a) & set(b) for a, b in zip(items.tolist(), rows.tolist(), strict=True))
    with pytest.raises(InputError, match="exists already"):
        write_onnx(tmp_path / "made", scorer, catalogue, histories, 7, "exclude")
    monkeypatch.setattr(onnx_files, "TOLERANCE", -1.0)
    with pytest.raises(RunError, match="nothing was written"):
        write_onnx(tmp_path / "other", scorer, catalogue, histories, 0, "include")
    assert not (tmp_path / "other").exists()


def test_the_latest_items_with_padding_after_them(cycle: SequenceDataset) -> None:
    histories = cycle.histories().take(np.array([0, 1, 2]))
    rows = padded_after(histories, 6)
    for row, history in zip(rows, histories, strict=True):
        assert row[: len(history[-6:])].tolist() == history[-6:].tolist()
        assert not row[len(history[-6:]) :].any()
