"""make bench: seqrec against a textbook implementation, taking turns in one run.

Reads ml-1m.txt from the folder in SEQREC_DATASETS, or else makes a log of the same size. Ratios are
of medians. Prints one table and writes benchmarks/results/bench.json.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.reference import TextbookGRU4RecTraining, TextbookTraining, textbook_ranks
from seqrec_cli import console
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.gru4rec import GRU4RecConfig
from seqrec_cli.core.storage import files
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.steps import train_steps

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
STEPS_A_TURN = 6
PEERS = ROOT / ".venv-peers"  # `make peers`


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds, medians over the repeats."""

    job: str
    ours: float
    reference: float | None
    repeats: int
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None else self.reference / self.ours


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(
    ours: Callable[[], object], reference: Callable[[], object], repeats: int, turn: int = 1
) -> tuple[float, float]:
    """Medians of two jobs that take turns, so that a busy phase of the machine affects both.

    With short jobs a turn is several of them, as they follow each other in real use.
    """
    ours(), reference()
    times: tuple[list[float], list[float]] = [], []
    for _ in range(repeats):
        for found, job in zip(times, (ours, reference), strict=True):
            found += [seconds(job) for _ in range(turn)]
    return statistics.median(times[0]), statistics.median(times[1])


def log_file(folder: Path) -> Path:
    """ml-1m.txt if it exists, or a generated log of its size."""
    real = Path(os.environ.get("SEQREC_DATASETS", "")) / "ml-1m.txt"
    if real.is_file():
        return real
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(4.6, 1.0, 6040).astype(int), 18, 2277)
    made = folder / "ml-1m.txt"
    with made.open("w") as file:
        for user, length in enumerate(lengths, 1):
            for item in random.permutation(3416)[:length]:
                file.write(f"{user} {item + 1}\n")
    return made


def steps_of(training: Training, batches: Batches) -> Callable[[], float]:
    """One call trains on the next batch, epoch after epoch; short last batches are left out."""
    full = len(batches) - 1
    losses = (
        loss
        for epoch in range(1, 999)
        for loss in itertools.islice(train_steps(training, batches, epoch, 0), full)
    )
    return lambda: next(losses)


def training_rows(data: SequenceDataset, repeats: int) -> list[Row]:
    """Epochs of training, from the medians of single steps on random batches."""
    textbook = TextbookTraining(data.train, data.num_items, 128, 200)
    order = np.random.default_rng(0)
    users = np.arange(data.num_users)
    rows = []
    losses = {
        "BCE, 1 negative": [],
        "softmax over the catalogue": ["training.loss=softmax"],
        "gBCE, 256 shared negatives": [
            "training.loss=gbce",
            "training.negatives=256",
            "training.negatives_per=history",
        ],
        "sampled softmax, 256 shared negatives": [
            "training.loss=sampled_softmax",
            "training.negatives=256",
            "training.negatives_per=history",
        ],
    }
    for name, changes in losses.items():
        experiment = load_experiment(ROOT / "configs" / "sasrec.yaml", changes)
        assert isinstance(experiment, Experiment)
        training, batches = start(experiment, data)
        ours, reference = in_turns(
            steps_of(training, batches),
            lambda: textbook.step(order.choice(users, 128, replace=False)),
            repeats,
            STEPS_A_TURN,
        )
        epoch = data.num_users / experiment.training.batch_size
        remark = "against the textbook BCE step" if changes else "from the medians of steps"
        times = repeats * STEPS_A_TURN
        rows.append(Row(f"epoch, {name}", ours * epoch, reference * epoch, times, remark))
    return rows


def start(experiment: Experiment, data: SequenceDataset) -> tuple[Training, Batches]:
    """A new training and its batches."""
    training = Training(experiment, data.num_items, torch.device("cpu"))
    settings = experiment.training
    batches = Batches(
        data.train,
        data.num_items,
        seed=0,
        batch_size=settings.batch_size,
        max_length=training.model.max_length,
        num_negatives=settings.negatives,
        negatives_per=settings.negatives_per,
        cost=training.model.cost,
    )
    return training, batches


def gru4rec_row(data: SequenceDataset, repeats: int) -> Row:
    """An epoch of configs/gru4rec.yaml; a step takes longer, so fewer make a turn."""
    experiment = load_experiment(ROOT / "configs" / "gru4rec.yaml")
    assert isinstance(experiment.model, GRU4RecConfig)
    size, lr = experiment.training.batch_size, experiment.training.lr
    textbook = TextbookGRU4RecTraining(data.train, data.num_items, experiment.model, lr)
    order, users = np.random.default_rng(0), np.arange(data.num_users)
    ours, reference = in_turns(
        steps_of(*start(experiment, data)),
        lambda: textbook.step(order.choice(users, size, replace=False)),
        repeats,
        2,
    )
    epoch, times = data.num_users / size, repeats * 2
    remark = "from the medians of steps"
    return Row("epoch, GRU4Rec, softmax", ours * epoch, reference * epoch, times, remark)


