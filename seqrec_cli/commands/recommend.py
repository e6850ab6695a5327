"""seqrec recommend: what comes next, for users of the dataset or for somebody new."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.options import (
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
from seqrec_cli.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.sequences import Sequences
    from seqrec_cli.core.inference.names import Catalogue
    from seqrec_cli.core.inference.recommendation import Recommended
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.scoring import Seen
    from seqrec_cli.core.runs.run import Run

RECENT = 5  # items of the history that are shown
MEASURED_USERS = 200  # for whom an approximate result is held against the exact one
WANTED_RECALL = 0.95


def recommend(
    user: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A user's id, as in the source; repeatable."),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            metavar='"ID ID …"',
            help="What somebody new did, oldest first: item ids, or titles between semicolons.",
        ),
    ] = None,
    users: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with a user's id a line.")
    ] = None,
    topk: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many items.")] = 10,
    run: RunOption = "latest",
    seen: SeenOption = "exclude",
    why: Annotated[
        bool, typer.Option("--why", help="Show which items of the history carried each item.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write to a .csv or .jsonl file instead."),
    ] = None,
    before: Annotated[
        Literal["end", "valid", "test"],
        typer.Option(help="Read a user's whole history, or only what comes before that part."),
    ] = "end",
    index: IndexOption = "exact",
    effort: Effort = 128,
    rerank: Rerank = None,
    candidates: Candidates = 200,
    retrieval_weight: RetrievalWeight = 0.0,
    data: Data = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Recommend what comes next, for users of the dataset or for somebody new.

    $ seqrec recommend --user 42 --topk 10
    """
    if sum(given is not None for given in (user, history, users)) != 1:
        raise typer.BadParameter('name somebody: --user ID, --history "ID ID …", or --users FILE')
    if users is not None and output is None:
        raise typer.BadParameter("--users FILE needs --output FILE (.csv or .jsonl)")
    if output is not None and (why or as_json):
        raise typer.BadParameter("--why and --json are for the screen: leave out --output")

    if why and rerank is not None:
        raise typer.BadParameter("--why explains one model's scores: leave out --rerank")

    from seqrec_cli.core.data.sequences import Sequences
    from seqrec_cli.core.data.store import TASK
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference import export, recommendation
    from seqrec_cli.core.inference.names import Names, find_history, read_ids
    from seqrec_cli.core.inference.reranking import check_candidates
    from seqrec_cli.core.runs.run import Run, newest_of

    if output is not None:
        export.check_output(output)
    if rerank is not None:
        check_candidates(candidates, topk)
    opened = Run.open(newest_of(TASK, run))
    catalogue = opened.catalogue()
    scorer = opened.load_scorer(choose_device(device))
    for note in opened.notes:
        console.warn(note)
    names = Names.of_items(catalogue)
    dataset = None
    if history is not None:
        items, unknown = find_history(names, history)
        for piece in unknown:
            console.warn(f"`{piece}` is not in the catalogue and was left out")
        labels: list[Any] = ["new"]
        histories = Sequences.from_lists([items.tolist()])
    else:
        if users is not None:
            user = read_ids(users)
        assert user is not None
        dataset, labels, histories = known_histories(opened, user, before, data, data_dir)
    retriever = make_retriever(opened, scorer, index, effort)
    finder: Finder | None = retriever
    if retriever is not None:
        say_recall(retriever, histories, topk if rerank is None else candidates, seen)
    if rerank is not None:
        item_ids = catalogue.item_ids
        parts = retriever, scorer, item_ids, candidates, dataset, before
        second = make_reranker(rerank, *parts, retrieval_weight)
        console.info(
            f"{candidates} candidates found by {opened.path}, ordered by {second.ranker.path}"
        )
        finder = second
    found = recommendation.recommend(scorer, histories, topk, seen, finder)
    if output is not None:
        labelled = zip(labels, found, strict=True)
        with console.progress(len(labels), "users") as advance:
            short: list[Any] = []
            pairs = counted(labelled, advance, short, topk)
            count = export.write_recommendations(output, pairs, catalogue)
        if short:
            console.warn(
                f"{len(short):,} users got fewer than {topk} items, the first of them {short[0]}: "
                "no more were left"
            )
        console.success(f"{count:,} recommendations for {len(labels):,} users in `{output}`")
        return
    plain = []
    for row, (label, items, result) in enumerate(zip(labels, histories, found, strict=True)):
        one = histories.only(row)
        reasons = recommendation.influence(scorer, one, result.items) if why else None
        if len(result.items) < topk:
            console.warn(f"only {len(result.items)} items were left to recommend to {label}")
        if as_json:
            plain.append(as_plain(label, items, result, reasons, catalogue))
        else:
            show(label, items, result, reasons, catalogue)
    if as_json:
        console.print_json(plain)


