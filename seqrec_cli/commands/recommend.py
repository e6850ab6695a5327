"""seqrec recommend: what comes next, for users of the dataset or for somebody new."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.options import (
    Before,
    Candidates,
    Data,
    DataDir,
    Device,
    Effort,
    ExcludeItems,
    ExcludeSeen,
    IndexOption,
    Json,
    OnlyItems,
    PopularityPenalty,
    Rerank,
    RetrievalWeight,
    RunArgument,
    RunInstead,
    SafeCsv,
    SeenOption,
    chosen_run,
    say_which,
    writes_csv,
)
from seqrec_cli.commands.reports import recommendation as shown
from seqrec_cli.commands.reports import rules as shown_rules
from seqrec_cli.commands.stages import open_reranker, open_retriever, open_rules

if TYPE_CHECKING:
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.sequences import Sequences
    from seqrec_cli.core.inference.recent import Since
    from seqrec_cli.core.inference.recommendation import Recommended
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.inference.scoring import Scorer, Seen
    from seqrec_cli.core.runs.run import Run

MEASURED_USERS = 200  # for whom an approximate result is held against the exact one
WANTED_RECALL = 0.95
KNOWN_USERS = Only(
    lambda values: values["history"] is None,
    "for users of the dataset; a --history is read whole and needs no dataset",
)


@dataclass(frozen=True, kw_only=True)
class RecommendOptions:
    """The options of `seqrec recommend`."""

    user: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A user's id, as in the source; repeatable."),
    ] = None
    history: Annotated[
        str | None,
        typer.Option(
            metavar='"ID ID …"',
            help="Interaction history of a new user, oldest first: item ids, or titles between "
            "semicolons.",
        ),
    ] = None
    users: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with one user id a line.")
    ] = None
    topk: Annotated[
        int, typer.Option("--topk", "--k", min=1, max=1_000_000, help="How many items.")
    ] = 10
    named: RunArgument = None
    named_by_option: RunInstead = None
    seen: SeenOption = None
    only: OnlyItems = None
    exclude: ExcludeItems = None
    exclude_seen: Annotated[ExcludeSeen, KNOWN_USERS] = None
    popularity_penalty: PopularityPenalty = 0.0
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

    @property
    def run(self) -> str:
        return chosen_run(self.named, self.named_by_option)


@dataclass(frozen=True, eq=False)
class Asked:
    """Whom to recommend to: a label and a history each, and the dataset they are of."""

    labels: list[Any]
    histories: "Sequences"
    dataset: "SequenceDataset | None"


@takes(RecommendOptions)
def recommend(options: RecommendOptions) -> None:
    """Recommend what comes next, for users of the dataset or for somebody new.

    $ seqrec recommend --user 42 --topk 10
    """
    refuse_contradictions(options)
    from seqrec_cli.core.data.store import NEXT_ITEM
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.recommendation import recommend as recommend_items
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
    asked = known_users(run, options) if options.history is None else new_user(run, options)
    ruled = open_rules(options, run, asked.dataset)
    shown_rules.show(ruled)
    if ruled.rules is not None and ruled.rules.since is not None:
        seen, asked = "exclude", with_recent(asked, options, ruled.rules.since)
    finder = finder_of(options, run, scorer, asked, seen, ruled.rules)
    found = recommend_items(scorer, asked.histories, options.topk, seen, finder, ruled.rules)
    if options.output is not None:
        write(options, asked.labels, found, run)
    else:
        print_each(options, asked, found, scorer, run)


def refuse_contradictions(options: RecommendOptions) -> None:
    """Refuse options that exclude each other."""
    given = (options.user, options.history, options.users)
    if sum(value is not None for value in given) != 1:
        raise typer.BadParameter('name a user: --user ID, --history "ID ID …", or --users FILE')
    if options.users is not None and options.output is None:
        raise typer.BadParameter("--users FILE needs --output FILE (.csv or .jsonl)")
    if options.output is not None and (options.why or options.as_json):
        raise typer.BadParameter("--why and --json are for the screen: leave out --output")
    if options.why and options.rerank is not None:
        raise typer.BadParameter("--why explains one model's scores: leave out --rerank")


def new_user(run: "Run", options: RecommendOptions) -> Asked:
    """Somebody who is not in the dataset."""
    from seqrec_cli.core.data.sequences import Sequences
    from seqrec_cli.core.inference.names import Names, find_history
    from seqrec_cli.core.runs.loading import catalogue_of

    items, unknown = find_history(Names.of_items(catalogue_of(run)), options.history or "")
    for piece in unknown:
        console.warn(f"`{piece}` is not in the catalogue and was left out")
    return Asked(["new"], Sequences.from_lists([items.tolist()]), None)


def known_users(run: "Run", options: RecommendOptions) -> Asked:
    """Users of the dataset, with their histories up to the end or before one of its parts."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.names import read_ids
    from seqrec_cli.core.runs.histories import histories_for

    ids = options.user if options.users is None else read_ids(options.users)
    dataset = SequenceDataset.load(run.find_data(options.data, options.data_dir))
    if options.rerank is not None:
        run.check_data(dataset)  # the second stage reads features by the numbers of its items
    labels, histories, notes = histories_for(run, dataset, ids or [], options.before)
    console.warn_all(notes)
    return Asked(labels, histories, dataset)


