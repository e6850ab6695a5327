"""seqrec similar: the items most like an item, by the model's vectors or by what followed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    Device,
    Effort,
    ExcludeItems,
    IndexOption,
    Json,
    OfOneRun,
    OnlyItems,
    say_which,
)
from seqrec_cli.commands.reports import recommendation as shown
from seqrec_cli.commands.reports import rules as shown_rules
from seqrec_cli.commands.stages import measure_recall, open_rules, say_indexed
from seqrec_cli.wording import counted, verb

if TYPE_CHECKING:
    from seqrec_cli.core.inference.names import Catalogue
    from seqrec_cli.core.runs.run import Run

VECTORS = Only(lambda values: values["by"] == "vectors", "for --by vectors")


@dataclass(frozen=True, kw_only=True)
class SimilarOptions(OfOneRun):
    """The options of `seqrec similar`."""

    item: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="An item's id or title; repeatable. None: all items."),
    ] = None
    topk: Annotated[
        int, typer.Option("--topk", "--k", min=1, max=1_000_000, help="How many items.")
    ] = 10
    by: Annotated[
        Literal["vectors", "transitions"],
        typer.Option(
            help="The cosine of the model's vectors, or the log probability that an item comes "
            "right after, counted in the train part."
        ),
    ] = "vectors"
    only: OnlyItems = None
    exclude: ExcludeItems = None
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write to a .csv or .jsonl file instead."),
    ] = None
    index: Annotated[IndexOption, VECTORS] = "exact"
    effort: Effort = 128
    data: Annotated[
        Data, Only(lambda values: values["by"] == "transitions", "for --by transitions")
    ] = None
    data_dir: DataDir = Path("data")
    device: Device = "auto"
    as_json: Json = False


@takes(SimilarOptions)
def similar(options: SimilarOptions) -> None:
    """List the items most like an item, or like each of all items.

    $ seqrec similar ml-100k-sasrec-1 --item "Toy Story (1995)"
    """
    check_similar_options(options)
    from seqrec_cli.core.data.store import NEXT_ITEM
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.recommendation import recommend
    from seqrec_cli.core.inference.similar import histories_of_one
    from seqrec_cli.core.runs.loading import newest_of
    from seqrec_cli.core.runs.run import Run

    if options.output is not None:
        check_output(options.output)
    run = Run.open(newest_of(NEXT_ITEM, options.run))
    say_which(options.run, run.path)
    ruled = open_rules(options, run, None)
    items = items_asked_for(run, options)
    shown_rules.show_rules(ruled)
    scorer, finder = scorer_and_index(run, options, ruled.rules)
    console.warn_all(run.notes)
    histories = histories_of_one(items)
    if finder is not None:
        measure_recall(finder, histories, options.topk, "exclude")
    found = recommend(scorer, histories, options.topk, "exclude", finder, ruled.rules)
    write_or_show(run, options, items, found)


def check_similar_options(options: SimilarOptions) -> None:
    """Refuse options that exclude each other."""
    if options.item is None and options.output is None:
        raise typer.BadParameter("name an item: --item ID; or all of them: --output FILE")
    if options.output is not None and options.as_json:
        raise typer.BadParameter("--json is for the screen: leave out --output")


def items_asked_for(run: "Run", options: SimilarOptions) -> Any:
    """The items that are named, or all of them of which something is known."""
    from seqrec_cli.core.inference.similar import named_items
    from seqrec_cli.core.runs.learned import items_learned_of, refuse_new
    from seqrec_cli.core.runs.loading import catalogue_of

    if options.item is None:
        items = items_learned_of(run, by_vectors=options.by == "vectors")
    else:
        items = named_items(catalogue_of(run), options.item)
        if options.by == "vectors":
            refuse_new(run, items)
    if options.by == "transitions":
        say_never_followed(catalogue_of(run), items)
    return items


def say_never_followed(catalogue: "Catalogue", items: Any) -> None:
    """Say of which items nothing is known to have followed."""
    if catalogue.counts is None:
        return
    unseen = catalogue.item_ids[items[catalogue.counts[items - 1] == 0] - 1]
    if len(unseen):
        console.warn(
            f"{counted(len(unseen), 'item')}, the first `{unseen[0]}`, "
            f"{verb(len(unseen), 'is', 'are')} not in the train part: what is popular is listed"
        )


def scorer_and_index(run: "Run", options: SimilarOptions, rules: Any) -> tuple[Any, Any]:
    """What scores, and the index that finds, if one is asked for."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference.scoring import require_vectors
    from seqrec_cli.core.inference.similar import Cosine, followers
    from seqrec_cli.core.runs import loading

    if options.by == "transitions":
        train = loading.train_part_of(run, options.data, options.data_dir)
        return followers(train, run.manifest()["items"]), None
    loaded = loading.load_scorer(run, choose_device(options.device))
    scorer = Cosine(require_vectors(loaded, "use `--by transitions`, or "))
    if options.index == "exact":
        return scorer, None
    retriever, made = loading.make_retriever(
        run, scorer, options.index, options.effort, rules, "similar"
    )
    if made:
        say_indexed(scorer.num_items, run)
    return scorer, retriever


def write_or_show(run: "Run", options: SimilarOptions, items: Any, found: Any) -> None:
    """Write the lists to a file, or print them."""
    from seqrec_cli.core.inference.export import write_recommendations
    from seqrec_cli.core.runs.loading import catalogue_of

    catalogue, plain = catalogue_of(run), []
    labels = catalogue.item_ids[items - 1].tolist()
    pairs = zip(labels, found, strict=True)
    if options.output is not None:
        count = write_recommendations(options.output, pairs, catalogue, ("item", "similar"))
        console.success(f"{counted(count, 'similar item')} of {len(items):,} in `{options.output}`")
        return
    for label, (item, result) in zip(labels, zip(items, found, strict=True), strict=True):
        if not len(result.items):
            console.warn(f"no item is left that could be similar to {label}")
        if options.as_json:
            plain.append(shown.similar_as_plain(int(item), result, catalogue))
        else:
            shown.show_similar(int(item), result, catalogue)
    if options.as_json:
        console.print_json(plain)
        return
    meaning = "log probability that it comes right after"
    console.info(f"score: {'cosine of the vectors' if options.by == 'vectors' else meaning}")
