"""seqrec recommend: what comes next, for users of the dataset or for somebody new."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    IndexOption,
    Json,
    Rerank,
    RetrievalWeight,
    RunOption,
    SeenOption,
    make_reranker,
    make_retriever,
)
from seqrec_cli.commands.reports import recommendation as shown

if TYPE_CHECKING:
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.sequences import Sequences
    from seqrec_cli.core.inference.recommendation import Recommended
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.scoring import ModelScorer, Seen
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
    topk: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many items.")] = 10
    run: RunOption = "latest"
    seen: SeenOption = None
    why: Annotated[
        bool, typer.Option("--why", help="Show which items of the history led to each item.")
    ] = False
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write to a .csv or .jsonl file instead."),
    ] = None
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
    from seqrec_cli.core.inference.parts import PART_USERS
    from seqrec_cli.core.inference.recommendation import recommend as recommend_items
    from seqrec_cli.core.inference.reranking import check_candidates
    from seqrec_cli.core.runs.loading import agreed_seen, load_scorer, newest_of
    from seqrec_cli.core.runs.run import Run

    if options.output is not None:
        check_output(options.output)
    if options.rerank is not None:
        check_candidates(options.candidates, options.topk)
    run = Run.open(newest_of(NEXT_ITEM, options.run))
    seen = agreed_seen([run], options.seen)
    scorer = load_scorer(run, choose_device(options.device))
    console.warn_all(run.notes)
    asked = known_users(run, options) if options.history is None else new_user(run, options)
    finder = finder_of(options, run, scorer, asked, seen)
    if options.output is not None and len(asked.labels) > PART_USERS:
        write_in_parts(options, run, scorer, asked, seen, finder)
        return
    found = recommend_items(scorer, asked.histories, options.topk, seen, finder)
    if options.output is not None:
        write(options.output, asked.labels, found, options.topk, run)
    else:
        show(options, asked, found, scorer, run)


def refuse_contradictions(options: RecommendOptions) -> None:
    """Refuse options that exclude each other."""
    given = (options.user, options.history, options.users)
    if sum(value is not None for value in given) != 1:
        raise typer.BadParameter('name somebody: --user ID, --history "ID ID …", or --users FILE')
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
    from seqrec_cli.core.inference.names import histories_of, read_ids

    ids = options.user if options.users is None else read_ids(options.users)
    dataset = SequenceDataset.load(run.find_data(options.data, options.data_dir))
    run.check_data(dataset)
    labels, histories = histories_of(dataset, ids or [], options.before)
    return Asked(labels, histories, dataset)


def finder_of(
    options: RecommendOptions, run: "Run", scorer: "ModelScorer", asked: Asked, seen: "Seen"
) -> "Finder | None":
    """What finds items: an index, a second stage, both, or None for exact search."""
    from seqrec_cli.core.runs.loading import catalogue_of

    retriever = make_retriever(run, scorer, options.index, options.effort)
    if retriever is not None:
        k = options.topk if options.rerank is None else options.candidates
        say_recall(retriever, asked.histories, k, seen)
    if options.rerank is None:
        return retriever
    parts = retriever, scorer, catalogue_of(run), options.candidates, asked.dataset
    second = make_reranker(options.rerank, *parts, options.before, options.retrieval_weight)
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
        console.warn(f"that is little: look at more items with `--effort {4 * retriever.effort}`")


def write(
    output: Path, labels: list[Any], found: "Iterator[Recommended]", topk: int, run: "Run"
) -> None:
    """Write all recommendations to a file, with a bar."""
    from seqrec_cli.core.inference.export import write_recommendations
    from seqrec_cli.core.runs.loading import catalogue_of

    short: list[Any] = []
    with console.progress(len(labels), "users") as advance:
        pairs = counted(zip(labels, found, strict=True), advance, short, topk)
        count = write_recommendations(output, pairs, catalogue_of(run))
    say_short(short, topk)
    console.success(f"{count:,} recommendations for {len(labels):,} users in `{output}`")


def write_in_parts(
    options: RecommendOptions,
    run: "Run",
    scorer: "ModelScorer",
    asked: Asked,
    seen: "Seen",
    finder: "Finder | None",
) -> None:
    """Write recommendations for many users part by part; a second try goes on where one stopped."""
    from seqrec_cli.core.inference.parts import Parts
    from seqrec_cli.core.inference.recommendation import recommend_between
    from seqrec_cli.core.runs.loading import catalogue_of

    assert options.output is not None
    names = ("topk", "before", "index", "effort", "rerank", "candidates", "retrieval_weight")
    facts = {name: getattr(options, name) for name in names}
    weights = run.checkpoints.sha256_of_best()
    facts |= {"run": str(run.path.resolve()), "weights": weights, "seen": seen}
    parts = Parts(options.output, facts, asked.labels)
    if parts.resumed:
        console.info(f"{parts.resumed} of {len(parts.starts())} parts are there already")
    short: list[Any] = []

    def between(start: int, stop: int) -> Iterator[Any]:
        pairs = recommend_between(scorer, asked.histories, start, stop, options.topk, seen, finder)
        labelled = zip(asked.labels[start:stop], pairs, strict=True)
        return counted(labelled, lambda *_: None, short, options.topk)

    with console.progress(len(asked.labels), "users") as advance:
        size = parts.write(between, catalogue_of(run), lambda done: advance(done, "recommending"))
    say_short(short, options.topk)
    console.success(
        f"recommendations for {len(asked.labels):,} users in `{options.output}`, {size:,} bytes"
    )


def say_short(short: list[Any], topk: int) -> None:
    """Say who got fewer items than asked for."""
    if short:
        console.warn(
            f"{len(short):,} users got fewer than {topk} items, the first of them {short[0]}: "
            "no more were left"
        )


def counted(pairs: Any, advance: Any, short: list[Any], topk: int) -> Iterator[Any]:
    """Pass pairs on, move the bar every so often, and note who gets fewer than `topk` items."""
    for number, (label, result) in enumerate(pairs):
        if number % 500 == 0:
            advance(number, "recommending")
        if len(result.items) < topk:
            short.append(label)
        yield label, result


def show(
    options: RecommendOptions,
    asked: Asked,
    found: "Iterator[Recommended]",
    scorer: "ModelScorer",
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
            console.warn(f"only {len(result.items)} items were left to recommend to {label}")
        if options.as_json:
            plain.append(shown.as_plain(label, items, result, reasons, catalogue))
        else:
            shown.show(label, items, result, reasons, catalogue)
    if options.as_json:
        console.print_json(plain)