def say_recall(retriever: "Retriever", histories: "Sequences", k: int, seen: "Seen") -> None:
    """Measure how much of the exact result is found, and say so."""
    from seqrec_cli.core.inference.retrieval import measured_recall

    recall, count = measured_recall(retriever, histories, k, seen, MEASURED_USERS)
    console.info(f"hnsw: recall@{k} {recall:.4f} of the exact result, over {count:,} histories")
    if recall < WANTED_RECALL:
        console.warn(f"that is little: look at more items with `--effort {4 * retriever.effort}`")


def known_histories(
    opened: "Run",
    ids: list[str],
    before: Literal["end", "valid", "test"],
    data: str | None,
    data_dir: Path,
) -> "tuple[SequenceDataset, list[Any], Any]":
    """The dataset, and its users' histories, up to the end or before one of its parts."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.names import Names, find_users

    dataset = SequenceDataset.load(opened.find_data(data, data_dir))
    opened.check_data(dataset)
    found = find_users(Names(dataset.user_ids), ids, dataset.name)
    histories = dataset.histories(before).take(found)
    empty = histories.lengths == 0
    if empty.any():
        raise InputError(f"user `{ids[int(empty.argmax())]}` has no history", "leave that user out")
    return dataset, [dataset.user_ids[index].item() for index in found], histories


def counted(pairs: Any, advance: Any, short: list[Any], topk: int) -> Iterator[Any]:
    """Pass pairs on, move the bar every so often, and note who gets fewer than `topk` items."""
    for number, (label, result) in enumerate(pairs):
        if number % 500 == 0:
            advance(number, "recommending")
        if len(result.items) < topk:
            short.append(label)
        yield label, result


def name_of(item: int, catalogue: "Catalogue") -> tuple[Any, str]:
    """An item's id in the source, and its title or ""."""
    title = "" if catalogue.titles is None else str(catalogue.titles[item - 1])
    return catalogue.item_ids[item - 1].item(), title


def as_plain(
    label: Any,
    items: "NDArray[np.int32]",
    result: "Recommended",
    reasons: "NDArray[np.float32] | None",
    catalogue: "Catalogue",
) -> dict[str, Any]:
    """One user's recommendations, for JSON."""

    def plain(item: int) -> dict[str, Any]:
        item_id, title = name_of(item, catalogue)
        return {"item": item_id} | ({"title": title} if title else {})

    rows: list[dict[str, Any]] = []
    for rank, (item, score) in enumerate(zip(result.items, result.scores, strict=True)):
        row = {"rank": rank + 1, **plain(int(item)), "score": float(score)}
        if reasons is not None:
            row["why"] = [
                plain(int(items[at])) | {"influence": float(reasons[rank, at])}
                for at in strongest(reasons[rank])
            ]
        rows.append(row)
    return {"user": label, "recent": [plain(int(i)) for i in items[-RECENT:]], "items": rows}


def strongest(reasons: "NDArray[np.float32]", count: int = 3) -> list[int]:
    """Where the largest positive influences are."""
    best = (-reasons).argsort(kind="stable")[:count]
    return [int(at) for at in best if reasons[at] > 0]


def show(
    label: Any,
    items: "NDArray[np.int32]",
    result: "Recommended",
    reasons: "NDArray[np.float32] | None",
    catalogue: "Catalogue",
) -> None:
    """Print one user's recent history and recommendations."""

    def text(item: int) -> str:
        item_id, title = name_of(item, catalogue)
        return f"{title} [{item_id}]" if title else str(item_id)

    recent = "; ".join(text(int(item)) for item in items[-RECENT:])
    more = f"{len(items) - RECENT:,} earlier items; " if len(items) > RECENT else ""
    console.print_text(f"user {label}: {more}{recent}")
    columns = ["rank", "item", "title", "score"] + (["why"] if reasons is not None else [])
    rows = []
    for rank, (item, score) in enumerate(zip(result.items, result.scores, strict=True)):
        item_id, title = name_of(int(item), catalogue)
        row = [str(rank + 1), str(item_id), title, f"{score:.3f}"]
        if reasons is not None:
            carried = (
                f"{text(int(items[at]))} +{reasons[rank, at]:.2f}"
                for at in strongest(reasons[rank])
            )
            row.append("; ".join(carried))
        rows.append(row)
    console.print_table(columns, rows, left=(2, 4))
