"""Agreement with a textbook implementation: metrics after the same number of epochs.

For each of several seeds both start from the same weights and see every user once an epoch, with
different negatives and dropout. Prints the metrics on the valid part after every few epochs, as
mean and standard deviation over the seeds, and writes benchmarks/results/agreement.json.
"""

import argparse
import os
import random
import statistics
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.reference import TextbookTraining, copy_weights, textbook_ranks
from seqrec_cli import console
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.storage import files
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.steps import train_steps

ROOT = Path(__file__).parent.parent


def quality(ranks: NDArray[np.int64]) -> dict[str, float]:
    """The metrics of both, from ranks that count from 0."""
    hits = ranks < 10
    gains = np.where(hits, 1 / np.log2(ranks + 2.0), 0.0)
    return {"ndcg@10": float(gains.mean()), "hr@10": float(hits.mean())}


def compare(data: SequenceDataset, seed: int, epochs: int, every: int) -> list[dict[str, object]]:
    """Train both with one seed; a row for each model every few epochs."""
    experiment = load_experiment(ROOT / "configs" / "sasrec.yaml", [f"seed={seed}"])
    assert isinstance(experiment, Experiment)
    training = Training(experiment, data.num_items, torch.device("cpu"))
    torch.manual_seed(seed)
    random.seed(seed)
    textbook = TextbookTraining(data.train, data.num_items, 128, 200)
    textbook.model.eval()
    copy_weights(training.model, textbook.model)
    textbook.model.train()
    # Our model, ranked by the same code as the textbook one.
    ours = TextbookTraining(data.train, data.num_items, 128, 200).model
    batches = Batches(
        data.train, data.num_items, seed=seed, batch_size=128, max_length=200, num_negatives=1
    )
    histories = data.histories(before="valid")
    assert data.valid is not None
    found: list[dict[str, object]] = []
    for epoch in range(1, epochs + 1):
        losses = {"ours": statistics.mean(train_steps(training, batches, epoch, 0))}
        order = np.random.default_rng([seed, epoch]).permutation(batches.users)
        cuts = range(128, len(order), 128)
        losses["textbook"] = statistics.mean(map(textbook.step, np.split(order, list(cuts))))
        if epoch % every == 0:
            copy_weights(training.model, ours)
            for name, model in (("ours", ours), ("textbook", textbook.model)):
                ranks = textbook_ranks(model, histories, data.valid.items, 200)
                line = {"seed": seed, "epoch": epoch, "who": name, "loss": losses[name]}
                found.append(line | quality(ranks))
                console.print_text(str(found[-1]))
    return found


def main() -> None:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--every", type=int, default=10)
    options = parser.parse_args()
    log = Path(os.environ["SEQREC_DATASETS"]) / "ml-1m.txt"
    data = prepare(read_interactions(TextSource(log), Reading()), Preparation(), "ml-1m")
    lines = [
        line
        for seed in range(options.seeds)
        for line in compare(data, seed, options.epochs, options.every)
    ]
    rows = []
    for epoch in range(options.every, options.epochs + 1, options.every):
        for name in ("textbook", "ours"):
            row = [str(epoch), name]
            for key in ("loss", "ndcg@10", "hr@10"):
                values = [
                    float(str(line[key]))
                    for line in lines
                    if (line["epoch"], line["who"]) == (epoch, name)
                ]
                spread = statistics.stdev(values) if len(values) > 1 else 0.0
                row.append(f"{statistics.mean(values):.4f} ± {spread:.4f}")
            rows.append(row)
    console.print_table(["epoch", "who", "loss", "NDCG@10", "HR@10"], rows, left=(1,))
    files.write_json(ROOT / "benchmarks" / "results" / "agreement.json", lines)


if __name__ == "__main__":
    main()