def peer_row(log: Path, ours: Row) -> Row:
    """An epoch of RecTools' SASRec with the same settings, right after ours; `make peers`."""
    command = [
        str(PEERS / "bin" / "python"),
        str(Path(__file__).with_name("peer_rectools.py")),
        str(log),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    epochs = json.loads(done.stdout.splitlines()[-1])
    peer = statistics.median(epochs)
    return Row("epoch, BCE, 1 negative", ours.ours, peer, len(epochs), "against RecTools 0.19")


def evaluation_row(data: SequenceDataset, repeats: int) -> Row:
    """Full ranking of the test part."""
    experiment = load_experiment(ROOT / "configs" / "sasrec.yaml")
    assert isinstance(experiment, Experiment)
    training = Training(experiment, data.num_items, torch.device("cpu"))
    scorer = ModelScorer(training.model, data.num_items)
    textbook = TextbookTraining(data.train, data.num_items, 128, 200).model
    histories = data.histories(before="test")
    assert data.test is not None
    targets = data.test.items
    ours, reference = in_turns(
        lambda: evaluate(scorer, data, "test"),
        lambda: textbook_ranks(textbook, histories, targets, 200),
        repeats,
    )
    return Row(f"evaluate {data.num_users:,} users, full ranking", ours, reference, repeats)


def process_rows(log: Path, folder: Path, repeats: int) -> list[Row]:
    """Whole processes: prepare, one epoch of training to have a run, recommend."""

    def run(*command: str) -> float:
        whole = [sys.executable, *command]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return seconds(
            lambda: subprocess.run(whole, check=True, capture_output=True, cwd=folder, env=env)
        )

    def median(*command: str) -> float:
        return statistics.median(run(*command) for _ in range(repeats))

    seqrec = ("-m", "seqrec_cli")
    config = str(ROOT / "configs" / "sasrec.yaml")
    prepare = (*seqrec, "prepare", str(log), "--name", "bench", "--data-dir", ".")
    start, help_time, prepared = median("-c", "pass"), median(*seqrec, "--help"), median(*prepare)
    changes = ("--data", "bench", "--data-dir", ".", "--set", "training.epochs=1")
    run(*seqrec, "train", "--config", config, *changes)
    users = folder / "users.txt"
    users.write_text("".join(f"{user}\n" for user in dict.fromkeys(first_column(log))))
    recommend = (*seqrec, "recommend", "--data-dir", ".")
    torch_time = median("-c", "import torch")
    one = median(*recommend, "--user", "42")
    beyond = "beyond import torch"
    everybody = ("--users", str(users), "--topk", "100", "--output", "out.csv")
    all_users = median(*recommend, *everybody)
    strangers = median(*recommend, "--histories", str(log), *everybody[2:])
    return [
        Row("seqrec --help", help_time, None, repeats, "whole process"),
        Row("prepare ml-1m.txt", prepared - start, None, repeats, "beyond interpreter start"),
        Row("import torch", torch_time, None, repeats, "whole process"),
        Row("recommend for one user", one - torch_time, None, repeats, beyond),
        Row("top 100 for all, as CSV", all_users - torch_time, None, repeats, beyond),
        Row("the same for a file of histories", strangers - torch_time, None, repeats, beyond),
    ]


def first_column(log: Path) -> list[str]:
    """The users of a log, line by line."""
    return [line.split()[0] for line in log.read_text().splitlines()]


def memory_of_training(data_path: Path) -> float:
    """Peak resident memory of an epoch of BCE training and a validation, in MB."""
    code = (
        "import resource, torch; from pathlib import Path\n"
        "from seqrec_cli.core.experiment.loading import load_experiment\n"
        "from seqrec_cli.core.data.dataset import SequenceDataset\n"
        "from seqrec_cli.core.training.sequential import Training, fit\n"
        f"data = SequenceDataset.load(Path({str(data_path)!r}), ('train', 'valid'))\n"
        "e = load_experiment(Path('configs/sasrec.yaml'), ['training.epochs=1'])\n"
        "list(fit(Training(e, data.num_items, torch.device('cpu')), data))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return float(done.stdout)


def machine() -> str:
    """A line about the machine."""
    a = torch.randn(2048, 2048)
    product = statistics.median(seconds(lambda: a @ a) for _ in range(7))
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch "
        f"{torch.__version__}, float32 product {2 * 2048**3 / product / 1e9:.0f} GFLOP/s"
    )


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = log_file(folder)
        rows = process_rows(log, folder, repeats)
        memory = memory_of_training(folder / "bench.npz")
        data = prepare(read_interactions(TextSource(log), Reading()), Preparation(), "bench")
        trained = training_rows(data, repeats)
        rows += trained
        rows.append(gru4rec_row(data, repeats))
        if (PEERS / ".installed").exists():
            rows.append(peer_row(log, trained[0]))
        rows.append(evaluation_row(data, repeats))
    about = machine()
    console.print_table(
        ["job", "seconds", "reference", "ratio", "repeats", "remark"],
        [
            [
                row.job,
                f"{row.ours:.2f}",
                "" if row.reference is None else f"{row.reference:.2f}",
                "" if row.ratio is None else f"{row.ratio:.1f}x",
                str(row.repeats),
                row.remark,
            ]
            for row in rows
        ],
        left=(0, 5),
    )
    console.print_text(f"peak memory of BCE training: {memory:.0f} MB")
    console.print_text(about)
    content = {
        "machine": about,
        "memory_mb": round(memory),
        "rows": [
            {
                "job": r.job,
                "seconds": r.ours,
                "reference_seconds": r.reference,
                "ratio": r.ratio,
                "remark": r.remark,
            }
            for r in rows
        ],
    }
    files.write_json(RESULTS / "bench.json", content)


if __name__ == "__main__":
    main()
