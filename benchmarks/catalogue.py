"""The cost of a training step by size of the catalogue, with `table_optimizer: adagrad`.

Synthetic users, BCE with one negative, d 64. Each size runs in a separate process, so that
its memory can be measured. Prints one table and writes benchmarks/results/catalogue.json.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from seqrec_cli import console
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.storage import files
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.steps import train_steps

RESULTS = Path(__file__).parent / "results"
SIZES = (3_000, 100_000, 1_000_000, 10_000_000)
USERS, LENGTH, BATCH, HIDDEN = 2_000, 100, 128, 64


def measure(num_items: int) -> dict[str, float]:
    """Median seconds of a step, and the peak memory beyond what was used before the model."""
    random = np.random.default_rng(0)
    items = random.integers(1, num_items + 1, USERS * LENGTH).astype(np.int32)
    train = Sequences(np.arange(USERS + 1, dtype=np.int64) * LENGTH, items)
    experiment = Experiment.model_validate(
        {
            "model": {"hidden": HIDDEN, "max_length": LENGTH},
            "training": {"table_optimizer": "adagrad", "table_lr": 0.05, "batch_size": BATCH},
        }
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    training = Training(experiment, num_items, torch.device("cpu"))
    batches = Batches(
        train, num_items, seed=0, batch_size=BATCH, max_length=LENGTH, num_negatives=1
    )
    times = []
    for epoch in (1, 2):
        losses = train_steps(training, batches, epoch, 0)
        for _ in range(len(batches) - 1):
            start = time.perf_counter()
            next(losses)
            times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": statistics.median(times[3:]), "memory_mb": peak / 1024}


def main() -> None:
    """Measure each size in a new process."""
    if len(sys.argv) > 1:
        console.print_text(json.dumps(measure(int(sys.argv[1]))))
        return
    found = []
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.catalogue", str(size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        table = 4 * HIDDEN * (size + 1) / 2**20
        found.append({"items": size, "table_mb": table, **json.loads(done.stdout)})
    first = found[0]["seconds"]
    console.print_table(
        ["items", "step", "of the smallest", "table", "memory", "of the table"],
        [
            [
                f"{row['items']:,}",
                f"{row['seconds'] * 1e3:.0f} ms",
                f"{row['seconds'] / first:.2f}x",
                f"{row['table_mb']:,.0f} MB",
                f"{row['memory_mb']:,.0f} MB",
                f"{row['memory_mb'] / row['table_mb']:.2f}x",
            ]
            for row in found
        ],
        left=(),
    )
    files.write_json(RESULTS / "catalogue.json", found)


if __name__ == "__main__":
    main()
