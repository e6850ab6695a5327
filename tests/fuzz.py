"""make fuzz: strange files of every kind, and every command that reads them.

`python -m tests.fuzz [MINUTES] [SEED]` changes a file, runs a command that reads it, in this
process, and puts the file back, until the time is over. What may come of it is success, or one
message: exit code 0, 1 or 2. A traceback, a warning, or too much time or memory is a fault; each
kind is printed with the changed file, which is kept in the folder that is named.
"""

import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from tests.core.data.ranking.toy import toy_folder
from tests.hostile import BYTES, forget_peak, peak
from tests.twisted import reseal, scrambled, twisted
from tests.workshop import invoke

SECONDS = 10.0  # of computing; a training of one epoch is within
MINUTES = 30.0
EPOCH = "--device cpu --set training.epochs=1"
EXPERIMENTS = {
    "one": ("toy", "{hidden: 4, blocks: 1, heads: 1, max_length: 6}", "batch_size: 16"),
    "gru": ("toy", "{name: gru4rec, hidden: 4, max_length: 6}", "batch_size: 16"),
    "two": (
        "toyf",
        "{name: two_tower, history: {hidden: 4, max_length: 6}, output: 4, feature_size: 2}",
        "loss: softmax, batch_size: 16",
    ),
    "log": ("rank", "{name: logistic}", "batch_size: 32"),
    "mlp": ("rankf", "{name: mlp, embedding: 2, layers: [4]}", "batch_size: 32"),
    "din": ("rankf", "{name: din, embedding: 2, attention: [4], layers: [4]}", "batch_size: 32"),
    "dien": ("table", "{name: dien, embedding: 2, attention: [4], layers: [4]}", "batch_size: 32"),
}
LATER = {"last.json", "index.usearch"}  # for people; read by usearch, which SECURITY.md says


SIDES = "--items-file items.csv --users-file people.csv"
PREPARED = {
    "toy": "prepare log.csv --name toy",
    "toyf": f"prepare log.csv --name toyf {SIDES} --min-value-count 1",
    "rank": "prepare log.csv --name rank --task ranking",
    "rankf": f"prepare log.csv --name rankf --task ranking {SIDES} --min-value-count 1",
    "table": "prepare table --name table --task ranking --table table/columns.yaml",
}


def build(folder: Path) -> None:
    """Datasets of every kind and a run of every kind of model, in the working directory."""
    write_sources(folder)
    for command in PREPARED.values():
        must(command)
    for name in EXPERIMENTS:
        write_experiment(folder, name, epochs=1)
        must(f"train --config {name}.yaml --run {name} {EPOCH}")
    must("recommend --run one --user 100 --index hnsw")


def write_sources(folder: Path) -> None:
    """A log, what is known of its items and users, and files of rows."""
    chance = np.random.default_rng(0)
    rows = [
        f"{user},{1000 + chance.integers(1, 13)},{chance.integers(1, 6)},{1_600_000_000 + 60 * t}"
        for user in range(100, 160)
        for t in range(8)
    ]
    (folder / "log.csv").write_text("\n".join(["user,item,rating,time", *rows]) + "\n")
    items = [f"{1000 + i},Film {i},{1950 + i},a|b{i % 3}" for i in range(1, 13)]
    (folder / "items.csv").write_text("\n".join(["item,title,year,topics", *items]) + "\n")
    people = [f"{u},{u % 40},c{u % 3}" for u in range(100, 160)]
    (folder / "people.csv").write_text("\n".join(["user,age,city", *people]) + "\n")
    (folder / "users.txt").write_text("100\n101\n102\n")
    toy_folder(folder / "table", users=60)


def write_experiment(folder: Path, name: str, epochs: int) -> None:
    """The file NAME.yaml of one of the experiments."""
    data, model, training = EXPERIMENTS[name]
    settings = f"{{{training}, epochs: {epochs}, validate_every: 1}}"
    text = f"data: {data}\nmodel: {model}\ntraining: {settings}\n"
    if name == "two":
        text += "transitions: {lags: 2}\n"
    (folder / f"{name}.yaml").write_text(text)


