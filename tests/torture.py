"""make torture: real SIGKILLs at random moments of real commands, and what is left each time.

`python -m tests.torture [KILLS]` kills trainings half of the time (SASRec, two towers, DIN, DIEN),
and prepares of both tasks, recommendations and vectors the other half. After each kill every file
must be the old one or the new one, whole; a training that is resumed in the end must leave the same
bytes as one that nobody disturbed.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.store import RANKING, task_of
from seqrec_cli.core.runs.inputs import ROWS
from seqrec_cli.core.runs.loading import catalogue_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.core.storage.tensors import load_tensors
from tests.forked import Warm
from tests.fuzz import PREPARED, write_experiment, write_sources
from tests.workshop import LEFTOVER, build, files_in, finished

KILLS = 600
RUN = ["--run", "one", "--device", "cpu", "--set", "training.epochs=8"]
# What is trained, by its experiment: those of tests/workshop.py and of tests/fuzz.py.
TRAININGS = {"train": "toy", "train two towers": "two", "train din": "din", "train dien": "dien"}
RESUME = ["train", "--resume", "one", "--device", "cpu"]
OTHERS = {
    "prepare": (["prepare", "log.txt", "--name", "new"], "data/new.npz"),
    "prepare ranking": (
        [*PREPARED["rankf"].replace("--name rankf", "--name newr").split()],
        "data/newr.npz",
    ),
    "recommend": (
        ["recommend", "--users", "users.txt", "--run", "done", "--output", "out.csv"],
        "out.csv",
    ),
    "embed": (["embed", "done", "--users", "--output", "out.npz"], "out.npz"),
}


class Torture:
    """Commands in one folder, and who kills them."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "a"
        self.said = folder / "said"
        self.place.mkdir()
        self.warm = Warm()
        self.random = random.Random(0)
        self.tried: dict[str, int] = {}
        self.survived: dict[str, int] = {}
        build(self.place)
        (self.place / "runs" / "one").rename(self.place / "runs" / "done")
        users = (self.place / "users.txt").read_text()
        write_sources(self.place)
        (self.place / "users.txt").write_text(users)
        for name in ("toyf", "rankf", "table"):
            self.run(PREPARED[name].split())
        for name in ("two", "din", "dien"):
            write_experiment(self.place, name, epochs=2)

    def run(self, command: list[str]) -> float:
        """Run a command to its end; the seconds it took."""
        start = time.monotonic()
        child = self.warm.start(command, self.place, self.said)
        code = child.wait()
        assert code == 0, child.stderr
        return time.monotonic() - start

    def kill(self, command: list[str], seconds: float) -> bool:
        """Kill a command at a random moment within about `seconds`; whether it was in time."""
        child = self.warm.start(command, self.place, self.said)
        time.sleep(self.random.uniform(0, seconds))
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        code = child.wait()
        assert code in (0, -signal.SIGKILL), (code, child.stderr)
        return code != 0

    def note(self, what: str, problem: str) -> None:
        self.tried[what] = self.tried.get(what, 0) + 1
        self.survived[what] = self.survived.get(what, 0) + (not problem)
        if problem:
            Console(stderr=True).print(f"{what}: {problem}")

    def trainings(self, kills: int) -> Iterator[None]:
        """Kill trainings, again and again until each is done, and compare what they leave."""
        for what, config in TRAININGS.items():
            begin = ["train", "--config", f"{config}.yaml", *RUN]
            shutil.rmtree(self.place / "runs" / "one", ignore_errors=True)
            self.run(begin)
            shutil.rmtree(self.place / "runs" / "one")
            seconds = self.run(begin)
            expected = finished(self.place)
            while self.tried.get(what, 0) < kills // len(TRAININGS):
                shutil.rmtree(self.place / "runs" / "one", ignore_errors=True)
                for _ in range(self.random.randint(2, 8)):
                    if not self.kill(self.next(begin), seconds):
                        break
                    self.note(what, self.whole())
                    yield
                self.run(self.next(begin))
                same = finished(self.place) == expected
                self.note(f"{what} to the end", "" if same else "other bytes than without kills")
                self.none_left(f"{what} to the end")

    def next(self, begin: list[str]) -> list[str]:
        """How a user would go on: resume, or begin anew where nothing was kept yet."""
        run = self.place / "runs" / "one"
        if (run / "last.safetensors").exists():
            return RESUME
        shutil.rmtree(run, ignore_errors=True)
        return begin

    def whole(self) -> str:
        """What is wrong with the run, if anything is."""
        run = Run(self.place / "runs" / "one")
        try:
            for path in (run.checkpoints.best, run.checkpoints.last, run.checkpoints.previous_best):
                if path.exists():
                    load_tensors(path)
            if (run.path / "manifest.json").exists():
                run.any_experiment(), run.history.read()
                if run.task == RANKING:
                    load_arrays(run.path / ROWS)
                else:
                    catalogue_of(run)
        except Exception as error:  # whatever it is, it is to be told
            return repr(error)
        return ""

    def others(self, kills: int) -> Iterator[None]:
        """Kill commands that write one result, over an earlier one, and read what is there."""
        for name, (command, output) in OTHERS.items():
            path = self.place / output
            self.run(command)
            seconds = self.run(command)
            allowed = [self.read(path)]
            self.make_other(name, path)
            allowed.append(self.read(path))
            share = kills // len(OTHERS)
            while self.tried.get(name, 0) < share:
                if self.kill(command, seconds):
                    found = self.read(path)
                    self.note(name, "" if found in allowed else f"neither old nor new: {found!r}")
                    yield
                self.make_other(name, path)
            self.run(command)
            self.none_left(name)

    def make_other(self, name: str, path: Path) -> None:
        """Put an earlier result in the way of the next."""
        if name == "prepare":
            self.run([*OTHERS[name][0], "--shuffle-order", "history"])
        elif name == "prepare ranking":
            self.run([*OTHERS[name][0], "--seed", "1"])
        else:
            path.write_bytes(b"the old one")

    def read(self, path: Path) -> Any:
        if path.parent.name != "data":
            return path.read_bytes()
        try:
            data = (RankingDataset if task_of(path) == RANKING else SequenceDataset).load(path)
        except Exception as error:  # whatever it is, it is to be told
            return repr(error)
        return data.sha256, data.manifest

    def none_left(self, what: str) -> None:
        left = [path for path in files_in(self.place) if LEFTOVER.fullmatch(path)]
        if left:
            self.note(what, f"left behind: {left}")


def main() -> None:
    """Kill, and print how many times all was well."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    console, start = Console(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        torture = Torture(Path(folder))
        for each in (torture.trainings(kills // 2), torture.others(kills - kills // 2)):
            for number, _ in enumerate(each, 1):
                if number % 10 == 0:
                    console.print(f"{number} kills, {time.monotonic() - start:.0f} s")
        torture.warm.close()
    for what, tried in torture.tried.items():
        console.print(f"{what}: survived {torture.survived[what]} / tried {tried}")
    tried, survived = sum(torture.tried.values()), sum(torture.survived.values())
    console.print(f"survived {survived} / tried {tried}, {time.monotonic() - start:.0f} s")
    raise SystemExit(tried != survived)


if __name__ == "__main__":
    main()
