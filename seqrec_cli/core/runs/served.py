"""A run, loaded to answer questions: its items, its people and its rules, looked up by id."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.data.store import NEXT_ITEM
from seqrec_cli.core.inference.names import Names, find_one
from seqrec_cli.core.inference.people import People
from seqrec_cli.core.inference.questions import Answerer, Question
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import ModelScorer, Seen
from seqrec_cli.core.inference.similar import Cosine
from seqrec_cli.core.runs.directory import MANIFEST
from seqrec_cli.core.runs.histories import everybody_of, histories_for
from seqrec_cli.core.runs.learned import nothing_learned, unlearned, unread
from seqrec_cli.core.runs.loading import agreed_seen, catalogue_of, load_scorer, newest_of
from seqrec_cli.core.runs.ruling import Wanted, make_rules
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import ConfigError, DatasetError, InputError, RunError
from seqrec_cli.wording import typed

DATA_DIR = Path("data")  # where datasets are, unless one says
RULES_KEPT = 128  # sets of rules whose items are kept: bool (N,) each
Rule = str | tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where the served run and its dataset are.

    Attributes:
        name: the run as the user calls it; `latest` moves on.
        data: the dataset as the user names it; None: the one that the run names.
    """

    name: str
    data: str | None
    data_dir: Path
    device: torch.device

    def typed(self) -> str:
        """The command that serves it, as it can be pasted into a shell."""
        words: list[object] = ["seqrec", "serve", self.name]
        words += [] if self.data is None else ["--data", self.data]
        words += [] if self.data_dir == DATA_DIR else ["--data-dir", self.data_dir]
        return typed(*words)


class Served:
    """A run, loaded.

    Attributes:
        run: the run.
        mark: its files as they were when they were read.
        catalogue: ids and titles.
        seen: whether seen items may be recommended, where a question does not say.
        people: those whose histories are known; None where the dataset is gone.
        notes: what the operator should know.
    """

    def __init__(
        self,
        run: Run,
        mark: tuple[Any, ...],
        answerer: Answerer,
        people: People | None,
        notes: list[str],
    ) -> None:
        self.run = run
        self.mark = mark
        self.answerer = answerer
        self.people = people
        self.notes = notes
        self.catalogue = catalogue_of(run)
        self.seen: Seen = agreed_seen([run], None)
        ids = [str(key) for key in self.catalogue.item_ids.tolist()]
        self.by_id = {key: number for number, key in enumerate(ids, 1)}
        self.by_user = {} if people is None else people.rows()
        self.names = Names.of_items(self.catalogue)
        self.unlearned = set((np.flatnonzero(unlearned(run)) + 1).tolist())
        never = unread(run)
        self.unread = set() if never is None else set(np.flatnonzero(never).tolist())
        self.kept_rules: OrderedDict[bytes, Rules | None] = OrderedDict()
        self.lock = threading.Lock()

    @classmethod
    def load(cls, place: Place) -> "Served":
        """The run that the place names now, with its people.

        Raises:
            SeqRecError: it cannot be read, or its scores are not finite.
        """
        path = newest_of(NEXT_ITEM, place.name)
        mark = mark_of(path)
        run = Run.open(path)
        scorer = load_scorer(run, place.device)
        similar = Cosine(scorer) if isinstance(scorer, ModelScorer) else None
        people, notes = people_for(run, place)
        histories = Sequences.from_lists([]) if people is None else people.histories
        answerer = Answerer(scorer, similar, histories)
        try_out(answerer)
        return cls(run, mark, answerer, people, [*run.notes, *notes])

    def item(self, text: str, *, learned: bool = False) -> int:
        """The number of the item with this id or title.

        Raises:
            InputError: there is none, several have the title, or nothing was learned of it.
        """
        number = self.by_id.get(text)
        if number is None:
            index = find_one(self.names, text) if self.names.titles is not None else None
            if index is None:
                raise InputError(f"there is no item `{brief(text)}` in the catalogue")
            number = index + 1
        if learned and (number in self.unlearned or number in self.unread):
            raise nothing_learned(brief(text))
        return number

    def scored(self, text: str) -> int | None:
        """The number of an item by its id; None if there is none, or its scores mean nothing."""
        number = self.by_id.get(text)
        return None if number in self.unlearned else number

    def history(self, texts: Sequence[str]) -> tuple[tuple[int, ...], list[str]]:
        """The numbers of the items of a history, and those that are unknown.

        Raises:
            InputError: none is known, nothing was learned of any, or a title is of several.
        """
        numbers: list[int] = []
        unknown: list[str] = []
        for text in texts:
            number = self.by_id.get(text)
            if number is None and self.names.titles is not None:
                index = find_one(self.names, text)
                number = None if index is None else index + 1
            if number is None:
                unknown.append(text)
            else:
                numbers.append(number)
        if not numbers:
            first = f": `{brief(unknown[0])}` is not" if unknown else ""
            raise InputError(f"no item of the history is in the catalogue{first}")
        if self.unread.issuperset(numbers):
            raise nothing_learned(str(self.catalogue.item_ids[numbers[0] - 1]))
        return tuple(numbers), unknown

    def left_out(self, history: NDArray[np.int32]) -> list[str]:
        """The items of a history that the model read it without, as nothing was learned of them."""
        if not self.unread:
            return []
        ids = self.catalogue.item_ids
        return [str(ids[number - 1]) for number in history.tolist() if number in self.unread]

    def person(self, user: str) -> int:
        """The row of a user.

        Raises:
            InputError: the user is unknown, or none is known.
        """
        if self.people is None:
            raise InputError("no users are known here, as the run's dataset is not: send a history")
        row = self.by_user.get(user)
        if row is None:
            raise InputError(f"there is no user `{brief(user)}` with a history: send a history")
        return row

    def rules(self, only: Sequence[Rule], exclude: Sequence[Rule]) -> Rules | None:
        """The rules over the items; ids to exclude that the catalogue does not have are no error.

        Raises:
            InputError, ConfigError: a rule cannot be read, or leaves nothing.
        """
        key = digest_of(only, exclude)
        with self.lock:
            if key in self.kept_rules:
                self.kept_rules.move_to_end(key)
                return self.kept_rules[key]
        left = [rule for rule in exclude if isinstance(rule, str) or self.by_id.keys() & set(rule)]
        rules = make_rules(self.run, Wanted(only=only, exclude=left, files=False)).rules
        with self.lock:
            self.kept_rules[key] = rules
            while len(self.kept_rules) > RULES_KEPT:
                self.kept_rules.popitem(last=False)
        return rules

    def titles(self, text: str, most: int) -> list[int]:
        """Items whose title, or id, has this text in it, the most frequent first."""
        wanted = text.strip().casefold()
        if not wanted:
            return []
        texts = self.searchable
        found = [number for number, title in enumerate(texts, 1) if wanted in title]
        counts = self.catalogue.counts
        if counts is not None:
            found.sort(key=lambda number: -int(counts[number - 1]))
        return found[:most]

    @cached_property
    def searchable(self) -> list[str]:
        """Titles, or ids where there are none, in lower case."""
        texts: NDArray[Any] = self.catalogue.item_ids
        if self.catalogue.titles is not None:
            texts = self.catalogue.titles
        return [str(text).casefold() for text in texts.tolist()]


