"""Lists for many people by a run: how they are made, here or by Ray's workers.

A worker is given a part of the people with their histories, reads the run from its folder, and
writes the file of the part. Groups of histories that are scored together are those of one process,
so that the number of workers changes no byte.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from seqrec_cli.core.data.tasks import opened_ray
from seqrec_cli.core.inference.diversity import Diverse
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.parts import Parts, write_part
from seqrec_cli.core.inference.people import People, most_popular, with_popular
from seqrec_cli.core.inference.recommendation import STREAM_USERS, Recommended, recommend
from seqrec_cli.core.inference.retrieval import Exact, Finder
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Scorer, Seen
from seqrec_cli.core.runs.loading import catalogue_of, load_scorer, make_retriever
from seqrec_cli.core.runs.ruling import similarity_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import ConfigError

TASK_USERS = 8 * STREAM_USERS  # in a part that a worker is given
Find = Callable[[People], Iterator[Recommended]]


@dataclass(frozen=True)
class ListSettings:
    """All that lists depend on, beside the people.

    Attributes:
        digest: of all of it, weights included; two settings are the same if it is.
        run: the folder of the run.
        topk: how many items.
        seen: whether items of the history may be listed.
        rules: which others may be.
        index, effort: as `make_retriever` takes them.
        diversify, diversify_by: the weight of being unlike what is listed, and what says so.
        safe: whether cells of a CSV that a spreadsheet would run get an apostrophe in front.
    """

    digest: str
    run: Path = field(compare=False)
    topk: int = field(compare=False)
    seen: Seen = field(compare=False)
    rules: Rules | None = field(compare=False)
    index: str = field(default="exact", compare=False)
    effort: int = field(default=128, compare=False)
    diversify: float = field(default=0.0, compare=False)
    diversify_by: str = field(default="vectors", compare=False)
    safe: bool = field(default=False, compare=False)


def check_spreading(rerank: str | None, device: str) -> None:
    """Refuse what an engine does not do.

    Raises:
        ConfigError: with its name, and one machine as the remedy.
    """
    cannot = {"--rerank": rerank is not None, f"--device {device}": device not in ("auto", "cpu")}
    for what, asked in cannot.items():
        if asked:
            raise ConfigError(
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
) -> Iterator[tuple[int, list[Any]]]:
    """Have Ray write the parts that are missing; yields after each the number of the next user,
    and the labels of those in it who get fewer items than asked for.

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
        begun = (
            write.remote(known, str(parts.part(start).absolute()), alone(people, start, stop))
            for start, stop in missing
        )
        for (_, stop), short in zip(missing, tasks.in_order(begun), strict=True):
            yield stop, short


def alone(people: People, start: int, stop: int) -> People:
    """Those from number `start` up to `stop`, in memory, without the dataset that they are of."""
    own = people.between(start, stop)
    barred = own.histories.barred
    histories = replace(own.histories.loaded(), barred=None if barred is None else barred.loaded())
    return replace(own, histories=histories, dataset=None, missing={}, notes=[])


def list_part(settings: ListSettings, path: str, people: People) -> list[Any]:
    """Write the part of these people; the labels of those who get fewer items than asked for.

    A second try writes the same file.
    """
    find, catalogue = opened_lists(settings)
    short: list[Any] = []

    def pairs() -> Iterator[tuple[Any, Recommended]]:
        for label, result in zip(people.labels, find(people), strict=True):
            if len(result.items) < settings.topk:
                short.append(label)
            yield label, result

    write_part(Path(path), pairs(), catalogue, safe=settings.safe)
    return short


@functools.lru_cache(maxsize=1)  # a worker has many parts of one command, one after the other
def opened_lists(settings: ListSettings) -> tuple[Find, Catalogue]:
    """What makes lists, and the items in them."""
    torch.set_num_threads(1)  # a task has one core
    run = Run.open(settings.run)
    scorer = load_scorer(run, torch.device("cpu"))
    finder, _ = make_retriever(run, scorer, settings.index, settings.effort, settings.rules)
    diverse = diverse_finder(
        run, scorer, finder, settings.rules, settings.diversify, settings.diversify_by
    )
    find = functools.partial(
        lists_for, run, scorer, settings.topk, settings.seen, diverse, settings.rules
    )
    return find, catalogue_of(run)
