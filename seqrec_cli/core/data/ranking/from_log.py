"""A log of ratings to a ranking dataset: whose next item was liked, given what they liked before.

A candidate is a rating; its history are the user's last liked items before it. Encoders learn from
the train part alone: those of a user's or an item's features from each user or item in it once.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.kinds import Encoding, Kind, choose_kinds
from seqrec_cli.core.data.features.table import texts
from seqrec_cli.core.data.interactions import Interactions
from seqrec_cli.core.data.negatives import PopularitySampler, Sampler, UniformSampler
from seqrec_cli.core.data.ordering import Rows, count_codes, to_offsets
from seqrec_cli.core.data.preparation import Preparation, compact, nothing_left, tidy
from seqrec_cli.core.data.preparation import describe as describe_origin
from seqrec_cli.core.data.ranking.dataset import Examples, RankingDataset
from seqrec_cli.core.data.ranking.encoders import Encoder, Encoders, Facts, Side, item_encoder
from seqrec_cli.core.data.ranking.from_table import check_classes, describe
from seqrec_cli.core.data.reading.attributes import Attributes
from seqrec_cli.core.data.sequences import PARTS, Part, Sequences
from seqrec_cli.core.data.splitting import TEST, TRAIN, Parts, leave_one_out
from seqrec_cli.core.randomness import Purpose, hashed
from seqrec_cli.errors import InputError

SplitKind = Literal["user", "time", "leave-one-out"]
TEST_SHARE = 0.2  # of the users, or of the rows


@dataclass(frozen=True, kw_only=True)
class ExampleOptions:
    """How rows are made of a log.

    Attributes:
        positive_rating: what is rated so or higher is liked.
        history_length: liked items before the candidate.
        rows_per_user: how many of a user's last ratings are candidates, under leave-one-out of
            the train part; 0: all.
        negatives: 0: candidates are labelled by their rating. Else every candidate is what came
            next (1), and as many items that the user does not have are candidates too (0).
        negatives_power: those are drawn by how often an item is there, to this power.
        split: some users are the test; what is late is; or each user's last rating, and the one
            before picks the weights.
    """

    positive_rating: float = 4.0
    history_length: int = 10
    rows_per_user: int = 1
    negatives: int = 0
    negatives_power: float = 0.0
    split: SplitKind = "user"
    seed: int = 0


def prepare_examples(
    interactions: Interactions, options: Preparation, name: str, chosen: ExampleOptions
) -> RankingDataset:
    """Put a log in order, filter it as for sequences, and make rows of it.

    Raises:
        InputError: nothing is left, no ratings where they are needed, or a part without rows.
    """
    origin = interactions.origin
    if interactions.ratings is None and not chosen.negatives:
        raise InputError(
            f"`{origin.path}` has no ratings, so it is not known what was liked",
            "name their column with --columns, or have what came next ranked: `--negatives 4`",
        )
    rows = Rows(
        interactions.users, interactions.items, interactions.timestamps, interactions.ratings
    )
    dropped = dict(origin.dropped)
    tidy(rows, dropped, options)
    if not len(rows):
        raise nothing_left(origin.path, origin.rows_read, dropped)
    rows.users, users = compact(rows.users, len(interactions.user_ids))
    rows.items, items = compact(rows.items, len(interactions.item_ids))
    user_ids, item_ids = interactions.user_ids[users], interactions.item_ids[items]
    log = Log.of(rows, len(user_ids), len(item_ids), chosen)
    parts, places = split_log(log, rows.times, chosen, origin.path)
    made = {part: make_rows(log, places, parts, part, chosen, dropped) for part in PARTS}
    made = {part: cells for part, cells in made.items() if len(cells.labels)}
    encoders, sides, left_out = fit_encoders(
        made["train"],
        {"user": user_ids, "item": item_ids},
        {"user": interactions.user_attributes, "item": interactions.item_attributes},
        options.encoding,
    )
    examples = {part: encode(cells, encoders, sides, item_ids) for part, cells in made.items()}
    manifest = describe(
        name,
        examples,
        encoders,
        source=describe_origin(origin),
        rows_read=origin.rows_read,
        dropped=dropped,
        split={"kind": chosen.split},
        min_count=options.encoding.min_value_count,
        examples=asdict(chosen)
        | {"rated": rows.ratings is not None, "candidates": in_words(chosen)},
        left_out=left_out,
    )
    dataset = RankingDataset(
        name=name,
        train=examples["train"],
        valid=examples.get("valid"),
        test=examples["test"],
        user_ids=user_ids,
        item_ids=item_ids,
        encoders=encoders,
        sides=sides,
        manifest=manifest,
    )
    check_classes(dataset)
    return dataset


def in_words(chosen: ExampleOptions) -> str:
    """What the candidates are."""
    count = {0: "all ratings", 1: "the last rating"}.get(
        chosen.rows_per_user, f"the last {chosen.rows_per_user} ratings"
    )
    if not chosen.negatives:
        return f"{count} of a user, and whether it was liked"
    return f"{count} of a user (1), and {chosen.negatives} items each that they do not have (0)"


@dataclass(frozen=True, eq=False)
class Log:
    """A log by user, each user's ratings in order.

    Attributes:
        sequences: everybody's items, from 1.
        liked: int64, the places in `sequences.items` of what was liked, ascending.
        labels: float32 (ratings,), 1 where the rating makes a candidate liked.
    """

    sequences: Sequences
    num_items: int
    liked: NDArray[np.int64]
    labels: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Rows, users: int, items: int, chosen: ExampleOptions) -> "Log":
        offsets = to_offsets(count_codes(rows.users, users))
        liked = np.ones(len(rows), np.bool_)
        if rows.ratings is not None:
            liked = rows.ratings >= chosen.positive_rating
        labels = np.ones(len(rows)) if chosen.negatives else liked
        sequences = Sequences(offsets, rows.items + np.int32(1))
        return cls(sequences, items, np.flatnonzero(liked), labels.astype(np.float32))

    def histories(self, places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """What was liked before each place by the same user, (P, length): the newest, then 0."""
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
    log: Log, times: NDArray[np.int64] | None, chosen: ExampleOptions, path: str
) -> tuple[Parts, NDArray[np.int64]]:
    """The part of each rating, and the places of the candidates."""
    offsets, users = log.sequences.offsets, log.sequences.users
    parts = np.full(len(users), TRAIN, np.uint8)
    from_end = offsets[1:][users] - np.arange(len(users))  # 1 for a user's last
    most = chosen.rows_per_user or len(users)
    if chosen.split == "leave-one-out":
        parts, _ = leave_one_out(offsets, 3)
        # Two less for those whose last two are other parts'.
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
            f"a split by time needs times, and `{path}` has none",
            "name their column, `--columns user=…,item=…,time=…`, or use `--split user`",
        )
    parts[times >= np.quantile(times[places], 1 - TEST_SHARE, method="higher")] = TEST
    return parts, places


@dataclass(frozen=True, eq=False)
class Cells:
    """The rows of a part before they are encoded; items from 1, 0 for none.

    Attributes:
        history, negatives: int64 (R, H).
    """

    labels: NDArray[np.float32]
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    history: NDArray[np.int64]
    negatives: NDArray[np.int64]


def make_rows(
    log: Log,
    places: NDArray[np.int64],
    parts: Parts,
    part: Part,
    chosen: ExampleOptions,
    dropped: dict[str, int],
) -> Cells:
    """The rows of a part; nothing is drawn that the user has in it or in an earlier one."""
    number = PARTS.index(part)
    places = places[parts[places] == number]
    owners = log.sequences.users[places]
    items = log.sequences.items[places].astype(np.int64)
    history = log.histories(places, chosen.history_length)
    there = parts <= number
    counts = np.bincount(log.sequences.users[there], minlength=len(log.sequences))
    known = Sequences(to_offsets(counts), log.sequences.items[there])
    uniform = UniformSampler(known, log.num_items)
    within = places - log.sequences.offsets[owners]

    def draw(sampler: Sampler, purpose: Purpose, count: int) -> NDArray[np.int64]:
        counters = within[:, None] * count + np.arange(count)
        return sampler.draw(chosen.seed, purpose, 0, owners[:, None], counters)

    others = draw(uniform, Purpose.HISTORY_NEGATIVES, chosen.history_length)
    cells = Cells(log.labels[places], owners, items, history, np.where(history > 0, others, 0))
    if not chosen.negatives:
        return cells
    sampler: Sampler = uniform
    if chosen.negatives_power:
        sampler = PopularitySampler(known, log.num_items, chosen.negatives_power)
    drawn = draw(sampler, Purpose.CANDIDATE_NEGATIVES, chosen.negatives)
    labels = np.zeros((len(places), 1 + chosen.negatives), np.float32)
    labels[:, 0] = 1
    candidates = np.concatenate((items[:, None], drawn), axis=1).ravel()
    kept = np.flatnonzero(candidates > 0)
    if len(kept) < len(candidates):
        reason = "drawn, but the user has it or there is none"
        dropped[reason] = dropped.get(reason, 0) + len(candidates) - len(kept)
    row = kept // labels.shape[1]
    return Cells(
        labels.ravel()[kept],
        owners[row],
        candidates[kept],
        cells.history[row],
        cells.negatives[row],
    )


def fit_encoders(
    train: Cells,
    ids: Mapping[Side, NDArray[Any]],
    attributes: Mapping[Side, Attributes | None],
    encoding: Encoding,
) -> tuple[Encoders, dict[Side, Facts], list[str]]:
    """Encoders that learn from the train part, what they make of every user and item, and the
    names of the columns that are left out."""
    counts = np.bincount(
        np.concatenate((train.items, train.history.ravel())), minlength=len(ids["item"]) + 1
    )[1:]
    common = np.flatnonzero(counts >= encoding.min_value_count)
    common = common[np.argsort(-counts[common], kind="stable")]
    there: dict[Side, NDArray[np.int64]] = {
        "user": np.unique(train.users),
        "item": np.flatnonzero(counts),
    }
    kinds: dict[Side, Mapping[str, Kind] | None] = {
        "user": encoding.user_kinds,
        "item": encoding.item_kinds,
    }
    columns: list[Encoder] = []
    left_out: list[str] = []
    texts_of: dict[Side, dict[str, list[str]]] = {"user": {}, "item": {}}
    for side, found in attributes.items():
        if found is None:
            if kinds[side] is not None:
                raise InputError(
                    f"there is no file with {side}s, so they have no features",
                    f"name it: `--{side}s-file FILE`",
                )
            continue
        place = {key: row for row, key in enumerate(found.ids)}
        rows = np.array([place.get(str(key), -1) for key in ids[side].tolist()], np.int64)
        fitted = rows[there[side]]
        fitted = fitted[fitted >= 0]
        if not len(fitted):
            continue  # a file of another log, that lies beside this one by chance
        taken, others = choose_kinds(found, kinds[side], fitted, encoding)
        left_out += others
        for name, kind in taken.items():
            cells = found.columns[name]
            columns.append(
                Encoder.fit(
                    name, kind, side, [cells[row] for row in fitted], encoding.min_value_count
                )
            )
            # The last is whoever is unknown.
            texts_of[side][name] = [cells[row] if row >= 0 else "" for row in rows] + [""]
    encoders = Encoders(
        item_encoder(texts([str(key) for key in ids["item"][common].tolist()])), tuple(columns)
    )
    sides = {side: Facts.encode(encoders, side, texts_of[side], len(ids[side]) + 1) for side in ids}
    return encoders, sides, left_out


def encode(
    cells: Cells, encoders: Encoders, sides: Mapping[Side, Facts], item_ids: NDArray[Any]
) -> Examples:
    """The rows of a part in codes."""
    codes = np.concatenate(
        (np.zeros(1, np.int32), encoders.items.codes([str(key) for key in item_ids.tolist()]))
    )
    items = cells.items - 1
    return Examples(
        labels=cells.labels,
        users=cells.users.astype(np.int32),
        candidates=items.astype(np.int32),
        items=codes[cells.items],
        facts=sides["user"].take(cells.users).beside(sides["item"].take(items)),
        history=codes[cells.history],
        negatives=codes[cells.negatives],
    )