def must(command: str) -> None:
    result = invoke(command.split())
    assert result.exit_code == 0, (command, result.output)


def commands_for(path: Path) -> list[str]:
    """The commands that read a file, each a line."""
    name = path.parent.name if path.parts[0] == "runs" else path.stem
    if path.parts[0] == "runs":
        data = EXPERIMENTS[name][0]
        every = [f"train --resume {name} --device cpu", f"plot {name}"]
        if name in ("one", "gru", "two"):
            return [*every, *retrieval(name), *reranking(name, "din")]
        return [*every, *ranking(name), *(reranking("one", name) if data != "table" else [])]
    of_data = {
        "toy": [*training("one"), *retrieval("one"), *reranking("one", "din"), "compare one gru"],
        "toyf": [*training("two"), *retrieval("two"), *reranking("two", "din")],
        "rank": [*training("log"), *ranking("log")],
        "rankf": [*training("din"), *training("mlp"), *ranking("din"), "evaluate din mlp"],
        "table": [*training("dien"), *ranking("dien")],
    }
    if path.parts[0] == "data":
        return of_data[name]
    of_text = {
        "log.csv": ["prepare log.csv --name n", "prepare log.csv --name n --task ranking"],
        "items.csv": [f"prepare log.csv --name n {task} {SIDES}" for task in TASKS],
        "people.csv": [f"prepare log.csv --name n {task} {SIDES}" for task in TASKS],
        "users.txt": ["recommend --run one --users users.txt --output o.csv"],
        "columns.yaml": ["prepare table --name n --task ranking --table table/columns.yaml"],
        "train.csv": ["prepare table --name n --task ranking --table table/columns.yaml"],
        "test.csv": ["prepare table --name n --task ranking --table table/columns.yaml"],
    }
    return of_text.get(path.name) or training(path.stem)


TASKS = ("", "--task ranking")


def training(name: str) -> list[str]:
    return [f"train --config {name}.yaml --run new {EPOCH}"]


def retrieval(name: str) -> list[str]:
    return [
        *(f"recommend --run {name} --user 100{more}" for more in ("", " --why", " --index hnsw")),
        f"recommend --run {name} --users users.txt --output o.jsonl",
        f"evaluate {name}",
        f"evaluate {name} --no-baselines --per-user o.csv",
        f"embed {name} --items --output o.npz",
        f"embed {name} --users --output o.npz",
    ]


def ranking(name: str) -> list[str]:
    return [f"evaluate {name}", f"evaluate {name} --no-baselines --json"]


def reranking(name: str, ranker: str) -> list[str]:
    return [
        f"recommend --run {name} --user 100 --rerank {ranker}",
        f"evaluate {name} --rerank {ranker} --candidates 8 --k 5",
    ]


