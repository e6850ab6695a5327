"""seqrec recommend: what comes next, for users of the dataset or for somebody new."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.options import (
    Before,
    Candidates,
    Data,
    DataDir,
    Device,
    Diversify,
    DiversifyBy,
    Effort,
    ExcludeItems,
    ExcludeSeen,
    IndexOption,
    Json,
    OfOneRun,
    OnlyItems,
    PopularityPenalty,
    RayWorkers,
    Rerank,
    RetrievalWeight,
    SafeCsv,
    SeenOption,
    say_which,
    writes_csv,
)
from seqrec_cli.commands.people import (
    FILES,
    OF_DATASET,
    asked_for,
    refuse_contradictions,
    with_recent,
)
from seqrec_cli.commands.recommend_output import write, write_by_engine, write_in_parts
from seqrec_cli.commands.reports import recommendation as shown
from seqrec_cli.commands.reports import rules as shown_rules
from seqrec_cli.commands.stages import (
    diversified,
    measure_recall,
    open_reranker,
    open_retriever,
    open_rules,
)
from seqrec_cli.wording import counted, verb

if TYPE_CHECKING:
    from seqrec_cli.core.inference.people import People
    from seqrec_cli.core.inference.recommendation import Recommended
    from seqrec_cli.core.inference.retrieval import Finder
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.inference.scoring import Scorer, Seen
    from seqrec_cli.core.runs.run import Run

KNOWN_USERS = Only(
    lambda values: any(values[way] is not None for way in OF_DATASET),
    "for users of the dataset (--user, --users); other histories are read whole and need none",
)
WITH_TIMES = Only(
    lambda values: any(values[way] is not None for way in (*OF_DATASET, *FILES)),
    "for histories with times: --user, --users or --histories",
)
OF_FILES = Only(
    lambda values: any(values[way] is not None for way in FILES),
    "for many people: --users FILE or --histories FILE",
)
MANY = Only(
    lambda values: any(values[way] is not None for way in (*OF_DATASET, *FILES)),
    "for --user, --users or --histories",
)


@dataclass(frozen=True, kw_only=True)
class RecommendOptions(OfOneRun):
    """The options of `seqrec recommend`."""

    user: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A user's id, as in the source; repeatable."),
    ] = None
    history: Annotated[
        str | None,
        typer.Option(
            metavar='"ID ID …"',
            help="Interaction history of a new user, oldest first: item ids, titles between "
            "semicolons, or a list in JSON; `-` reads stdin.",
        ),
    ] = None
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="An item of a new user's history, oldest first: an id or a title as it is, with "
            "spaces or not; repeatable.",
        ),
    ] = None
    users: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with one user id a line; `-` reads stdin."),
    ] = None
    histories: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A log of people who are in no dataset (user, item, time), in any form that "
            "`prepare` reads, here or at an address: lists for all of them; `-` reads stdin.",
        ),
    ] = None
    unknown: Annotated[
        Literal["error", "skip", "popular"],
        typer.Option(
            help="What becomes of users who are unknown or have no history: an error, left out, or "
            "the most popular items, with their counts as scores."
        ),
        MANY,
    ] = "error"
    topk: Annotated[
        int, typer.Option("--topk", "--k", min=1, max=1_000_000, help="How many items.")
    ] = 10
    seen: SeenOption = None
    only: OnlyItems = None
    exclude: ExcludeItems = None
    exclude_seen: Annotated[ExcludeSeen, WITH_TIMES] = None
    popularity_penalty: PopularityPenalty = 0.0
    diversify: Diversify = 0.0
    diversify_by: DiversifyBy = "vectors"
    why: Annotated[
        bool, typer.Option("--why", help="Show which items of the history led to each item.")
    ] = False
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write to a .csv or .jsonl file instead."),
    ] = None
    safe_csv: Annotated[SafeCsv, writes_csv("output")] = False
    engine: Annotated[
        Literal["ray"] | None,
        typer.Option(
            help="Have Ray make the lists, on many cores or machines, in parts of the file.",
            show_default="this process",
        ),
        OF_FILES,
    ] = None
    workers: RayWorkers = None
    before: Annotated[Before, KNOWN_USERS] = "end"
    index: IndexOption = "exact"
    effort: Effort = 128
    rerank: Rerank = None
    candidates: Candidates = 200
    retrieval_weight: RetrievalWeight = 0.0
    data: Data = None
    data_dir: DataDir = Path("data")
    device: Device = "auto"
    as_json: Json = False


@takes(RecommendOptions)
def recommend(options: RecommendOptions) -> None:
    """Recommend what comes next, to known users or somebody new.

    $ seqrec recommend --user 42 --topk 10
    """
    refuse_contradictions(options)
    from seqrec_cli.core.data.store import NEXT_ITEM
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference.parts import PART_USERS
    from seqrec_cli.core.runs.loading import agreed_seen, load_scorer, newest_of
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.runs.spreading import lists_for

    check_early(options)
    run = Run.open(newest_of(NEXT_ITEM, options.run))
    say_which(options.run, run.path)
    seen = agreed_seen([run], options.seen)
    # Workers load it themselves.
    scorer = load_scorer(run, choose_device(options.device)) if options.engine is None else None
    console.warn_all(run.notes)
    asked = asked_for(run, options)
    ruled = open_rules(options, run, unit_of_times(asked))
    shown_rules.show_rules(ruled)
    if ruled.rules is not None and ruled.rules.since is not None:
        seen, asked = "exclude", with_recent(asked, options, ruled.rules.since)
    if scorer is None:
        write_by_engine(options, run, asked, seen, ruled.rules)
        return
    finder = finder_of(options, run, scorer, asked, seen, ruled.rules)
    finder = diversified(options, run, scorer, finder, ruled.rules)
    find = partial(lists_for, run, scorer, options.topk, seen, finder, ruled.rules)
    if options.output is None:
        print_each(options, asked, find(asked), scorer, run)
    elif len(asked.labels) > PART_USERS:
        write_in_parts(options, run, asked, find, seen, ruled.rules)
    else:
        write(options, asked.labels, find(asked), run)


def check_early(options: RecommendOptions) -> None:
    """Refuse what cannot be done, before anything is read."""
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.reranking import check_candidates
    from seqrec_cli.core.runs.spreading import check_spreading

    if options.output is not None:
        check_output(options.output)
    if options.rerank is not None:
        check_candidates(options.candidates, options.topk)
    if options.engine is not None:
        check_spreading(options.rerank, options.device)


def unit_of_times(asked: "People") -> str | None:
    """The unit of the times of these people's histories; None without times."""
    from seqrec_cli.core.inference.recent import unit_of

    if asked.dataset is not None:
        return unit_of(asked.dataset)
    return asked.unit if asked.times is not None else None


