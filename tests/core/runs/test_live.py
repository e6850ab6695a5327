"""Newer weights are taken up; bad ones are not, and the run that answers goes on."""

import shutil
from pathlib import Path

import pytest
import torch

from seqrec_cli.core.inference.questions import Question
from seqrec_cli.core.runs.live import Live
from seqrec_cli.core.runs.served import Place
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from seqrec_cli.errors import RunError


def live_at(name: str) -> Live:
    return Live(Place(name, None, Path("data"), torch.device("cpu")))


def scores(live: Live) -> list[float]:
    (answer,) = live.answer([(live.now, Question("recommend", items=(1, 2), k=5))])
    return [round(score, 5) for score in answer.scores.tolist()]


def changed(run: Path, factor: float) -> None:
    """Write best weights that are other ones."""
    tensors, facts = load_tensors(run / "best.safetensors")
    scaled = {name: tensor * factor for name, tensor in tensors.items()}
    save_tensors(run / "best.safetensors", scaled, facts)


def test_a_new_best_checkpoint_is_taken_up_and_old_questions_keep_their_run(shop: Path) -> None:
    live = live_at("one")
    before, held = scores(live), live.now
    assert live.renew() is None
    changed(shop / "runs/one", 1.5)
    assert "is taken up" in str(live.renew())
    assert scores(live) != before
    question = Question("recommend", items=(1, 2), k=5)
    old, new = live.answer([(held, question), (live.now, question)])
    assert [round(score, 5) for score in old.scores.tolist()] == before
    assert [round(score, 5) for score in new.scores.tolist()] == scores(live)
    assert live.renew() is None


def test_bad_weights_are_refused_once_and_good_ones_later_taken_up(shop: Path) -> None:
    live, run = live_at("one"), shop / "runs/one"
    before, good = scores(live), (run / "best.safetensors").read_bytes()
    changed(run, float("nan"))
    with pytest.raises(RunError, match="not taken up"):
        live.renew()
    assert live.renew() is None  # said once
    assert scores(live) == before
    (run / "best.safetensors").write_bytes(good[:-9])
    with pytest.raises(RunError, match="not taken up"):
        live.renew()
    assert scores(live) == before
    (run / "best.safetensors").write_bytes(good)
    assert "is taken up" in str(live.renew())
    assert scores(live) == before


def test_latest_moves_on_to_a_new_run(shop: Path) -> None:
    live = live_at("latest")
    shutil.copytree(shop / "runs/one", shop / "runs/two")
    changed(shop / "runs/two", 2)
    assert live.renew() is None
    (shop / "runs/next").symlink_to("two")
    (shop / "runs/next").replace(shop / "runs/latest")
    assert "two is taken up" in str(live.renew())
    assert live.now.run.name == "two"
