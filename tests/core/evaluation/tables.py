"""Random tables of scores and random datasets."""

import numpy as np
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences

NUM_ITEMS = 15


class Table:
    """Scores that depend on the newest item alone, from a table (N + 1, N + 1)."""

    max_length = 3
    device = torch.device("cpu")

    def __init__(self, table: torch.Tensor) -> None:
        self.table = table
        self.num_items = len(table) - 1

    def score(self, histories: Sequences) -> torch.Tensor:
        newest = histories.items[histories.offsets[1:] - 1]
        return self.table[torch.from_numpy(newest.astype(np.int64))].clone()


def random_table(seed: int = 0, num_items: int = NUM_ITEMS) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_items + 1, num_items + 1, generator=generator)


def random_dataset(seed: int, repeats: bool = False, targets: int = 1) -> SequenceDataset:
    random = np.random.default_rng(seed)
    histories, valid, test = [], [], []
    for _ in range(25):
        length = int(random.integers(0, 8))
        walk = (
            random.integers(1, NUM_ITEMS + 1, length + 4)
            if repeats
            else random.permutation(NUM_ITEMS)[: length + 4] + 1
        ).tolist()
        histories.append(walk[:length])
        valid.append(walk[length : length + int(random.integers(0, 2))])
        rest = dict.fromkeys(walk[length + 1 :])  # a set of targets, each once
        test.append([i for i in rest if i not in valid[-1]][: int(random.integers(0, targets + 1))])
    return SequenceDataset(
        "random",
        *(Sequences.from_lists(part) for part in (histories, valid, test)),
        user_ids=np.arange(25),
        item_ids=np.arange(1, NUM_ITEMS + 1),
    )
