"""Two stages: a retrieval model finds candidates, a ranking model orders them.

The result is the same as that of a single stage: lists with scores, best first. So evaluation and
recommendation share one path.

Shapes: B histories, C candidates, H items of a ranker's history.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.batching.ranking import to_batch
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.identity import positions
from seqrec_cli.core.data.ranking.dataset import Examples
from seqrec_cli.core.data.sequences import PAD, PARTS, Sequences
from seqrec_cli.core.devices import WorkerPool, evaluation_mode
from seqrec_cli.core.inference.ranker import Ranker
from seqrec_cli.core.inference.retrieval import Finder
from seqrec_cli.core.inference.scoring import Seen
from seqrec_cli.errors import ConfigError, RunError

CHUNK_ROWS = 4096  # candidates ranked at a time, on one core

Before = Literal["end", "valid", "test"]


def check_ranker(ranker: Ranker) -> None:
    """Refuse a ranker that has no features of users and items.

    Raises:
        RunError: the ranker was trained on rows of a table.
    """
    if not ranker.sides:
        raise RunError(
            f"the run `{ranker.path}` was trained on rows of a table, so it has no features of "
            "users and items to rank candidates by",
            "train one on rows made from a log: `seqrec prepare LOG --task ranking`",
        )


def check_candidates(candidates: int, k: int) -> None:
    """Refuse lists that are longer than the number of candidates.

    Raises:
        ConfigError: fewer than `k` candidates.
    """
    if candidates < k:
        raise ConfigError(
            f"{candidates} candidates are fewer than the {k} items of a list",
            f"use `--candidates {max(200, k)}`, or shorter lists",
        )


def check_unseen(ranker: Ranker, dataset: SequenceDataset, part: Literal["valid", "test"]) -> None:
    """Refuse a ranker that was trained on interactions of the evaluated part or of a later one.

    As for every other model, the valid part may have picked the best weights.

    Raises:
        RunError: with the number of these interactions.
    """
    users = positions(dataset.user_ids, ranker.user_ids)  # the ranker's row of each, or -1
    items = positions(dataset.item_ids, ranker.item_ids)
    stride = len(ranker.item_ids) + 1
    trained = ranker.training_pairs.astype(np.int64)
    trained_keys = trained[:, 0] * stride + trained[:, 1]
    leaked = total = 0
    for name in PARTS[PARTS.index(part) :]:
        wanted = dataset.valid if name == "valid" else dataset.test
        if wanted is None:
            continue
        user, item = users[wanted.users], items[wanted.items - 1]
        pairs = np.where((user >= 0) & (item >= 0), user * stride + item, -1)
        known = trained_keys[ranker.learned] if name == "valid" else trained_keys
        leaked += int(np.isin(pairs, known).sum())
        total += len(pairs)
    if leaked:
        raise RunError(
            f"the training of `{ranker.path}` has used {leaked:,} of the {total:,} items to "
            f"be predicted in the {part} part or after it, so its figures would mean nothing",
            "train it on rows that leave those out: `seqrec prepare LOG --task ranking --split "
            "leave-one-out`",
        )


class Reranker:
    """Orders the candidates of a retrieval model by a ranking model.

    The ranker reads a history as in its training rows: the liked items if there are ratings, else
    all of them.
    """

    def __init__(
        self,
        finder: Finder,
        ranker: Ranker,
        item_ids: NDArray[Any],
        candidates: int,
        dataset: SequenceDataset | None = None,
        before: Before = "end",
        retrieval_weight: float = 0.0,
    ) -> None:
        """Combine a finder with a ranker.

        Args:
            item_ids: the ids of the finder's items.
            dataset: ids and histories of the finder's users, up to `before`.
            retrieval_weight: adds the finder's scores: so many logits for each standard deviation
                among the candidates of a history.
        """
        check_ranker(ranker)
        self.finder = finder
        self.ranker = ranker
        self.candidates = candidates
        self.retrieval_weight = retrieval_weight
        codes = ranker.encoders.items.encode([str(key) for key in item_ids.tolist()])
        self.codes = np.concatenate((np.zeros(1, np.int32), codes))  # by item; 0 is padding
        self.items = np.concatenate((np.full(1, -1), positions(item_ids, ranker.item_ids)))
        self.users = None
        self.liked = None
        if dataset is not None:
            self.users = positions(dataset.user_ids, ranker.user_ids)
            self.liked = liked_histories(dataset, before, ranker)
        self.length = int(ranker.examples["history_length"])

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best candidates of each history and their logits, both (B, k).

        Best first, equal logits ordered by item; 0 and -inf fill a shorter list.
        """
        candidates, scores = self.finder.top(histories, max(k, self.candidates), seen)
        logits = self.rank(histories, candidates)
        if self.retrieval_weight:
            logits += np.float32(self.retrieval_weight) * standardized(scores, candidates != PAD)
        order = np.lexsort((candidates, -logits), axis=1)[:, :k]
        items = np.take_along_axis(candidates, order, axis=1)
        return items, np.take_along_axis(logits, order, axis=1)

    def rank(self, histories: Sequences, candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        """The logits of candidates (B, C), float32 (B, C); -inf for 0.

        Raises:
            RunError: a logit is not finite.
        """
        rows = np.arange(len(candidates))
        step = max(1, CHUNK_ROWS // candidates.shape[1])
        codes, users = self.history_codes(histories)
        evaluation_mode(self.ranker.model)
        logits = np.full(candidates.shape, -np.inf, np.float32)

        def work(chunk: NDArray[np.int64]) -> None:
            real = candidates[chunk] != PAD
            row, _ = real.nonzero()
            examples = self.examples(codes[chunk][row], users[chunk][row], candidates[chunk][real])
            with torch.no_grad():
                scored = self.ranker.model(to_batch(examples, self.ranker.device))
            block = np.full(real.shape, -np.inf, np.float32)
            block[real] = scored.float().cpu().numpy()
            logits[chunk] = block

        for _ in WorkerPool(self.ranker.device).map(
            work, np.split(rows, range(step, len(rows), step))
        ):
            pass
        if not np.isfinite(logits[candidates != PAD]).all():
            raise RunError(
                f"the logits of `{self.ranker.path}` are not finite numbers",
                "its weights are broken: train again",
            )
        return logits

    def history_codes(self, histories: Sequences) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ranker's codes of histories (B, H), and its rows of their users (B,)."""
        users = np.full(len(histories), -1)
        if histories.owners is not None and self.users is not None and self.liked is not None:
            users = self.users[histories.owners]
            histories = self.liked.take(histories.owners)
        count = np.minimum(histories.lengths, self.length)
        column = np.arange(self.length)
        real = column < count[:, None]
        at = (histories.offsets[1:] - count)[:, None] + np.where(real, column, 0)
        items = np.append(histories.items, np.int32(PAD))[np.minimum(at, len(histories.items))]
        return self.codes[np.where(real, items, PAD)], users

    def examples(
        self, history: NDArray[np.int32], users: NDArray[np.int64], items: NDArray[np.int64]
    ) -> Examples:
        """Rows (R,) as in the ranker's training; their labels are unknown and all 0."""
        sides = self.ranker.sides
        rows = self.items[items]
        zeros = np.zeros(len(items), np.int32)
        return Examples(
            labels=zeros.astype(np.float32),
            users=zeros,
            candidates=zeros,
            items=self.codes[items],
            # Row -1, the last, has the features of an unknown user or item.
            features=sides["user"].take(users).concatenate(sides["item"].take(rows)),
            history=history,
            negatives=np.zeros_like(history),
        )


def standardized(scores: NDArray[np.float32], real: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scores (B, C) in standard deviations from the mean of the row's real ones; 0 in padding."""
    count = np.maximum(real.sum(axis=1, keepdims=True), 1)
    values = np.where(real, scores, 0).astype(np.float64)
    values = np.where(real, values - values.sum(axis=1, keepdims=True) / count, 0)
    spread = np.sqrt(np.square(values).sum(axis=1, keepdims=True) / count)
    return np.asarray(values / np.where(spread > 0, spread, 1), np.float32)


def liked_histories(dataset: SequenceDataset, before: Before, ranker: Ranker) -> Sequences:
    """The items that each user liked before a part, by the threshold of the ranker; else all."""
    histories = dataset.histories(before)
    parts: Sequence[Any] = PARTS[: {"valid": 1, "test": 2, "end": 3}[before]]
    if not ranker.examples.get("rated") or any(part not in dataset.ratings for part in parts):
        return histories
    threshold = float(ranker.examples["positive_rating"])
    marks: dict[str, Any] = {}
    for part in PARTS:
        sequences = getattr(dataset, part)
        if sequences is not None and part in dataset.ratings:
            liked = (dataset.ratings[part] >= threshold).astype(np.int32)
            marks[part] = Sequences(sequences.offsets, liked)
    kept = replace(dataset, **marks).histories(before).items > 0
    counts = np.bincount(histories.users[kept], minlength=len(histories))
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    return Sequences(offsets, histories.items[kept], histories.features, histories.owners)
