"""Datasets with several targets a user, and every position by a loop."""

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from tests.core.evaluation.tables import NUM_ITEMS

Lists = list[list[int]]


def dataset_of(train: Lists, valid: Lists, test: Lists, *, whole: bool = False) -> SequenceDataset:
    return SequenceDataset(
        "log",
        *(Sequences.from_lists(part) for part in (train, valid, test)),
        user_ids=np.arange(len(train)),
        item_ids=np.arange(1, NUM_ITEMS + 1),
        manifest={"split": {"kind": "sessions", "whole_sessions": True}} if whole else {},
    )


def whole_sessions(sessions: Lists) -> SequenceDataset:
    """The first third of the sessions is learnt from, the second validates, the third tests."""
    third = len(sessions) // 3
    cuts = (range(third), range(third, 2 * third), range(2 * third, len(sessions)))
    parts = [[s if n in cut else [] for n, s in enumerate(sessions)] for cut in cuts]
    return dataset_of(*parts, whole=True)


def positions_by_hand(data: SequenceDataset) -> list[tuple[int, list[int], int]]:
    """Each target of the test part with its user and its history."""
    assert data.test is not None
    found = []
    for user in range(data.num_users):
        done = [*data.train[user].tolist(), *data.valid[user].tolist()]
        for item in data.test[user].tolist():
            if done:
                found.append((user, list(done), item))
            done.append(item)
    return found