def with_recent(asked: Asked, options: RecommendOptions, since: "Since") -> Asked:
    """The same users, with the items that they saw lately."""
    from seqrec_cli.core.inference.recent import at_the_end

    assert asked.dataset is not None
    users = asked.histories.owners
    assert users is not None
    histories = at_the_end(asked.dataset, asked.histories, users, options.before, since)
    return replace(asked, histories=histories)


def finder_of(
    options: RecommendOptions,
    run: "Run",
    scorer: "Scorer",
    asked: Asked,
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
        f"{options.candidates} candidates found by {run.path}, ordered by {second.ranker.path}"
    )
    return second


def say_recall(retriever: "Retriever", histories: "Sequences", k: int, seen: "Seen") -> None:
    """Measure how much of the exact result is found, and say so."""
    from seqrec_cli.core.inference.retrieval import measured_recall

    recall, count = measured_recall(retriever, histories, k, seen, MEASURED_USERS)
    console.info(f"hnsw: recall@{k} {recall:.4f} of the exact result, over {count:,} histories")
    if recall < WANTED_RECALL:
        console.warn(f"that is low: search more items with `--effort {4 * retriever.effort}`")


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
        pairs = counted(zip(labels, found, strict=True), advance, short, topk)
        catalogue = catalogue_of(run)
        count = write_recommendations(output, pairs, catalogue, safe=options.safe_csv)
    if short:
        console.warn(
            f"{len(short):,} users got fewer than {topk} items, the first of them {short[0]}: "
            "no more were left"
        )
    console.success(f"{count:,} recommendations for {len(labels):,} users in `{output}`")


def counted(pairs: Any, advance: Any, short: list[Any], topk: int) -> Iterator[Any]:
    """Pass pairs on, move the bar every so often, and note who gets fewer than `topk` items."""
    for number, (label, result) in enumerate(pairs):
        if number % 500 == 0:
            advance(number, "recommending")
        if len(result.items) < topk:
            short.append(label)
        yield label, result


def print_each(
    options: RecommendOptions,
    asked: Asked,
    found: "Iterator[Recommended]",
    scorer: "Scorer",
    run: "Run",
) -> None:
    """Print recommendations, with reasons if they are asked for."""
    from seqrec_cli.core.inference.recommendation import influence
    from seqrec_cli.core.runs.loading import catalogue_of

    catalogue, plain = catalogue_of(run), []
    rows = zip(asked.labels, asked.histories, found, strict=True)
    for row, (label, items, result) in enumerate(rows):
        one = asked.histories.only(row)
        reasons = influence(scorer, one, result.items) if options.why else None
        if len(result.items) < options.topk:
            count = f"only {len(result.items)}" if len(result.items) else "no"
            console.warn(f"{count} items were left to recommend to {label}")
        if options.as_json:
            plain.append(shown.as_plain(label, items, result, reasons, catalogue))
        else:
            shown.show_recommendations(label, items, result, reasons, catalogue)
    if options.as_json:
        console.print_json(plain)
