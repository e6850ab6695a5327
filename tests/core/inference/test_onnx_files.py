"""The exported model gives the lists of the run, for other batches and lengths than it was made
with; what disagrees is not written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference import onnx_graphs
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.onnx_files import KnownUsers, write_onnx
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from seqrec_cli.core.models.sequential.two_tower import TwoTower, TwoTowerConfig
from seqrec_cli.errors import InputError, RunError
from tests.core.models.conftest import NUM_ITEMS, features, user_features
from tests.workshop import said_by_readme

pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")

SIZES: dict[str, Any] = {"hidden": 8, "max_length": 12}


def models() -> list[Any]:
    generator = torch.Generator().manual_seed(0)
    flat = SASRecConfig(**SIZES, heads=2, norm="pre", block="ligr", convolution=3, recurrent=6)
    return [
        SASRec(50, SASRecConfig(**SIZES, heads=2), generator),
        SASRec(50, flat, generator),
        GRU4Rec(50, GRU4RecConfig(**SIZES, layers=2, item_bias=True), generator),
        TwoTower(50, TwoTowerConfig(history={"name": "gru4rec", **SIZES}), generator),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("model", models(), ids=["sasrec", "ligr", "gru4rec", "two_tower"])
def test_agrees_for_every_length(
    model: Any, cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, catalogue = ModelScorer(model, 50), Catalogue(cycle.item_ids, None)
    histories = cycle.histories()
    found = write_onnx(tmp_path / "made", scorer, catalogue, histories, 7, "exclude")
    assert found.compared == 200
    assert found.difference < 1e-4
    assert found.same > 190  # the others have ties
    assert json.loads((tmp_path / "made/items.json").read_text())[1:3] == [1001, 1002]
    assert said_by_readme(tmp_path / "made", monkeypatch)["items"].shape == (1, 7)
    session = onnxruntime.InferenceSession(str(tmp_path / "made/model.onnx"))
    for count, length in ((1, 1), (3, 2), (5, 12)):
        rows = np.arange(1, count * length + 1).reshape(count, length) % 50 + 1
        items, _ = session.run(None, {"history": rows})
        assert items.shape == (count, 7)
        assert not any(set(a) & set(b) for a, b in zip(items.tolist(), rows.tolist(), strict=True))


@pytest.mark.slow
def test_users_go_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, people = features(), user_features()
    config = TwoTowerConfig(history={"name": "gru4rec", **SIZES})
    model = TwoTower(NUM_ITEMS, config, torch.Generator().manual_seed(0), told)
    lists = Sequences.from_lists([[1 + n % NUM_ITEMS, 2] for n in range(len(people))])
    owners = np.arange(len(people))
    histories = Sequences(lists.offsets, lists.items, people, owners)
    scorer = ModelScorer(model, NUM_ITEMS)
    users = KnownUsers(np.array([f"u{n}" for n in owners.tolist()]), people)
    items = Catalogue(np.arange(NUM_ITEMS), None)
    found = write_onnx(tmp_path / "made", scorer, items, histories, 0, "include", users)
    assert found.difference < 1e-4
    assert json.loads((tmp_path / "made/users.json").read_text())[:3] == [None, "u0", "u1"]
    session = onnxruntime.InferenceSession(str(tmp_path / "made/model.onnx"))
    (scores,) = session.run(None, {"history": np.array([[1, 2]]), "user": np.array([0])})
    expected = scorer.score(Sequences.from_lists([[1, 2]]))
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-5)
    assert "users.json" in (tmp_path / "made/README.md").read_text()
    assert said_by_readme(tmp_path / "made", monkeypatch)["scores"].shape == (1, NUM_ITEMS + 1)


@pytest.mark.slow
def test_what_differs_is_not_written(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, catalogue = ModelScorer(models()[0], 50), Catalogue(cycle.item_ids, None)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_text("")
    with pytest.raises(InputError, match="exists already"):
        write_onnx(tmp_path / "there", scorer, catalogue, cycle.histories(), 7, "exclude")
    monkeypatch.setattr(onnx_graphs, "TOLERANCE", -1.0)
    with pytest.raises(RunError, match="nothing was written"):
        write_onnx(tmp_path / "other", scorer, catalogue, cycle.histories(), 0, "include")
    assert not (tmp_path / "other").exists()
