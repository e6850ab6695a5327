"""Several workers train as one process does: the same bytes, however many there are."""

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching import sequential as batching
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.training import distributed
from seqrec_cli.core.training.distributed import Team, WorkerLost, leave, meet_workers
from seqrec_cli.core.training.events import EpochDone, Event, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.training.small import experiment

CPU = torch.device("cpu")
SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"epochs": 2},
    "sampled rows": {"epochs": 2, "table_optimizer": "adagrad", "negatives_per": "history"},
    "softmax": {"epochs": 1, "loss": "softmax", "validate_every": "3 steps"},
}

fork = multiprocessing.get_context("fork")


def digest(training: Training) -> str:
    found = hashlib.sha256()
    tensors, counters = training.state()
    for name in sorted(tensors):
        found.update(tensors[name].numpy().tobytes())
    return found.hexdigest() + str(counters)


def train(data: SequenceDataset, settings: dict[str, Any], team: Team) -> tuple[str, list[Event]]:
    batching.PART_TARGETS, batching.HALF_TARGETS = 100, 100  # so that a batch has four parts
    training = Training(experiment(**settings), 50, CPU)
    training.team = team
    events = list(fit(training, data.without_test()))
    return digest(training), events


def work(
    task: Callable[[Team], Any], rank: int, size: int, folder: Path, options: dict[str, Any]
) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size)}
    store = torch.distributed.FileStore(str(folder / "meet"), size)
    join_by = torch.distributed.init_process_group

    def meet(backend: str, timeout: Any) -> None:
        join_by(backend, store=store, rank=rank, world_size=size, timeout=timeout)

    distributed.dist.init_process_group = meet  # type: ignore[assignment]
    try:
        told = task(meet_workers(CPU, **options))
    except Exception as error:  # the test looks at it
        told = error
    np.save(folder / f"{rank}.npy", np.array([repr(told)]), allow_pickle=False)
    leave()


def together(size: int, task: Callable[[Team], Any], folder: Path, **options: Any) -> list[str]:
    """What `task` gives in each of `size` workers, as text."""
    folder.mkdir(exist_ok=True)
    workers = [
        fork.Process(target=work, args=(task, rank, size, folder, options)) for rank in range(size)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    for worker in workers:
        worker.kill()  # one that hangs would take a core from all tests behind it
    files = [folder / f"{rank}.npy" for rank in range(size)]
    return [str(np.load(f, allow_pickle=False)[0]) if f.exists() else "" for f in files]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PART_TARGETS", 100)
    monkeypatch.setattr(batching, "HALF_TARGETS", 100)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", SETTINGS)
def test_workers_give_the_bytes_of_one_process(
    name: str, size: int, cycle: SequenceDataset, tmp_path: Path
) -> None:
    alone = repr(train(cycle, SETTINGS[name], Team()))
    assert together(size, lambda team: train(cycle, SETTINGS[name], team), tmp_path) == (
        [alone] * size
    )


@pytest.mark.parametrize("name", ["adam", "sampled rows"])
def test_added_at_once_the_weights_differ_by_rounding(
    name: str, cycle: SequenceDataset, tmp_path: Path
) -> None:
    def loss_of(team: Team) -> list[float]:
        events = train(cycle, SETTINGS[name], team)[1]
        return [event.loss for event in events if isinstance(event, EpochDone | Validated)]

    alone = loss_of(Team())
    found = together(2, loss_of, tmp_path, exact=False)
    assert found[0] == found[1]
    np.testing.assert_allclose(eval_list(found[0]), alone, rtol=1e-5)


def eval_list(text: str) -> list[float]:
    return [float(each) for each in text.strip("[]").split(",")]


def test_who_trains_something_else_is_refused(tmp_path: Path) -> None:
    def check(team: Team) -> None:
        team.check_same({"version": "1", "experiment": f"lr: {team.rank}"})

    for told in together(2, check, tmp_path):
        assert told.startswith("ConfigError")
        assert "worker 1 has another experiment than worker 0" in told


def test_a_signal_to_one_stops_all_after_the_same_step(
    cycle: SequenceDataset, tmp_path: Path
) -> None:
    def stop(team: Team) -> int:
        training = Training(experiment(epochs=50), 50, CPU)
        training.team = team
        for number, _ in enumerate(fit(training, cycle.without_test()), 1):
            if team.rank == 1 and number == 4:
                team.wanted = signal.SIGTERM
            if team.stopping:
                return number
        return 0

    first, second = together(2, stop, tmp_path)
    assert first == second != "0"


def test_who_waits_in_vain_says_so(tmp_path: Path) -> None:
    def hang(team: Team) -> str:
        if team.rank == 1:
            time.sleep(6)
            return ""
        try:
            team.agree()
        except WorkerLost as error:
            return error.message
        return "nothing was wrong"

    assert (
        "worker 0 has waited 2 s for another, which hangs"
        in (together(2, hang, tmp_path, timeout=2.0)[0])
    )


def test_who_loses_another_says_so(tmp_path: Path) -> None:
    def die(team: Team) -> str:
        if team.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            team.agree()
        except WorkerLost as error:
            return error.message
        return "nothing was wrong"

    assert "worker 0 has lost another one, which has ended" in together(2, die, tmp_path)[0]


def test_the_state_of_the_first_becomes_everybodys(cycle: SequenceDataset, tmp_path: Path) -> None:
    def share(team: Team) -> str:
        settings = experiment().model_copy(update={"seed": team.rank})
        training = Training(settings, 50, CPU)
        training.counters.epoch = 7 + team.rank
        tensors, counters = training.state()
        training.restore(tensors, team.share_state(tensors, counters))
        return digest(training)

    alone = Training(experiment().model_copy(update={"seed": 0}), 50, CPU)
    alone.counters.epoch = 7
    assert together(2, share, tmp_path) == [repr(digest(alone))] * 2


def test_one_process_needs_nobody() -> None:
    team = Team()
    team.agree()
    team.check_same({"a": "b"})
    assert team.stopping == 0
    assert list(team.own(3)) == [0, 1, 2]
