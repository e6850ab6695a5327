"""The path from histories to scores, shared by evaluation and recommendation.

Shapes: B histories, N items; column 0 of a score matrix is padding.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import FILL, pack
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.devices import Result, WorkerPool, evaluation_mode
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.models.sequential.interface import newest_states
from seqrec_cli.errors import ConfigError, RunError

Seen = Literal["exclude", "include"]

# Memory for a batch of scores, and positions of a batch of histories: enough to keep the
# arithmetic busy, few enough to stay near the caches.
SCORE_BYTES = 8 * 2**20
BATCH_SLOTS = 8_192
# But no fewer histories than this, which share one pass over the item vectors, while there is room:
# two at a time take 17 times as long for 10 times the items.
FEWEST_HISTORIES = 64
MOST_BYTES = 256 * 2**20  # of the scores of that many
# So few positions, as a service has at a time, are one block: padding costs less than calls.
FEW_SLOTS = 1_024


class Scorer(Protocol):
    """Anything that scores the whole catalogue for a history: a trained model or a baseline."""

    num_items: int
    max_length: int  # the number of items of a history that it reads
    device: torch.device

    def score(self, histories: Sequences) -> Tensor:
        """Score every id 0 to N for each history of 1 or more items, float32 (B, N + 1)."""
        ...


@dataclass
class Joined:
    """A fitted model whose scores are added to those of a network.

    Attributes:
        name: its name in the registry.
        scorer: the model.
        weight: the factor of its scores.
        picked: whether validation picks the weight.
    """

    name: str
    scorer: Scorer
    weight: float
    picked: bool = False


class ModelScorer:
    """A sequence model as a scorer: dot products of the newest item's state with all item vectors.

    The scores of the models that join it are added, each with its weight.
    """

    def __init__(
        self,
        model: Any,
        num_items: int,
        device: torch.device | None = None,
        joined: Sequence[Joined] = (),
        unread: NDArray[np.bool_] | None = None,
    ) -> None:
        """`unread`, bool (N + 1,), are items whose vectors are as training began: histories are
        read without them; None: there are none."""
        self.model = model
        self.unread = unread
        self.joined = list(joined)
        self.num_items = num_items
        self.max_length: int = max([model.max_length, *(j.scorer.max_length for j in joined)])
        self.device = device or torch.device("cpu")
        self.refresh()

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Give what joins the network other weights, by name."""
        for joined in self.joined:
            joined.weight = weights[joined.name]

    def refresh(self) -> None:
        """Forget the item vectors, after the weights have changed."""
        self.table: Tensor | None = None

    @torch.no_grad()
    def item_vectors(self) -> Tensor:
        """The item vectors, (N + 1, D); row 0 is padding."""
        if self.table is None:
            evaluation_mode(self.model)
            self.table = self.model.item_vectors().detach()
        return self.table

    @torch.no_grad()
    def history_vectors(self, histories: Sequences) -> Tensor:
        """The states of the newest items, float (B, D); 0 where there is nothing to read."""
        evaluation_mode(self.model)
        read = without_unread(histories, self.unread)
        length = min(self.model.max_length, int(read.lengths.max(initial=0)))
        one_block = self.device.type != "cpu" or len(read) * length <= FEW_SLOTS
        fill = 0.0 if one_block else FILL
        states = newest_states(self.model, pack(read, self.model.max_length, fill).to(self.device))
        if self.unread is not None:
            nothing = self.unread[read.items[read.offsets[1:] - 1]]
            states[torch.from_numpy(nothing).to(self.device)] = 0
        return states

    @torch.no_grad()
    def score(self, histories: Sequences) -> Tensor:
        """Score every id 0 to N for each history, float32 (B, N + 1)."""
        histories = without_unread(histories, self.unread)
        scores = self.score_alone(histories)
        for joined in self.joined:
            if joined.weight:
                scores.add_(joined.scorer.score(histories), alpha=joined.weight)
        return scores

    @torch.no_grad()
    def score_alone(self, histories: Sequences) -> Tensor:
        """The network's own scores, float32 (B, N + 1)."""
        return F.linear(self.history_vectors(histories), self.item_vectors()).float().cpu()


class FittedScorer:
    """A model that was fitted without gradients, which reads histories without some items."""

    def __init__(self, model: Scorer, unread: NDArray[np.bool_]) -> None:
        """`unread`, bool (N + 1,), are items of which nothing was learned."""
        self.model = model
        self.unread = unread
        self.num_items = model.num_items
        self.max_length = model.max_length
        self.device = model.device

    def score(self, histories: Sequences) -> Tensor:
        """Score every id 0 to N for each history, float32 (B, N + 1)."""
        return self.model.score(without_unread(histories, self.unread))


def without_unread(histories: Sequences, unread: NDArray[np.bool_] | None) -> Sequences:
    """Histories as they are read: without the items that are `unread` (N + 1,), except one that
    has nothing else."""
    if unread is None or not (strange := unread[histories.items]).any():
        return histories
    some = np.bincount(histories.users[~strange], minlength=len(histories)) > 0
    return histories.where(~(strange & some[histories.users]))


