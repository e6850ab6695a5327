"""Lists for many people by a run: how they are made, here or by Ray's workers.

A worker is given a part of the people with their histories, reads the run from its folder, and
writes the file of the part. Groups of histories that are scored together are those of one process,
so that the number of workers changes no byte.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.data.tasks import opened_ray
from seqrec_cli.core.inference.diversity import Diverse
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.parts import Parts, write_part
from seqrec_cli.core.inference.people import People, most_popular, with_popular
from seqrec_cli.core.inference.recommendation import STREAM_USERS, Recommended, recommend
from seqrec_cli.core.inference.retrieval import (
    Exact,
    Finder,
    Retriever,
    measured_recall,
    some_of,
)
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Scorer, Seen
from seqrec_cli.core.runs.loading import catalogue_of, load_scorer, make_retriever
from seqrec_cli.core.runs.ruling import similarity_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import ConfigError

TASK_USERS = 8 * STREAM_USERS  # in a part that a worker is given
Find = Callable[[People], Iterator[Recommended]]


@dataclass(frozen=True, eq=False)
class ListSettings:
    """All that lists depend on, beside the people; two are the same by their digest.

    Attributes:
        digest: of all of it, weights included.
        run: the folder of the run.
        topk: how many items.
        seen: whether items of the history may be listed.
        rules: which others may be.
        index, effort: as `make_retriever` takes them.
        diversify, diversify_by: the weight of being unlike what is listed, and what says so.
        safe: whether cells of a CSV that a spreadsheet would run get an apostrophe in front.
    """

    digest: str
    run: Path
    topk: int
    seen: Seen
    rules: Rules | None
    index: str = "exact"
    effort: int = 128
    diversify: float = 0.0
    diversify_by: str = "vectors"
    safe: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListSettings) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@dataclass(frozen=True)
class Opened:
    """What the first worker has found when it opened the run.

    Attributes:
        notes: what the user should know about the run.
        indexed: how many items it has indexed; 0 if the index was there, or none is used.
        recall: the share of the exact result that the index finds; None without one.
        measured: of how many histories.
    """

    notes: list[str]
    indexed: int = 0
    recall: float | None = None
    measured: int = 0


@dataclass(frozen=True)
class PartWritten:
    """A part is written, up to the user with the number `stop`.

    Attributes:
        short: the labels of those in it who get fewer items than asked for.
    """

    stop: int
    short: list[Any]


@dataclass(frozen=True)
class Lists:
    """What makes lists in a worker.

    Attributes:
        find: the lists of people.
        catalogue: the items in them.
        retriever: what looks them up in an index, if one is used.
        opened: what was found on opening it; its recall is not measured yet.
    """

    find: Find
    catalogue: Catalogue
    retriever: Retriever | None
    opened: Opened


def check_spreading(rerank: str | None, device: str) -> None:
    """Refuse what an engine does not do.

    Raises:
        ConfigError: with its name, and one machine as the remedy.
    """
    if rerank is not None:
        raise not_by_engine("--rerank")
    refuse_device(device)


def refuse_device(device: str) -> None:
    """Refuse a device that an engine's workers do not compute on.

    Raises:
        ConfigError: as `check_spreading`.
    """
    if device not in ("auto", "cpu"):
        raise not_by_engine(f"--device {device}")


def not_by_engine(what: str) -> ConfigError:
    return ConfigError(
        f"`--engine ray` does not do {what}", "leave out `--engine`: one machine does it"
    )


def lists_for(
    run: Run,
    scorer: Scorer,
    topk: int,
    seen: Seen,
    finder: Finder | None,
    rules: Rules | None,
    people: People,
) -> Iterator[Recommended]:
    """What is recommended to each of these people; to those without a history what is popular."""
    found = recommend(scorer, people.histories, topk, seen, finder, rules)
    if people.known.all():
        return found
    return with_popular(people, found, most_popular(catalogue_of(run), topk, rules))


def diverse_finder(
    run: Run, scorer: Scorer, finder: Finder | None, rules: Rules | None, weight: float, by: str
) -> Finder | None:
    """The finder, or what chooses diverse lists from its finds where `weight` is above 0."""
    if not weight:
        return finder
    return Diverse(finder or Exact(scorer, rules), similarity_of(run, scorer, by), weight)


def spread_lists(
    settings: ListSettings, parts: Parts, people: People, workers: int | None
) -> Iterator[Opened | PartWritten]:
    """Have Ray write the parts that are missing; yields what a worker finds in the run, and each
    part when it is written.

    Args:
        workers: as `opened_ray` takes it.

    Raises:
        MissingExtra: Ray is not installed.
        RunError: as `load_scorer`, or a score is not finite.
    """
    missing = parts.missing()
    if not missing:
        return
    with opened_ray(workers) as tasks:
        write, known = tasks.task(list_part), tasks.put(settings)
        # One worker first: a run that cannot be opened is said once, and one index is made.
        some = in_memory(some_of(people.histories)) if settings.index != "exact" else None
        yield tasks.get(tasks.task(look_into).remote(known, some))
        begun = (
            write.remote(known, str(parts.part(start).absolute()), alone(people, start, stop))
            for start, stop in missing
        )
        for (_, stop), short in zip(missing, tasks.in_order(begun), strict=True):
            yield PartWritten(stop, short)


def alone(people: People, start: int, stop: int) -> People:
    """Those from number `start` up to `stop`, in memory, without the dataset that they are of."""
    own = people.between(start, stop)
    return replace(own, histories=in_memory(own.histories), dataset=None, missing={}, notes=[])


def in_memory(histories: Sequences) -> Sequences:
    """Histories, and what they bar, as arrays in memory."""
    barred = histories.barred
    return replace(histories.loaded(), barred=None if barred is None else barred.loaded())


def look_into(settings: ListSettings, histories: Sequences | None) -> Opened:
    """Open the run as every worker does; what was found, with the recall of an index over these
    histories."""
    lists = opened_lists(settings)
    if lists.retriever is None or histories is None:
        return lists.opened
    recall, count = measured_recall(lists.retriever, histories, settings.topk, settings.seen)
    return replace(lists.opened, recall=recall, measured=count)


def list_part(settings: ListSettings, path: str, people: People) -> list[Any]:
    """Write the part of these people; the labels of those who get fewer items than asked for.

    A second try writes the same file.
    """
    lists = opened_lists(settings)
    short: list[Any] = []

    def pairs() -> Iterator[tuple[Any, Recommended]]:
        for label, result in zip(people.labels, lists.find(people), strict=True):
            if len(result.items) < settings.topk:
                short.append(label)
            yield label, result

    write_part(Path(path), pairs(), lists.catalogue, safe=settings.safe)
    return short


@functools.lru_cache(maxsize=1)  # a worker has many parts of one command, one after the other
def opened_lists(settings: ListSettings) -> Lists:
    """What makes lists with these settings."""
    torch.set_num_threads(1)  # a task has one core
    run = Run.open(settings.run)
    scorer = load_scorer(run, torch.device("cpu"))
    retriever, made = make_retriever(run, scorer, settings.index, settings.effort, settings.rules)
    diverse = diverse_finder(
        run, scorer, retriever, settings.rules, settings.diversify, settings.diversify_by
    )
    find = functools.partial(
        lists_for, run, scorer, settings.topk, settings.seen, diverse, settings.rules
    )
    opened = Opened(list(run.notes), scorer.num_items if made else 0)
    return Lists(find, catalogue_of(run), retriever, opened)
