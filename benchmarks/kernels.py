"""make bench: a training step with each kernel, and with its plain twin.

Two trainings of the same experiment take turns, step by step, on the same batches in one process:
one uses the kernel, the other its twin, and both all other kernels. So a busy phase of the machine
affects both, and the ratio is the median over the pairs of steps. `saves` is the share of the
plain step that the kernel saves. Reads ml-1m.txt as bench.py does, and for DIEN ranking rows of it.
Prints one table and writes benchmarks/results/kernels.json.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from benchmarks.bench import RESULTS, ROOT, log_file, machine, seconds, start, steps_of
from seqrec_cli import console
from seqrec_cli.core.batching.ranking import Batches, Sizes, to_batch
from seqrec_cli.core.batching.sequential import Batches as SequenceBatches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.switch import plain
from seqrec_cli.core.storage import files
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.ranking import RankingTraining, train_step

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    """A kernel, and an experiment in which it matters.

    Attributes:
        items: those of the catalogue, if not those of ml-1m.
    """

    kernel: str
    label: str
    config: str
    changes: tuple[str, ...] = ()
    items: int | None = None


SOFTMAX = ("training.loss=softmax",)
SHARED = ("training.loss=sampled_softmax", "training.negatives_per=batch")
FEW, MANY = ("training.negatives=256",), ("training.negatives=2048",)
CASES = [
    Case("attention", "sasrec, BCE", "sasrec"),
    Case("attention", "seqrec", "seqrec"),
    Case("folded_head", "sasrec, BCE", "sasrec"),
    Case("folded_head", "seqrec", "seqrec"),
    Case("dropout", "sasrec, BCE", "sasrec"),
    Case("convolution", "seqrec", "seqrec"),
    Case("gru", "gru4rec", "gru4rec"),
    Case("augru", "dien", "dien"),
    Case("cross_entropy", "sasrec, softmax", "sasrec", SOFTMAX),
    Case("cross_entropy", "gru4rec", "gru4rec"),
    Case("cross_entropy", "seqrec", "seqrec"),
    Case("shared_cross_entropy", "sasrec, 256 shared", "sasrec", SHARED + FEW),
    Case(
        "shared_cross_entropy",
        "sasrec, 2,048 shared",
        "sasrec",
        SHARED + MANY,
    ),
    Case("adam", "sasrec, BCE", "sasrec"),
    Case("adam", "seqrec", "seqrec"),
    Case("adam", "sasrec, 100,000 items", "sasrec", (), 100_000),
    Case("adam", "dien", "dien"),
]
# Without a switch: these change the random numbers and their layout.
PACKING, DRAWS = "packing", "random bytes"
EVERYTHING = "all switched off"


@dataclass(frozen=True)
class KernelRow:
    """One line of the table: medians over the pairs of steps, milliseconds.

    Attributes:
        ratio: the median of plain / fast over the pairs.
        low, high: the quartiles of the same.
    """

    kernel: str
    step: str
    fast_ms: float
    plain_ms: float
    ratio: float
    low: float
    high: float
    pairs: int

    @property
    def saves(self) -> float:
        """The share of the plain step that the kernel saves."""
        return 1 - 1 / self.ratio


def measure(
    kernel: str,
    step: str,
    fast: Callable[[], object],
    slow: Callable[[], object],
    twin: Callable[[], AbstractContextManager[object]],
    pairs: int,
) -> KernelRow:
    """Time both in turns, each first equally often; `twin` switches to the twin."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs + 2):
        for which in (number % 2, 1 - number % 2):
            with twin() if which else nullcontext():
                times[which].append(seconds(slow if which else fast))
    measured = [each[2:] for each in times]  # the first two steps of each warm up
    low, ratio, high = statistics.quantiles([b / a for a, b in zip(*measured, strict=True)], n=4)
    a, b = (1000 * statistics.median(each) for each in measured)
    return KernelRow(kernel, step, a, b, ratio, low, high, pairs)


def sequential(data: SequenceDataset, case: Case) -> tuple[Training, SequenceBatches]:
    """A new training and its batches."""
    experiment = load_experiment(ROOT / "configs" / f"{case.config}.yaml", list(case.changes))
    assert isinstance(experiment, Experiment)
    if case.items is not None:
        data = replace(data, item_ids=np.arange(case.items))
    return start(experiment, data)


