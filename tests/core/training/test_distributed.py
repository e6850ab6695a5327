"""Several workers train as one process does: the same bytes, however many there are."""

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.training.distributed import Team, WorkerLost
from seqrec_cli.core.training.events import EpochDone, Event, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.training.small import experiment
from tests.core.training.workers import CPU, small_parts, together

__all__ = ["small_parts"]  # a fixture

SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"epochs": 2},
    "sampled rows": {"epochs": 2, "table_optimizer": "adagrad", "negatives_per": "history"},
    "softmax": {"epochs": 1, "loss": "softmax", "validate_every": "3 steps"},
}


def digest(training: Training) -> str:
    found = hashlib.sha256()
    tensors, counters = training.state()
    for name in sorted(tensors):
        found.update(tensors[name].numpy().tobytes())
    return found.hexdigest() + str(counters)


def train(team: Team, data: SequenceDataset, settings: dict[str, Any]) -> tuple[str, list[Event]]:
    training = Training(experiment(**settings), 50, CPU)
    training.team = team
    events = list(fit(training, data.without_test()))
    return digest(training), events


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", SETTINGS)
def test_workers_give_the_bytes_of_one_process(
    name: str, size: int, cycle: SequenceDataset, tmp_path: Path
) -> None:
    alone = repr(train(Team(), cycle, SETTINGS[name]))
    assert together(size, train, tmp_path, cycle, SETTINGS[name]) == [alone] * size


def loss_of(team: Team, data: SequenceDataset, settings: dict[str, Any]) -> list[float]:
    events = train(team, data, settings)[1]
    return [event.loss for event in events if isinstance(event, EpochDone | Validated)]


@pytest.mark.parametrize("name", ["adam", "sampled rows"])
def test_added_at_once_the_weights_differ_by_rounding(
    name: str, cycle: SequenceDataset, tmp_path: Path
) -> None:
    alone = loss_of(Team(), cycle, SETTINGS[name])
    found = together(2, loss_of, tmp_path, cycle, SETTINGS[name], exact=False)
    assert found[0] == found[1]
    np.testing.assert_allclose(eval_list(found[0]), alone, rtol=1e-5)


def eval_list(text: str) -> list[float]:
    return [float(each) for each in text.strip("[]").split(",")]


def check(team: Team) -> None:
    team.check_same({"version": "1", "experiment": f"lr: {team.rank}"})


def test_who_trains_something_else_is_refused(tmp_path: Path) -> None:
    for told in together(2, check, tmp_path):
        assert told.startswith("ConfigError")
        assert "worker 1 has another experiment than worker 0" in told


def stop(team: Team, data: SequenceDataset) -> int:
    training = Training(experiment(epochs=50), 50, CPU)
    training.team = team
    for number, _ in enumerate(fit(training, data.without_test()), 1):
        if team.rank == 1 and number == 4:
            team.wanted = signal.SIGTERM
        if team.stopping:
            return number
    return 0


def test_a_signal_to_one_stops_all_after_the_same_step(
    cycle: SequenceDataset, tmp_path: Path
) -> None:
    first, second = together(2, stop, tmp_path, cycle)
    assert first == second != "0"


def hang(team: Team) -> str:
    if team.rank == 1:
        time.sleep(6)
        return ""
    try:
        team.agree()
    except WorkerLost as error:
        return error.message
    return "nothing was wrong"


def test_who_waits_in_vain_says_so(tmp_path: Path) -> None:
    told = together(2, hang, tmp_path, timeout=2.0)[0]
    assert "worker 0 has waited 2 s for another, which hangs" in told


def die(team: Team) -> str:
    if team.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        team.agree()
    except WorkerLost as error:
        return error.message
    return "nothing was wrong"


def test_who_loses_another_says_so(tmp_path: Path) -> None:
    assert "worker 0 has lost another one, which has ended" in together(2, die, tmp_path)[0]


def share(team: Team) -> str:
    settings = experiment().model_copy(update={"seed": team.rank})
    training = Training(settings, 50, CPU)
    training.counters.epoch = 7 + team.rank
    tensors, counters = training.state()
    training.restore(tensors, team.share_state(tensors, counters))
    return digest(training)


def test_the_state_of_the_first_becomes_everybodys(cycle: SequenceDataset, tmp_path: Path) -> None:
    alone = Training(experiment().model_copy(update={"seed": 0}), 50, CPU)
    alone.counters.epoch = 7
    assert together(2, share, tmp_path) == [repr(digest(alone))] * 2


def test_one_process_needs_nobody() -> None:
    team = Team()
    team.agree()
    team.check_same({"a": "b"})
    assert team.stopping == 0
    assert list(team.own(3)) == [0, 1, 2]
