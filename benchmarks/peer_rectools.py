"""RecTools' SASRec with the settings of configs/sasrec.yaml: seconds of each epoch, as JSON.

Run by benchmarks/bench.py with a separate interpreter, as RecTools 0.19 needs NumPy 1: `make peers`
installs it. Reads the log (user and item a line) in the first argument.
"""

import json
import sys
import time
import warnings
from typing import Any

import pandas as pd
from pytorch_lightning import Callback, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

EPOCHS = 3


class Stopwatch(Callback):  # type: ignore[misc]
    """Records the seconds of each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, *_: Any) -> None:
        self.start = time.perf_counter()

    def on_train_epoch_end(self, *_: Any) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def main() -> None:
    """Train without the last two items of each user, as seqrec does."""
    warnings.simplefilter("ignore")
    log = pd.read_csv(sys.argv[1], sep=" ", names=[Columns.User, Columns.Item])
    log = log[log.groupby(Columns.User).cumcount(ascending=False) >= 2].copy()
    log[Columns.Weight] = 1
    log[Columns.Datetime] = pd.to_datetime(range(len(log)), unit="s")

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=EPOCHS,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Stopwatch()],
        )

    model = SASRecModel(
        n_blocks=2,
        n_heads=1,
        n_factors=50,
        dropout_rate=0.2,
        session_max_len=200,
        loss="BCE",
        n_negatives=1,
        lr=1e-3,
        batch_size=128,
        get_trainer_func=trainer,
    )
    model.fit(Dataset.construct(log))
    # RecTools trains with a copy of the trainer.
    watch = next(c for c in model.fit_trainer.callbacks if isinstance(c, Stopwatch))
    sys.stdout.write(json.dumps(watch.seconds) + "\n")


if __name__ == "__main__":
    main()
