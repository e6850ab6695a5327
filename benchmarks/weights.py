"""The time to pick the weights of what joins a network, beside ranking once for each combination.

    python -m benchmarks.weights RUN DATASET [--users 6000]

Both score the same users of the valid part, on one core, and must agree on all ranks among the
first 10. Prints the seconds of either, and of scoring alone, which both contain.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation import weighing
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.inference.scoring import ModelScorer, score_all
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run

K = 10
Result = TypeVar("Result")


def timed(name: str, work: Callable[[], Result]) -> Result:
    """What `work` gives; prints the seconds it takes."""
    start = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - start
    print(f"{name:24}{seconds:8.2f} s")  # noqa: T201
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--users", type=int, default=6000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = SequenceDataset.load(options.dataset, parts=("train", "valid"))
    scorer = load_scorer(Run.open(options.run), torch.device("cpu"), False)
    if not isinstance(scorer, ModelScorer) or not scorer.joined:
        parser.error("nothing joins a network in this run")
    for joined in scorer.joined:
        joined.picked = True
    asked = queries(data, "valid", options.users, 0)
    alone, tries = weighing.Alone(scorer), weighing.combinations_of(scorer)
    changed = weighing.joined_sums(scorer, asked, tries)
    timed("scoring", lambda: list(score_all(scorer, asked.histories, "exclude", lambda _: None)))
    first = timed("first ranks", lambda: weighing.first_ranks(scorer, asked, "exclude", K, (0, 1)))
    whole = timed(
        "all ranks",
        lambda: weighing.ranks_of_variants(alone, asked, "exclude", len(tries), changed),
    )
    agree = bool((np.minimum(first, K) == np.minimum(whole, K)).all())
    tried = f"{len(tries)} combinations, {len(asked.users):,} users"
    print(f"{tried}; the ranks agree: {agree}")  # noqa: T201


if __name__ == "__main__":
    main()