def finder_of(
    options: RecommendOptions,
    run: "Run",
    scorer: "Scorer",
    asked: "People",
    seen: "Seen",
    rules: "Rules | None",
) -> "Finder | None":
    """What finds items: an index, a second stage, both, or None for exact search."""
    from seqrec_cli.core.runs.loading import catalogue_of

    retriever = open_retriever(run, scorer, options.index, options.effort, rules)
    if retriever is not None:
        k = options.topk if options.rerank is None else options.candidates
        measure_recall(retriever, asked.histories, k, seen)
    if options.rerank is None:
        return retriever
    parts = retriever, scorer, catalogue_of(run), options.candidates, asked.dataset
    second = open_reranker(options.rerank, *parts, options.before, options.retrieval_weight, rules)
    console.info(
        f"{counted(options.candidates, 'candidate')} found by {run.path}, "
        f"ordered by {second.ranker.path}"
    )
    return second


def print_each(
    options: RecommendOptions,
    asked: "People",
    found: "Iterator[Recommended]",
    scorer: "Scorer",
    run: "Run",
) -> None:
    """Print recommendations, with reasons if they are asked for."""
    from seqrec_cli.core.inference.recommendation import influence
    from seqrec_cli.core.runs.loading import catalogue_of

    catalogue, plain = catalogue_of(run), []
    for (label, one), result in zip(asked.each(), found, strict=True):
        items = one.items
        reasons = influence(scorer, one, result.items) if options.why and len(one) else None
        if len(result.items) < options.topk:
            left = len(result.items)
            what = f"only {counted(left, 'item')}" if left else "no items"
            console.warn(f"{what} {verb(left, 'was', 'were')} left to recommend to {label}")
        if options.as_json:
            plain.append(shown.as_plain(label, items, result, reasons, catalogue))
        else:
            shown.show_recommendations(label, items, result, reasons, catalogue)
    if options.as_json:
        console.print_json(plain)
    else:
        shown.say_columns(why=options.why)
