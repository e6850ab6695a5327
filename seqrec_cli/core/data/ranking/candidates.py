"""From a log of ratings to the rows of each part: candidates with histories, not yet encoded."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.negatives import SAMPLERS, sampler_name
from seqrec_cli.core.data.ordering import Rows, count_codes, to_offsets
from seqrec_cli.core.data.sequences import PARTS, Part, Sequences
from seqrec_cli.core.data.splitting import TEST, TRAIN, Parts, leave_one_out
from seqrec_cli.core.randomness import Purpose, hashed
from seqrec_cli.errors import InputError

SplitKind = Literal["user", "time", "leave-one-out"]
TEST_SHARE = 0.2  # of the users, or of the rows


@dataclass(frozen=True, kw_only=True)
class ExampleOptions:
    """How rows are made from a log.

    Attributes:
        positive_rating: ratings at or above this are positives and form the history.
        history_length: the most liked items before the candidate.
        rows_per_user: the number of a user's last ratings that are candidates (with leave-one-out,
            of the train part); 0: all.
        negatives: 0: candidates are labelled by their ratings. N: each rating is a positive, with
            N sampled negatives.
        negatives_power: negatives are drawn in proportion to count^power.
        split: the test part is a fifth of the users, the latest ratings, or each user's last
            rating; then the one before is the valid part.
    """

    positive_rating: float = 4.0
    history_length: int = 10
    rows_per_user: int = 1
    negatives: int = 0
    negatives_power: float = 0.0
    split: SplitKind = "user"
    seed: int = 0


def describe_candidates(chosen: ExampleOptions) -> str:
    """The candidates, in words."""
    count = {0: "all ratings", 1: "the last rating"}.get(
        chosen.rows_per_user, f"the last {chosen.rows_per_user} ratings"
    )
    if not chosen.negatives:
        return f"{count} of a user, and whether it was liked"
    return f"{count} of a user (1), and {chosen.negatives} items each that they do not have (0)"


@dataclass(frozen=True, eq=False)
class LabelledLog:
    """A log by user, each user's ratings in order.

    Attributes:
        sequences: the items of each user, from 1.
        liked: int64, the positions of liked items in `sequences.items`, ascending.
        labels: float32 (ratings,), 1 for a liked candidate.
    """

    sequences: Sequences
    num_items: int
    liked: NDArray[np.int64]
    labels: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Rows, users: int, items: int, chosen: ExampleOptions) -> "LabelledLog":
        offsets = to_offsets(count_codes(rows.users, users))
        liked = np.ones(len(rows), np.bool_)
        if rows.ratings is not None:
            liked = rows.ratings >= chosen.positive_rating
        labels = np.ones(len(rows)) if chosen.negatives else liked
        sequences = Sequences(offsets, rows.items + np.int32(1))
        return cls(sequences, items, np.flatnonzero(liked), labels.astype(np.float32))

    def histories(self, places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """The latest liked items of the same user before each position, (P, length), then 0."""
        before = np.searchsorted(self.liked, places)
        begin = np.searchsorted(self.liked, self.sequences.offsets[self.sequences.users[places]])
        count = np.minimum(before - begin, length)
        column = np.arange(length)
        real = column < count[:, None]
        at = (before - count)[:, None] + np.where(real, column, 0)
        if not len(self.liked):
            return np.zeros((len(places), length), np.int64)
        items = self.sequences.items[self.liked[np.minimum(at, len(self.liked) - 1)]]
        return np.where(real, items, 0)


def split_log(
    log: LabelledLog, times: NDArray[np.int64] | None, chosen: ExampleOptions, path: str
) -> tuple[Parts, NDArray[np.int64]]:
    """The part of each rating, and the positions of the candidates."""
    offsets, users = log.sequences.offsets, log.sequences.users
    parts = np.full(len(users), TRAIN, np.uint8)
    from_end = offsets[1:][users] - np.arange(len(users))  # 1 for a user's last rating
    most = chosen.rows_per_user or len(users)
    if chosen.split == "leave-one-out":
        parts, _ = leave_one_out(offsets, 3)
        # Users of 3 or more have their last two ratings in the valid and the test part.
        held_out = 2 * (np.diff(offsets) >= 3)[users]
        return parts, np.flatnonzero((parts != TRAIN) | (from_end - held_out <= most))
    places = np.flatnonzero(from_end <= most)
    if chosen.split == "user":
        everybody = np.arange(len(offsets) - 1)
        order = np.argsort(
            hashed(chosen.seed, Purpose.TEST_USERS, 0, everybody, np.zeros(1, np.int64)),
            kind="stable",
        )
        parts[np.isin(users, order[: round(TEST_SHARE * len(order))])] = TEST
        return parts, places
    if times is None:
        raise InputError(
            f"a split by time needs timestamps, and `{path}` has none",
            "name their column, `--columns user=…,item=…,time=…`, or use `--split user`",
        )
    parts[times >= np.quantile(times[places], 1 - TEST_SHARE, method="higher")] = TEST
    return parts, places


@dataclass(frozen=True, eq=False)
class Cells:
    """The rows of a part before they are encoded; items count from 1, 0 is padding.

    Attributes:
        history, negatives: int64 (R, H).
    """

    labels: NDArray[np.float32]
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    history: NDArray[np.int64]
    negatives: NDArray[np.int64]


def make_rows(
    log: LabelledLog,
    places: NDArray[np.int64],
    parts: Parts,
    part: Part,
    chosen: ExampleOptions,
    dropped: dict[str, int],
) -> Cells:
    """The rows of a part; negatives are items that the user has neither in it nor earlier."""
    number = PARTS.index(part)
    places = places[parts[places] == number]
    owners = log.sequences.users[places]
    items = log.sequences.items[places].astype(np.int64)
    history = log.histories(places, chosen.history_length)
    visible = parts <= number
    counts = np.bincount(log.sequences.users[visible], minlength=len(log.sequences))
    known = Sequences(to_offsets(counts), log.sequences.items[visible])
    within = places - log.sequences.offsets[owners]

    def draw(name: str, power: float | None, purpose: Purpose, count: int) -> NDArray[np.int64]:
        sampler = SAMPLERS[name](known, log.num_items, power, None)
        counters = within[:, None] * count + np.arange(count)
        return sampler.draw(chosen.seed, purpose, 0, owners[:, None], counters)

    history_negatives = draw("uniform", None, Purpose.HISTORY_NEGATIVES, chosen.history_length)
    cells = Cells(
        log.labels[places], owners, items, history, np.where(history > 0, history_negatives, 0)
    )
    if not chosen.negatives:
        return cells
    power = chosen.negatives_power or None
    drawn = draw(sampler_name(None, power), power, Purpose.CANDIDATE_NEGATIVES, chosen.negatives)
    return with_negatives(cells, drawn, dropped)


def with_negatives(cells: Cells, drawn: NDArray[np.int64], dropped: dict[str, int]) -> Cells:
    """Add to each row, labelled 1, one row labelled 0 for each drawn negative (R, N) but 0."""
    candidates = np.concatenate((cells.items[:, None], drawn), axis=1)
    labels = np.zeros(candidates.shape, np.float32)
    labels[:, 0] = 1
    row, column = np.nonzero(candidates > 0)
    if len(row) < candidates.size:
        reason = "drawn, but the user has it or there is none"
        dropped[reason] = dropped.get(reason, 0) + candidates.size - len(row)
    return Cells(
        labels[row, column],
        cells.users[row],
        candidates[row, column],
        cells.history[row],
        cells.negatives[row],
    )