def digest_of(only: Sequence[Rule], exclude: Sequence[Rule]) -> bytes:
    """A digest of rules: the rules themselves may be lists of ids as long as a request."""
    if not only and not exclude:
        return b""  # as of most questions
    return hashlib.sha256(json.dumps([only, exclude]).encode()).digest()


def mark_of(path: Path) -> tuple[Any, ...]:
    """What changes when the weights in a run's folder do."""
    mark: list[Any] = [str(path.resolve())]
    for name in (MANIFEST, "best.safetensors", "final.safetensors"):
        try:
            found = (path / name).stat()
            mark.append((found.st_mtime_ns, found.st_size, found.st_ino))
        except OSError:
            mark.append(None)
    return tuple(mark)


def people_for(run: Run, place: Place) -> tuple[People | None, list[str]]:
    """The users of the dataset with their histories; None and a note where it cannot be used.

    Raises:
        ConfigError, DatasetError, RunError: a dataset that was named cannot be used.
    """
    try:
        dataset = SequenceDataset.load(run.find_data(place.data, place.data_dir))
        if dataset.sha256 == run.manifest()["data_sha256"]:
            people = everybody_of(run, dataset)
            return people, people.notes
        everybody = [str(user) for user in dataset.user_ids.tolist()]
        people = histories_for(run, dataset, everybody, "end")
        return people, people.notes
    except (ConfigError, DatasetError, RunError) as error:
        if place.data is not None:
            raise
        return None, [f"no users are known, only histories: {error.message}"]


def try_out(answerer: Answerer) -> None:
    """Score some histories.

    Raises:
        RunError: a score is not finite.
    """
    last = answerer.scorer.num_items
    answerer.answer([Question("recommend", items=(1,)), Question("recommend", items=(last, 1))])


def brief(text: str) -> str:
    """A text from a stranger as it may stand in a sentence."""
    printable = "".join(each if each.isprintable() else "?" for each in text[:60])
    return printable + "…" * (len(text) > 60)