def ranking(data: RankingDataset, case: Case) -> Callable[[], float]:
    """A function whose calls are steps of a new training of a ranking model."""
    experiment = load_experiment(ROOT / "configs" / f"{case.config}.yaml")
    assert isinstance(experiment, RankingExperiment)
    training = RankingTraining(experiment, Sizes.of(data.encoders), CPU)
    rows, labels = to_batch(data.train, CPU), torch.from_numpy(data.train.labels.copy())
    batches = Batches(len(rows), experiment.training.batch_size, 0)

    def losses() -> Iterator[float]:
        for epoch in range(1, 999):
            for step, own in enumerate(batches.rows_of(epoch), 1):
                arguments = rows.take(own), labels[own], Noise(0, epoch, step, 0, CPU)
                work = partial(train_step, training, *arguments, 1.0, epoch, step)
                yield training.workers.alone(work)

    steps = losses()
    return lambda: next(steps)


@contextmanager
def torchs_draws() -> Iterator[None]:
    """Draw the masks of dropout by torch, one number of its generator for each element."""

    def kept(self: Noise, shape: tuple[int, ...], drop: float) -> Tensor:
        return torch.empty(shape).bernoulli_(1 - drop)

    with mock.patch.object(Noise, "kept", kept):
        yield


def rows_of(
    data: SequenceDataset, ranked: RankingDataset, pairs: int, wanted: str
) -> Iterator[KernelRow]:
    """Measure the chosen kernels, row by row."""

    def steps(case: Case) -> Callable[[], float]:
        if case.config == "dien":
            return ranking(ranked, case)
        return steps_of(*sequential(data, case))

    for case in CASES:
        if wanted in case.kernel:
            twin = partial(plain, case.kernel)
            yield measure(case.kernel, case.label, steps(case), steps(case), twin, pairs)
    for case in (Case(DRAWS, "sasrec, BCE", "sasrec"), Case(DRAWS, "seqrec", "seqrec")):
        if wanted in case.kernel:
            yield measure(DRAWS, case.label, steps(case), steps(case), torchs_draws, pairs)
    if wanted in PACKING:
        case = Case(PACKING, "sasrec, BCE", "sasrec")
        training, batches = sequential(data, case)
        batches.fill = 0.0  # one block a part
        one_block = steps_of(training, batches)
        yield measure(PACKING, case.label, steps(case), one_block, nullcontext, pairs)
    for config in ("sasrec", "seqrec", "gru4rec", "dien"):
        case = Case(EVERYTHING, config, config)
        if wanted in case.kernel:
            yield measure(EVERYTHING, config, steps(case), steps(case), plain, pairs)


def ranking_rows(log: Path, folder: Path) -> RankingDataset:
    """Ranking rows of the log: as many negatives as positives, histories of ten."""
    command = f"-m seqrec_cli prepare {log} --task ranking --split leave-one-out --rows-per-user 5"
    command += " --negatives 1 --name ranked --data-dir ."
    subprocess.run(
        [sys.executable, *command.split()],
        check=True,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return RankingDataset.load(folder / "ranked.npz", parts=["train"])


def main() -> None:
    """Measure, print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40, help="pairs of steps for a row")
    parser.add_argument("--only", default="", help="rows whose kernel has this in its name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        log = log_file(Path(name))
        data = prepare(read_interactions(TextSource(log), Reading()), Preparation(), "bench")
        ranked = ranking_rows(log, Path(name))
        rows = []
        for row in rows_of(data, ranked, options.pairs, options.only):
            rows.append(row)
            console.info(f"{row.kernel}, {row.step}: {row.ratio:.2f}x")
    about = machine()
    console.print_table(
        ["kernel", "step of", "fast ms", "plain ms", "ratio", "saves"],
        [
            [
                *(row.kernel, row.step, f"{row.fast_ms:.1f}", f"{row.plain_ms:.1f}"),
                *(f"{row.ratio:.2f}x", f"{row.saves:.1%}"),
            ]
            for row in rows
        ],
        left=(0, 1),
    )
    console.print_text(about)
    if not options.only:
        content = {"machine": about, "rows": [{**asdict(r), "saves": r.saves} for r in rows]}
        files.write_json(RESULTS / "kernels.json", content)


if __name__ == "__main__":
    main()