@dataclass
class Fuzzer:
    """A folder built by `build`, which is the working directory, and what came of it."""

    folder: Path
    chance: random.Random
    tried: Counter[str] = field(default_factory=Counter)
    exits: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def __post_init__(self) -> None:
        self.contents = {
            path.relative_to(self.folder): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and "latest" not in path.parts
        }
        self.targets = [path for path in self.contents if path.name not in LATER]

    def one(self, path: Path) -> None:
        """Change a file, run a command that reads it, put everything back."""
        command = self.chance.choice(commands_for(path))
        text = path.suffix in (".csv", ".txt")
        content = (
            scrambled(path.read_bytes(), self.chance)
            if text
            else twisted(path, self.chance, self.folder)
        )
        path.write_bytes(content)
        if path.parts[0] == "data" and path.suffix == ".npz":
            reseal(path, Path("runs"))
        self.tried[kind_of(path)] += 1
        problem = self.problem_of(command, limited=not command.startswith("train"))
        if problem:
            self.counts[problem] += 1
            if problem not in self.faults:
                kept = Path(tempfile.mkdtemp(prefix="fuzz-")) / path.name
                kept.write_bytes(content)
                self.faults[problem] = f"`{command}` with {path}, which is now {kept}"
        self.put_back()

    def problem_of(self, command: str, *, limited: bool) -> str:
        """What is wrong with how a command ends; "" if nothing is."""
        forget_peak()
        before, start = peak(), time.process_time()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            result = invoke(command.split())
        seconds = time.process_time() - start
        self.slowest = max(self.slowest, seconds)
        self.exits[result.exit_code] += 1
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            frames = traceback.extract_tb(result.exception.__traceback__)
            ours = next((f for f in reversed(frames) if "seqrec_cli" in f.filename), frames[-1])
            what = f"{type(result.exception).__name__}: {str(result.exception)[:100]}"
            return f"{Path(ours.filename).name}:{ours.lineno} {what}"
        if result.exit_code not in (0, 1, 2):
            return f"exit code {result.exit_code}"
        if result.exit_code and "error" not in result.stderr.lower():
            return f"exit code {result.exit_code} without a message: {command.split()[0]}"
        if warned:
            return f"{Path(warned[0].filename).name}:{warned[0].lineno} {warned[0].message}"
        if limited and seconds > SECONDS:
            return f"{seconds:.0f} s: {command.split()[0]}"
        if limited and peak() - before > BYTES:
            return f"{(peak() - before) >> 20} MB: {command.split()[0]}"
        return ""

    def put_back(self) -> None:
        """Make the folder as it was."""
        for path in [*Path.cwd().rglob("*")]:
            relative = path.relative_to(self.folder)
            if path.is_file() and "latest" not in relative.parts and relative not in self.contents:
                path.unlink()
        for path, content in self.contents.items():
            if not path.is_file() or path.read_bytes() != content:
                path.unlink(missing_ok=True)
                path.write_bytes(content)
        shutil.rmtree("runs/new", ignore_errors=True)


def kind_of(path: Path) -> str:
    """What a file is, for the table of what was tried."""
    if path.parts[0] == "data":
        return f"dataset {path.stem}: {path.suffix[1:]}"
    if path.parts[0] == "runs":
        return f"run {path.parent.name}: {path.name}"
    return f"file {path.name}" if path.suffix != ".yaml" else "experiment or table yaml"


def rounds(fuzzer: Fuzzer, minutes: float) -> Iterator[int]:
    """Every file in turn, again and again, until the time is over; yields the number of inputs."""
    end, number = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        for path in fuzzer.targets:
            fuzzer.one(path)
            number += 1
            yield number
            if time.monotonic() >= end:
                break


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**31)
    console = Console(width=200)
    with tempfile.TemporaryDirectory() as name, chdir(name):
        folder = Path(name).resolve()
        build(folder)
        fuzzer = Fuzzer(folder, random.Random(seed))
        told = 0
        for number in rounds(fuzzer, minutes):
            if number % 500 == 0:
                console.print(f"{number} inputs, {len(fuzzer.faults)} kinds of faults")
            for problem in list(fuzzer.faults)[told:]:
                console.print(f"FAULT {problem}\n  {fuzzer.faults[problem]}", markup=False)
            told = len(fuzzer.faults)
    for kind, count in sorted(fuzzer.tried.items()):
        console.print(f"{count:7,}  {kind}", markup=False)
    for problem, count in fuzzer.counts.most_common():
        console.print(f"{count:7,}  FAULT {problem}: {fuzzer.faults[problem]}", markup=False)
    ends = ", ".join(f"{code}: {count:,}" for code, count in sorted(fuzzer.exits.items()))
    console.print(f"{sum(fuzzer.tried.values()):,} inputs, seed {seed}; exit codes {ends}")
    console.print(f"slowest {fuzzer.slowest:.1f} s; {len(fuzzer.faults)} kinds of faults")
    raise SystemExit(bool(fuzzer.faults))


if __name__ == "__main__":
    main()
