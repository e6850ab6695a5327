"""Weights of another tool as a run: matched by ids, judged by the valid part, said to be theirs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.runs.importing import at_chance, ids_in_file, prepare_import, read_beside
from seqrec_cli.errors import ConfigError, InputError
from tests.core.models.sequential.test_sasrec_pytorch import ITEMS, foreign


def toy(path: Path, ids: list[int] | list[str]) -> SequenceDataset:
    """Users who walk through the items in the order of their numbers."""
    n = len(ids)
    walks = [[(u + t) % n + 1 for t in range(3 + u % 5)] for u in range(30)]
    data = SequenceDataset(
        name="toy",
        train=Sequences.from_lists([w[:-2] for w in walks]),
        valid=Sequences.from_lists([w[-2:-1] for w in walks]),
        test=Sequences.from_lists([w[-1:] for w in walks]),
        user_ids=np.arange(30),
        item_ids=np.array(ids),
    )
    data.save(path)
    return SequenceDataset.load(path)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "SASRec.epoch=601.lr=0.001.layer=2.head=2.hidden=8.maxlen=6.safetensors"
    save_file(foreign(), path)
    return path


def test_what_the_name_and_the_arguments_say(weights: Path) -> None:
    found = read_beside(weights, None, None)
    assert (found.heads, found.length, found.epoch, found.norm) == (2, 6, 601, None)
    weights.with_name("args.txt").write_text(
        "dropout_rate,0.2\nmaxlen,50\nnorm_first,True\nnum_heads,4\n"
    )
    found = read_beside(weights, None, None)
    assert (found.heads, found.length, found.norm, found.dropout) == (2, 6, "pre", 0.2)
    assert read_beside(weights, 1, "post").heads == 1
    assert read_beside(weights, 1, "post").norm == "post"
    plain = weights.with_name("weights.safetensors")
    assert read_beside(plain, None, None).heads == 4
    weights.with_name("args.txt").write_text("norm_first,False\n")
    assert read_beside(plain, None, None).norm == "post"
    weights.with_name("args.txt").write_text("num_heads,1\n")
    assert read_beside(plain, None, None).norm == "sasrec"
    weights.with_name("args.txt").unlink()
    nothing = read_beside(plain, None, None)
    assert (nothing.heads, nothing.norm, nothing.epoch, nothing.sources) == (None, None, None, [])


def test_rows_are_found_by_item_id(tmp_path: Path, weights: Path) -> None:
    ids = [7, 3, 14, 1, 9]
    data = toy(tmp_path / "toy.npz", ids)
    assert ids_in_file(data, ITEMS).tolist() == ids
    texts = toy(tmp_path / "texts.npz", [str(i) for i in ids])
    assert ids_in_file(texts, ITEMS).tolist() == ids
    found = prepare_import(weights, tmp_path / "toy.npz", None, "post")
    table = foreign()["item_emb.weight"]
    torch.testing.assert_close(found.training.model.items.weight.detach()[1:], table[ids])
    assert found.origin["imported_from"]["not_in_dataset"] == ITEMS - 5
    assert any("left out" in message for message in found.info)
    for wrong in ([1, 2, 15], ["a", "b", "1"], [0, 1, 2]):
        other = toy(tmp_path / "other.npz", wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="not among the 14"):
            ids_in_file(other, ITEMS)


def test_the_valid_part_picks_the_norm(tmp_path: Path, weights: Path) -> None:
    toy(tmp_path / "toy.npz", list(range(1, ITEMS + 1)))
    found = prepare_import(weights, tmp_path / "toy.npz", None, None)
    (said,) = [message for message in found.info if "normalized" in message]
    figures = {
        norm: prepare_import(weights, tmp_path / "toy.npz", None, norm).metrics["ndcg@10"]  # type: ignore[arg-type]
        for norm in ("post", "pre", "sasrec")
    }
    assert all(f"{value:.4f} with {norm}" in said for norm, value in figures.items())
    norm = found.training.experiment.model.norm  # type: ignore[attr-defined]
    assert figures[norm] == max(figures.values())
    assert found.metrics["ndcg@10"] == figures[norm]


def test_chance_is_said(tmp_path: Path) -> None:
    data = toy(tmp_path / "toy.npz", list(range(1, 101)))
    assert not at_chance(0.1, data)
    (note,) = at_chance(0.045, data)  # 4.54 / 100, by 1 / log2(2) + ... + 1 / log2(11)
    assert "(0.0454)" in note


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    toy(tmp_path / "toy.npz", list(range(1, ITEMS + 1)))
    path = tmp_path / "first.safetensors"
    save_file(foreign(first_versions=True), path)
    assert prepare_import(path, tmp_path / "toy.npz", None, None).training.model.padding == "zeros"
    with pytest.raises(ConfigError, match="norm: sasrec alone"):
        prepare_import(path, tmp_path / "toy.npz", None, "pre")
    with pytest.raises(ConfigError, match="heads"):
        prepare_import(path, tmp_path / "toy.npz", 3, None)
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(InputError, match=r"first\.safetensors.*no table"):
        prepare_import(path, tmp_path / "toy.npz", None, None)
