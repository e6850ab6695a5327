"""Scores of given rows: a user or a history, and a candidate."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.batching.ranking import to_batch
from seqrec_cli.core.data.attributes import TAG
from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.encoding import encode_columns
from seqrec_cli.core.data.ranking.columns import TableColumns
from seqrec_cli.core.data.ranking.dataset import Examples
from seqrec_cli.core.data.ranking.from_table import LONGEST_HISTORY, split_list
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import evaluation_mode
from seqrec_cli.core.inference.names import Catalogue, Names, split_history
from seqrec_cli.core.inference.people import People
from seqrec_cli.core.inference.ranker import Ranker
from seqrec_cli.core.inference.reranking import Reranker
from seqrec_cli.core.inference.row_files import OpenRows, Row
from seqrec_cli.core.inference.scoring import Scored, Scorer, score_all
from seqrec_cli.errors import InputError, RunError

CHUNK_ROWS = 4096  # rows of a ranking model at a time
LOGIT, PROBABILITY = "logit", "probability"


class RowScorer(Protocol):
    """Scores rows.

    Attributes:
        columns: those that it reads.
        is_probable: whether the logits are of a probability.
    """

    columns: list[str]
    is_probable: bool

    def logits(self, rows: Sequence[Row]) -> "Logits":
        """The logit of each row."""
        ...


@dataclass(frozen=True, eq=False)
class Logits:
    """The logits of a block of rows.

    Attributes:
        values: float32 (R,), NaN where a row has none.
        reasons: why row r has none, by r.
        left_out: how many items of histories are unknown, and were left out.
        unlearned: and of how many nothing was learned.
    """

    values: NDArray[np.float32]
    reasons: dict[int, str] = field(default_factory=dict)
    left_out: int = 0
    unlearned: int = 0


@dataclass(eq=False)
class Account:
    """What happened to the rows: those without a score by reason, and items of histories that are
    unknown, or of which nothing was learned."""

    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    unlearned: int = 0


class Resolver:
    """Finds the histories and the candidates of rows among known items and people."""

    def __init__(
        self,
        columns: Sequence[str],
        catalogue: Catalogue,
        people: Any,
        unlearned: NDArray[np.bool_] | None = None,
        unread: NDArray[np.bool_] | None = None,
    ) -> None:
        """Of a file with these columns.

        Args:
            people: called for users that have no `history`.
            unlearned: bool (N,), candidates whose scores mean nothing; None: none.
            unread: bool (N + 1,), items that histories are read without; None: none.
        """
        self.reads_history = "history" in columns
        self.columns = ["history" if self.reads_history else "user", "item"]
        self.names = Names.of_items(catalogue)
        self.people: People | None = None if self.reads_history else people()
        self.places = {} if self.people is None else self.people.rows()
        self.unlearned = unlearned
        self.unread = set() if unread is None else set(np.flatnonzero(unread).tolist())

    def resolve(
        self, rows: Sequence[Row]
    ) -> tuple[NDArray[np.int64], Sequences, NDArray[np.int64], NDArray[np.int64], Logits]:
        """The rows that have both, their distinct histories, which of these each has, the
        candidate of each; and why the others have no score."""
        reasons: dict[int, str] = {}
        keys: dict[Any, int] = {}
        kept: list[int] = []
        which: list[int] = []
        items: list[int] = []
        left_out = nothing = 0
        for number, row in enumerate(rows):
            item = self.names.find_id(str(row["item"]).strip())
            key, unknown, unlearned = self.key_of(row)
            left_out += unknown
            nothing += unlearned
            if item is None:
                reasons[number] = f"unknown item `{row['item']}`"
            elif self.unlearned is not None and self.unlearned[item]:
                reasons[number] = f"nothing was learned of the item `{row['item']}`"
            elif key is None:
                history = "a known item" if not unlearned else "an item that anything is learned of"
                reasons[number] = (
                    f"history without {history}"
                    if self.reads_history
                    else f"unknown user `{row['user']}`"
                )
            else:
                kept.append(number)
                which.append(keys.setdefault(key, len(keys)))
                items.append(item + 1)
        if self.people is not None:
            histories = self.people.histories.take(np.array(list(keys), np.int64))
        else:
            histories = Sequences.from_lists(list(keys))
        values = np.full(len(rows), np.nan, np.float32)
        return (
            np.array(kept, np.int64),
            histories,
            np.array(which, np.int64),
            np.array(items, np.int64),
            Logits(values, reasons, left_out, nothing),
        )

    def key_of(self, row: Row) -> tuple[Any, int, int]:
        """The history of a row: its place among the people's, or its items; None if there is
        none; how many of its items are unknown, and of how many nothing was learned."""
        if not self.reads_history:
            return self.places.get(str(row["user"]).strip()), 0, 0
        cell = row["history"]
        if isinstance(cell, list):
            pieces = [str(piece) for piece in cell]
        elif TAG in str(cell):
            pieces = split_list(str(cell))
        else:
            pieces = split_history(self.names, str(cell))
        found = [self.names.find_id(piece) for piece in pieces]
        known = [index + 1 for index in found if index is not None]
        items = tuple(item for item in known if item not in self.unread)
        return items or None, len(found) - len(known), len(known) - len(items)


class NextItemRows:
    """Scores rows by a model that finds items: the score that `recommend` orders by."""

    is_probable = False

    def __init__(self, scorer: Scorer, resolver: Resolver) -> None:
        self.scorer = scorer
        self.resolver = resolver
        self.columns = resolver.columns

    def logits(self, rows: Sequence[Row]) -> Logits:
        """The score of each row."""
        kept, histories, which, items, result = self.resolver.resolve(rows)
        order = np.argsort(which, kind="stable")
        starts = np.searchsorted(which[order], np.arange(len(histories) + 1))

        def pick(scored: Scored) -> None:
            for place, history in enumerate(scored.rows.tolist()):
                own = order[starts[history] : starts[history + 1]]
                result.values[kept[own]] = scored.scores[place, torch.from_numpy(items[own])]

        for _ in score_all(self.scorer, histories, "include", pick):
            pass
        return result


class RankerRows:
    """Scores rows by a ranking model made of a log; users and items have the features that it
    keeps."""

    is_probable = True

    def __init__(self, ranker: Ranker, resolver: Resolver) -> None:
        self.reranker = Reranker(Nothing(), ranker, ranker.item_ids, 1)
        self.ranker = ranker
        self.resolver = resolver
        self.columns = resolver.columns
        self.users = {str(key): row for row, key in enumerate(ranker.user_ids.tolist())}

    def logits(self, rows: Sequence[Row]) -> Logits:
        """The logit of each row."""
        kept, histories, which, items, result = self.resolver.resolve(rows)
        codes, _ = self.reranker.history_codes(Sequences(histories.offsets, histories.items))
        # -1 is the row of an unknown user.
        ids = [str(rows[row].get("user", "")).strip() for row in kept.tolist()]
        users = np.array([self.users.get(key, -1) for key in ids], np.int64)
        result.values[kept] = ranked(
            self.ranker, self.reranker.examples(codes[which], users, items)
        )
        return result


class TableRows:
    """Scores rows by a ranking model made of a table of rows, which have all that it reads."""

    is_probable = True

    def __init__(self, ranker: Ranker, columns: TableColumns) -> None:
        self.ranker = ranker
        self.table = columns
        self.columns = [columns.item, columns.history, *columns.features()]

    def logits(self, rows: Sequence[Row]) -> Logits:
        """The logit of each row."""
        cells = {name: [row_text(row[name]) for row in rows] for name in self.columns}
        encoders = self.ranker.encoders
        histories = [split_list(cell) for cell in cells[self.table.history]]
        width = min(LONGEST_HISTORY, max(map(len, histories)) or 1)
        zeros = np.zeros(len(rows), np.int32)
        columns = {name: TextColumn.of(cells[name]) for name in self.table.features()}
        history = encoders.items.encode_lists(histories, width)
        examples = Examples(
            labels=zeros.astype(np.float32),
            users=zeros,
            candidates=zeros,
            items=encoders.items.encode(cells[self.table.item]),
            features=encode_columns(encoders, "row", columns, len(rows)),
            history=history,
            negatives=np.zeros_like(history),
        )
        return Logits(ranked(self.ranker, examples))


class Nothing:
    """A finder that is never asked: candidates are given."""

    def top(self, histories: Sequences, k: int, seen: Any) -> Any:
        raise AssertionError("the candidates of rows are given")


def ranked(ranker: Ranker, examples: Examples) -> NDArray[np.float32]:
    """The logits of rows, float32 (R,).

    Raises:
        RunError: one is not finite.
    """
    evaluation_mode(ranker.model)
    found = np.empty(len(examples), np.float32)
    for start in range(0, len(examples), CHUNK_ROWS):
        part = np.arange(start, min(start + CHUNK_ROWS, len(examples)))
        with torch.no_grad():
            logits = ranker.model(to_batch(examples.take(part), ranker.device))
        found[part] = logits.float().cpu().numpy()
    if not np.isfinite(found).all():
        raise RunError(
            f"the logits of `{ranker.path}` are not finite numbers",
            "its weights are broken: train again",
        )
    return found


def row_text(value: Any) -> str:
    """A value of a row as the text that a CSV file has for it."""
    if isinstance(value, list):
        return TAG.join(map(str, value))
    return "" if value is None else str(value).strip()


def scored_rows(
    rows: OpenRows, scorer: RowScorer, account: Account, *, refuse: bool
) -> Iterator[Row]:
    """The rows with their logits, and probabilities where the logits are of one.

    Args:
        account: what happened, as it happens.
        refuse: a row without a score is an error; else its score is empty.

    Raises:
        InputError: a row has no score, or lacks a column.
    """
    for first, block in rows.blocks:
        for number, row in enumerate(block):
            lacking = next((name for name in scorer.columns if name not in row), None)
            if lacking is not None:
                raise InputError(
                    f"`{rows.path}`, row {number + first}: it has no `{lacking}`",
                    "write all of them in each row",
                )
        result = scorer.logits(block)
        if result.reasons and refuse:
            number, reason = next(iter(result.reasons.items()))
            raise InputError(
                f"`{rows.path}`, line {number + first}: {reason}",
                "leave the row out, or say `--unknown empty`",
            )
        account.rows += len(block)
        account.left_out += result.left_out
        account.unlearned += result.unlearned
        account.missing.update(reason.split(" `")[0] for reason in result.reasons.values())
        for row, value in zip(block, result.values.tolist(), strict=True):
            yield row | outcome(value, scorer.is_probable)


def outcome(logit: float, is_probable: bool) -> Row:
    """The columns that a row gets."""
    there = logit == logit
    made: Row = {LOGIT: round(logit, 6) if there else None}
    if is_probable:
        made[PROBABILITY] = round(1 / (1 + float(np.exp(-logit))), 6) if there else None
    return made


def check_columns(rows: OpenRows, scorer: RowScorer) -> None:
    """Refuse a file without the columns that are read, or with those that are to be written.

    Raises:
        InputError: with the column.
    """
    listed = ", ".join(f"`{name}`" for name in rows.columns)
    for name in scorer.columns:
        if name not in rows.columns:
            raise InputError(
                f"`{rows.path}` has no column `{name}`, but {listed}",
                "rows have a `user` or a `history`, and an `item`; a run made of a table reads the "
                "columns of that table",
            )
    for name in (LOGIT, PROBABILITY):
        if name in rows.columns:
            raise InputError(
                f"`{rows.path}` has a column `{name}` already", "rename it, or leave it out"
            )
