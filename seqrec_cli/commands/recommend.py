"""seqrec recommend: what comes next, for users of the dataset or for somebody new."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from seqrec_cli.commands.reports import recommendation as shown
from seqrec_cli.commands.reports import rules as shown_rules
from seqrec_cli.commands.stages import (
    diversified,
    open_reranker,
    open_retriever,
    open_rules,
    say_recall,
)
from seqrec_cli.wording import counted, verb

if TYPE_CHECKING:
    from seqrec_cli.core.inference.people import People
    from seqrec_cli.core.inference.recommendation import Recommended
    from seqrec_cli.core.inference.retrieval import Finder
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.inference.scoring import Scorer, Seen
    from seqrec_cli.core.runs.run import Run

# The options that a list depends on, beside the run, the rules and the people.
SHAPING = (
    *("topk", "before", "unknown", "index", "effort", "rerank", "candidates", "retrieval_weight"),
    *("diversify", "diversify_by", "safe_csv"),
)
KNOWN_USERS = Only(
    lambda values: any(values[way] is not None for way in OF_DATASET),
    "for users of the dataset (--user, --users); other histories are read whole and need none",
)
WITH_TIMES = Only(
    lambda values: any(values[way] is not None for way in (*OF_DATASET, *FILES)),
    "for histories with times: --user, --users or --histories",
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
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.parts import PART_USERS
    from seqrec_cli.core.inference.reranking import check_candidates
    from seqrec_cli.core.runs.loading import agreed_seen, load_scorer, newest_of
    from seqrec_cli.core.runs.run import Run

    if options.output is not None:
        check_output(options.output)
    if options.rerank is not None:
        check_candidates(options.candidates, options.topk)
    run = Run.open(newest_of(NEXT_ITEM, options.run))
    say_which(options.run, run.path)
    seen = agreed_seen([run], options.seen)
    scorer = load_scorer(run, choose_device(options.device))
    console.warn_all(run.notes)
    asked = asked_for(run, options)
    ruled = open_rules(options, run, unit_of_times(asked))
    shown_rules.show_rules(ruled)
    if ruled.rules is not None and ruled.rules.since is not None:
        seen, asked = "exclude", with_recent(asked, options, ruled.rules.since)
    finder = finder_of(options, run, scorer, asked, seen, ruled.rules)
    finder = diversified(options, run, scorer, finder, ruled.rules)
    find = partial(found_for, options, run, scorer, seen, finder, ruled.rules)
    if options.output is None:
        print_each(options, asked, find(asked), scorer, run)
    elif len(asked.labels) > PART_USERS:
        write_in_parts(options, run, asked, find, seen, ruled.rules)
    else:
        write(options, asked.labels, find(asked), run)


def found_for(
    options: RecommendOptions,
    run: "Run",
    scorer: "Scorer",
    seen: "Seen",
    finder: "Finder | None",
    rules: "Rules | None",
    people: "People",
) -> "Iterator[Recommended]":
    """What is recommended to each of these people."""
    from seqrec_cli.core.inference.people import most_popular, with_popular
    from seqrec_cli.core.inference.recommendation import recommend as recommend_items
    from seqrec_cli.core.runs.loading import catalogue_of

    found = recommend_items(scorer, people.histories, options.topk, seen, finder, rules)
    if people.known.all():
        return found
    return with_popular(people, found, most_popular(catalogue_of(run), options.topk, rules))


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
        say_recall(retriever, asked.histories, k, seen)
    if options.rerank is None:
        return retriever
    parts = retriever, scorer, catalogue_of(run), options.candidates, asked.dataset
    second = open_reranker(options.rerank, *parts, options.before, options.retrieval_weight, rules)
    console.info(
        f"{counted(options.candidates, 'candidate')} found by {run.path}, "
        f"ordered by {second.ranker.path}"
    )
    return second


def write(
    options: RecommendOptions, labels: list[Any], found: "Iterator[Recommended]", run: "Run"
) -> None:
    """Write all recommendations to a file, with a bar."""
    from seqrec_cli.core.inference.export import write_recommendations
    from seqrec_cli.core.runs.loading import catalogue_of

    output, topk = options.output, options.topk
    assert output is not None
    short: list[Any] = []
    with console.progress(len(labels), "users") as advance:
        pairs = with_bar(zip(labels, found, strict=True), advance, short, topk)
        catalogue = catalogue_of(run)
        count = write_recommendations(output, pairs, catalogue, safe=options.safe_csv)
    say_short(short, topk)
    console.success(
        f"{counted(count, 'recommendation')} for {counted(len(labels), 'user')} in `{output}`"
    )


def write_in_parts(
    options: RecommendOptions,
    run: "Run",
    asked: "People",
    find: "Callable[[People], Iterator[Recommended]]",
    seen: "Seen",
    rules: "Rules | None",
) -> None:
    """Write recommendations for many users part by part; a second try goes on where one stopped."""
    from seqrec_cli.core.inference.parts import Parts
    from seqrec_cli.core.runs.loading import catalogue_of, weights_digest

    assert options.output is not None
    facts = {name: getattr(options, name) for name in SHAPING}
    facts |= {"run": str(run.path.resolve()), "weights": weights_digest(run), "seen": seen}
    facts |= {"people": asked.fingerprint(), "rules": rules and rules.fingerprint()}
    parts = Parts(options.output, facts, asked.labels)
    if parts.resumed:
        console.info(f"{parts.resumed} of {len(parts.starts())} parts are there already")
    short: list[Any] = []

    def between(start: int, stop: int) -> Iterator[Any]:
        people = asked.between(start, stop)
        labelled = zip(people.labels, find(people), strict=True)
        return with_bar(labelled, lambda *_: None, short, options.topk)

    with console.progress(len(asked.labels), "users") as advance:
        size = parts.write(
            between,
            catalogue_of(run),
            lambda done: advance(done, "recommending"),
            safe=options.safe_csv,
        )
    say_short(short, options.topk)
    console.success(
        f"recommendations for {len(asked.labels):,} users in `{options.output}`, {size:,} bytes"
    )


def say_short(short: list[Any], topk: int) -> None:
    """Say who got fewer items than asked for."""
    if short:
        console.warn(
            f"{counted(len(short), 'user')} got fewer than {counted(topk, 'item')}, the first "
            f"of them {short[0]}: no more were left"
        )


def with_bar(pairs: Any, advance: Any, short: list[Any], topk: int) -> Iterator[Any]:
    """Pass pairs on, move the bar every so often, and note who gets fewer than `topk` items."""
    for number, (label, result) in enumerate(pairs):
        if number % 500 == 0:
            advance(number, "recommending")
        if len(result.items) < topk:
            short.append(label)
        yield label, result


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
