"""seqrec import: the run is one like any other."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.run import Run
from tests.core.models.sequential.test_sasrec_pytorch import ITEMS, foreign
from tests.core.models.sequential.windows import windowed_states
from tests.core.runs.test_importing import toy
from tests.shop import invoke, plain, said

FILE = "SASRec.epoch=5.head=1.maxlen=7.safetensors"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    toy(tmp_path / "data/toy.npz", list(range(1, ITEMS + 1)))
    save_file(foreign(), tmp_path / FILE)
    return tmp_path


def test_the_run_is_one_like_any_other(folder: Path) -> None:
    text = said("import", "sasrec.pytorch", FILE, "--data", "toy")
    assert "seqrec evaluate runs/toy-sasrec-1" in text
    assert "taken as" in text
    run = Run(Path("runs/toy-sasrec-1"))
    assert run.manifest()["imported_from"]["file"] == FILE
    assert run.experiment().model.padding == "states"  # type: ignore[union-attr]
    found = plain("evaluate", "latest", "--protocol", "sampled", "--split", "valid")
    figures = found["figures"]["toy-sasrec-1"]
    assert 0 < figures["ndcg@10 (sampled 100)"]["mean"] <= 1
    lists = plain("recommend", "latest", "--user", "3", "--topk", "4")
    assert len(lists[0]["items"]) == 4
    assert "finished" in invoke("list").stdout
    assert "exists already" in said(
        "import", "sasrec.pytorch", FILE, "--data", "toy", "--run", "toy-sasrec-1", code=1
    )


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_figures_are_those_of_its_own_forward_pass(folder: Path, norm: str) -> None:
    said("import", "sasrec.pytorch", FILE, "--data", "toy", "--norm", norm, "--run", norm)
    found = plain("evaluate", norm, "--no-baselines")["figures"][norm]
    data = SequenceDataset.load(Path("data/toy.npz"))
    weights = {name: tensor.double().numpy() for name, tensor in foreign().items()}
    gains = []
    for history, target in zip(data.histories("test"), data.targets("test"), strict=True):
        if not len(target):
            continue
        latest = history[-7:]  # maxlen
        window = np.concatenate((np.zeros(7 - len(latest), np.int64), latest))
        state = windowed_states(weights, window[None], norm, 1, masked_rows=False)[0, -1]
        scores = weights["item_emb.weight"] @ state
        rivals = np.setdiff1d(np.arange(1, ITEMS + 1), [*history, target[0]])
        rank = int((scores[rivals] > scores[target[0]]).sum())
        gains.append(1 / np.log2(rank + 2) if rank < 10 else 0.0)
    assert found["ndcg@10"]["mean"] == pytest.approx(np.mean(gains), abs=1e-6)


def test_training_goes_on_from_it(folder: Path) -> None:
    said("import", "sasrec.pytorch", FILE, "--data", "toy", "--norm", "post", "--run", "theirs")
    said("train", "--from", "theirs", "--data", "toy", "--epochs", "1", "--device", "cpu")
    assert Run(Path("runs/toy-sasrec-1")).experiment().model.padding == "states"  # type: ignore[union-attr]


def test_what_torch_saved_gives_the_same_run(folder: Path) -> None:
    torch.save(foreign(), FILE.replace("safetensors", "pth"))
    for name, file in (("one", FILE), ("two", FILE.replace("safetensors", "pth"))):
        said("import", "sasrec.pytorch", file, "--data", "toy", "--norm", "pre", "--run", name)
    one, two = (Path("runs", name, "best.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_says_what_is_missing(folder: Path) -> None:
    assert "--data" in said("import", "sasrec.pytorch", FILE, code=2)
    Path("other.safetensors").write_bytes(b"nothing")
    text = said("import", "sasrec.pytorch", "other.safetensors", "--data", "toy", code=1)
    assert "does not hold weights" in text
    assert not Path("runs").exists()
