"""Lists that Ray's workers make are those of one process, whatever happens to the workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference import recommendation
from seqrec_cli.core.inference.export import write_recommendations
from seqrec_cli.core.inference.parts import Parts
from seqrec_cli.core.inference.people import People
from seqrec_cli.core.inference.retrieval import measured_recall
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.runs.loading import catalogue_of, load_scorer, make_retriever
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.spreading import (
    ListSettings,
    Opened,
    alone,
    check_spreading,
    diverse_finder,
    list_part,
    lists_for,
    look_into,
    opened_lists,
)
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from seqrec_cli.errors import ConfigError
from tests.clusters import Cluster, command, said_by
from tests.workshop import invoke

USERS = ["recommend", "--run", "one", "--users", "many.txt", "--k", "3", "--unknown", "popular"]


def visitors(seed: int) -> People:
    """People of whom some have no history."""
    random = np.random.default_rng(seed)
    known = random.random(60) < 0.8
    histories = [random.integers(1, 10, random.integers(1, 8)).tolist() for _ in range(known.sum())]
    labels = [f"v{number}" for number in range(len(known))]
    return People(labels, Sequences.from_lists(histories), known)


def unruled(settings: dict[str, Any]) -> None:
    settings["rules"] = None


def ruled(settings: dict[str, Any]) -> None:
    settings |= {"rules": Rules.of(np.arange(9) % 4 != 0), "topk": 6}


def diverse(settings: dict[str, Any]) -> None:
    settings |= {"rules": None, "seen": "include", "diversify": 0.5}


@pytest.mark.parametrize("change", [unruled, ruled, diverse])
@pytest.mark.parametrize("size", [4, 12])
def test_files_of_parts_are_the_file_written_at_once(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, Any]], None],
    size: int,
) -> None:
    monkeypatch.setattr(recommendation, "STREAM_USERS", 4)
    settings: dict[str, Any] = {"run": place / "runs" / "one", "topk": 3, "seen": "exclude"}
    change(settings)
    asked, run = visitors(size), Run.open(settings["run"])
    scorer, rules = load_scorer(run, torch.device("cpu")), settings["rules"]
    weight = settings.get("diversify", 0.0)
    finder = diverse_finder(run, scorer, None, rules, weight, "vectors")
    found = list(lists_for(run, scorer, settings["topk"], settings["seen"], finder, rules, asked))
    pairs = zip(asked.labels, found, strict=True)
    write_recommendations(place / "whole.csv", pairs, catalogue_of(run))
    parts = Parts(place / "parts.csv", {}, asked.labels, asked.known, size)
    given = ListSettings(f"{change.__name__}{size}", **settings)
    short = []
    for start, stop in parts.missing():
        short += list_part(given, str(parts.part(start)), alone(asked, start, stop))
    parts.join()
    assert (place / "parts.csv").read_bytes() == (place / "whole.csv").read_bytes()
    few = [label for label, r in zip(asked.labels, found, strict=True) if len(r.items) < given.topk]
    assert short == few


def test_a_worker_opens_a_run_once_for_all_parts_of_a_command(place: Path) -> None:
    one, same, other = (
        ListSettings(digest, run=place / "runs" / "one", topk=k, seen="exclude", rules=None)
        for digest, k in (("a", 2), ("a", 2), ("b", 3))
    )
    assert one == same
    assert one not in (other, "a")
    assert opened_lists(one) is opened_lists(same)
    assert opened_lists(other) is not opened_lists(one)


def test_a_worker_says_what_it_found_in_the_run_and_how_much_its_index_finds(place: Path) -> None:
    pytest.importorskip("usearch")
    run = Run.open(place / "runs" / "one")
    histories = Sequences.from_lists([[1, 2], [3], [4, 5, 6]])
    settings = ListSettings(
        "hnsw", run=run.path, topk=2, seen="exclude", rules=None, index="hnsw", effort=64
    )
    found = look_into(settings, histories)
    retriever, made = make_retriever(run, load_scorer(run, torch.device("cpu")), "hnsw", 64)
    assert retriever is not None
    assert not made, "it was the worker that made it"
    recall, count = measured_recall(retriever, histories, 2, "exclude")
    items = run.manifest()["items"]
    assert (found.indexed, found.recall, found.measured) == (items, recall, count) == (9, 1.0, 3)
    exact = ListSettings("exact", run=run.path, topk=2, seen="exclude", rules=None)
    assert look_into(exact, None) == Opened([])


def test_a_worker_says_that_it_took_older_weights(place: Path) -> None:
    best = place / "runs" / "one" / "best.safetensors"
    (best.parent / "best.previous.safetensors").write_bytes(best.read_bytes())
    best.write_bytes(best.read_bytes()[:-8])
    settings = ListSettings("old", run=best.parent, topk=2, seen="exclude", rules=None)
    (note,) = look_into(settings, None).notes
    assert "best.previous.safetensors" in note


@pytest.mark.parametrize(
    ("rerank", "device", "what"),
    [("dien", "auto", "--rerank"), (None, "cuda", "--device cuda")],
)
def test_what_an_engine_does_not_do_is_refused(rerank: str | None, device: str, what: str) -> None:
    check_spreading(None, "auto")
    check_spreading(None, "cpu")
    with pytest.raises(ConfigError) as caught:
        check_spreading(rerank, device)
    assert caught.value.message == f"`--engine ray` does not do {what}"
    assert "leave out `--engine`" in caught.value.hint


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_killed_workers_change_nothing(place: Path, cluster: Cluster) -> None:
    known = [str(number) for number in range(100, 124)]
    (place / "many.txt").write_text("\n".join([*known, "nobody"] * 2400))
    assert invoke([*USERS, "--output", "one.jsonl"]).exit_code == 0
    process = command([*USERS, "--engine", "ray", "--output", "killed.jsonl"], cluster)
    assert cluster.kill(process, ("list_part",), 2)
    assert "done: recommendations for 60,000 users in `killed.jsonl`" in said_by(process)
    assert (place / "killed.jsonl").read_bytes() == (place / "one.jsonl").read_bytes()
    assert not list(place.glob(".*.parts"))


@pytest.mark.slow
def test_a_task_that_fails_leaves_one_sentence_and_no_file(place: Path, cluster: Cluster) -> None:
    best = place / "runs" / "one" / "best.safetensors"
    tensors, facts = load_tensors(best)
    save_tensors(best, {name: each * torch.nan for name, each in tensors.items()}, facts)
    (place / "many.txt").write_text("100\n")
    said = said_by(command([*USERS, "--engine", "ray", "--output", "x.csv"], cluster), 1)
    assert "the model's scores are not finite numbers" in said
    assert "Traceback" not in said
    assert not (place / "x.csv").exists()