def require_vectors(scorer: Scorer, otherwise: str = "") -> ModelScorer:
    """The scorer, if it has vectors of histories and items; `otherwise` is what else can be done.

    Raises:
        ConfigError: it was fitted without gradients, and has none.
    """
    if not isinstance(scorer, ModelScorer):
        raise ConfigError(
            "a model that was fitted without gradients has no vectors of users and items",
            f"{otherwise}name a run of a network, such as one of configs/seqrec-small.yaml",
        )
    return scorer


def weighable(scorer: Scorer, name: str) -> ModelScorer:
    """The scorer of that name, if validation picks the weight of something that joins it.

    Raises:
        ConfigError: it does not.
    """
    if isinstance(scorer, ModelScorer) and any(joined.picked for joined in scorer.joined):
        return scorer
    raise ConfigError(
        f"`{name}` has no weights that validation picks, so there is nothing to weigh anew",
        "leave out --reweigh, or evaluate that run with its own command",
    )


@dataclass(frozen=True, eq=False)
class Scored:
    """A batch of scores.

    Attributes:
        rows: int64 (B,), the rows of these histories.
        scores: float32 (B, N + 1); -inf for padding and for excluded items.
    """

    rows: NDArray[np.int64]
    scores: Tensor


def score_all(
    scorer: Scorer,
    histories: Sequences,
    seen: Seen,
    then: Callable[[Scored], Result],
    rules: Rules | None = None,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Result]:
    """Score histories of 1 or more items in batches of similar length and bounded size.

    Args:
        seen: whether the items of the history itself may be recommended.
        then: applied to each batch of scores, on the core that computed it.
        rules: which items may be recommended, and what is subtracted from scores.
        share: (r, n): of the batches every n-th one, from the r-th on.

    Raises:
        RunError: a score is not finite.
    """
    read = np.minimum(histories.lengths, scorer.max_length)
    order = np.argsort(read, kind="stable")

    @torch.inference_mode(scorer.device.type == "cpu")  # measured there: a tenth of a short call
    def work(rows: NDArray[np.int64]) -> Result:
        batch = histories.take(rows)
        scores = finite(scorer.score(batch))
        scores[:, PAD] = -torch.inf
        if rules is not None:
            rules.apply(scores)
        if seen == "exclude":
            known = torch.from_numpy(batch.excluded.items.astype(np.int64))
            scores[torch.from_numpy(batch.excluded.users), known] = -torch.inf
        return then(Scored(rows, scores))

    batches = cut(order, read, histories_at_once(scorer.num_items))
    # On a GPU too: what joins a network, and what is done with the scores, are the CPU's.
    yield from WorkerPool(torch.device("cpu")).map(
        work, itertools.islice(batches, share[0], None, share[1])
    )


def histories_at_once(num_items: int) -> int:
    """How many histories are scored against the whole catalogue at a time."""
    row = 4 * (num_items + 1)
    return max(1, min(FEWEST_HISTORIES, MOST_BYTES // row), SCORE_BYTES // row)


def finite(scores: Tensor) -> Tensor:
    """The scores, which must be finite numbers.

    Raises:
        RunError: one is not.
    """
    if not is_finite(scores):
        raise RunError(
            "the model's scores are not finite numbers",
            "its weights are broken: train again, or use another run",
        )
    return scores


def is_finite(scores: Tensor) -> bool:
    """Whether all scores are finite numbers; looks at the largest and the smallest alone."""
    if not scores.numel():
        return True
    low, high = torch.aminmax(scores)
    return math.isfinite(low) and math.isfinite(high)


def vectors_of(scorer: ModelScorer, histories: Sequences) -> NDArray[np.float32]:
    """The vectors of histories of 1 or more items, float32 (B, D), in their order."""
    read = np.minimum(histories.lengths, scorer.max_length)
    order = np.argsort(read, kind="stable")
    vectors = np.empty((len(histories), scorer.item_vectors().shape[1]), np.float32)

    def work(rows: NDArray[np.int64]) -> None:
        vectors[rows] = scorer.history_vectors(histories.take(rows)).float().cpu().numpy()

    for _ in WorkerPool(scorer.device).map(work, cut(order, read, BATCH_SLOTS)):
        pass
    return vectors


def item_vectors(scorer: ModelScorer) -> NDArray[np.float32]:
    """The vectors of items 1 to N, float32 (N, D)."""
    return np.asarray(scorer.item_vectors()[1:].float().cpu().numpy())


def user_vectors(
    scorer: ModelScorer, dataset: SequenceDataset, before: Literal["end", "valid", "test"]
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """The ids of all users with a history before that part, and their vectors, float32 (U, D)."""
    histories = dataset.histories(before)
    users = np.flatnonzero(histories.lengths)
    return dataset.user_ids[users], vectors_of(scorer, histories.take(users))


def cut(
    order: NDArray[np.int64], lengths: NDArray[np.int64], most: int
) -> Iterator[NDArray[np.int64]]:
    """Cut rows sorted by length into batches of at most `most` rows and BATCH_SLOTS positions."""
    start = 0
    while start < len(order):
        rows = order[start : start + most]
        room = np.searchsorted(np.cumsum(lengths[rows]), BATCH_SLOTS, side="right")
        yield rows[: max(1, int(room))]
        start += max(1, min(len(rows), int(room)))
