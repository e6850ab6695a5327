"""Options shared by commands, spelled once so that they read alike everywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from seqrec_cli import console
from seqrec_cli.commands.binding import Only

if TYPE_CHECKING:
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.names import Catalogue
    from seqrec_cli.core.inference.reranking import Reranker
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.inference.scoring import ModelScorer
    from seqrec_cli.core.runs.ruling import Ruled
    from seqrec_cli.core.runs.run import Run

DataDir = Annotated[Path, Option("--data-dir", help="Folder of the prepared datasets.")]
Json = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]

RunOption = Annotated[
    str, Option("--run", metavar="RUN", help="A run: its name under runs/, or its folder.")
]
Data = Annotated[
    str | None,
    Option("--data", metavar="NAME", help="A prepared dataset: its name, or its npz file."),
]
Device = Annotated[str, Option("--device", metavar="auto|cpu|cuda|mps", help="Where to compute.")]
Overrides = Annotated[
    list[str] | None,
    Option("--set", metavar="KEY=VALUE", help="Change one setting of the experiment; repeatable."),
]
SeenOption = Annotated[
    Literal["exclude", "include"] | None,
    Option(
        "--seen",
        help="Whether items of the user's own history may be recommended.",
        show_default="as the run was trained",
    ),
]
Before = Annotated[
    Literal["end", "valid", "test"],
    Option("--before", help="Read a user's whole history, or only what comes before that part."),
]
PartOption = Annotated[
    Literal["test", "valid"], Option("--split", help="Which part is to be predicted.")
]
Seed = Annotated[int, Option("--seed", min=0, help="Seed of everything drawn at random.")]
IndexOption = Annotated[
    Literal["exact", "hnsw"],
    Option(
        "--index",
        help="Exact search, or approximate nearest neighbours (HNSW, needs the extra `ann`): then "
        "the share of the exact result that is found is measured and shown.",
    ),
]
Effort = Annotated[
    int,
    Option(
        "--effort",
        min=1,
        max=1_000_000,
        help="--index hnsw: items looked at for each user (ef_search).",
    ),
    Only(lambda values: values["index"] == "hnsw", "for --index hnsw"),
]


OnlyItems = Annotated[
    list[str] | None,
    Option(
        "--only",
        metavar="FILE|EXPRESSION",
        help="Recommend only these items: a file with one id a line, or an expression over the "
        "items' table kept in the run, such as \"category = 'shoes' and in_stock\"; repeatable, "
        "an item must fulfil all.",
    ),
]
ExcludeItems = Annotated[
    list[str] | None,
    Option(
        "--exclude",
        metavar="FILE|EXPRESSION",
        help="Never recommend these items: as --only; repeatable, an item may fulfil none.",
    ),
]
ExcludeSeen = Annotated[
    str | None,
    Option(
        "--exclude-seen",
        metavar="since=30d",
        help="Leave out only the items of the user's history since then: 30d (s, min, h, d, w) "
        "before the recommendation, or a date.",
    ),
    Only(
        lambda values: values["seen"] is None,
        "a choice of its own of which seen items are left out; beside --seen it has no use",
    ),
]
PopularityPenalty = Annotated[
    float,
    Option(
        "--popularity-penalty",
        min=0,
        max=1e6,
        help="Subtract this many times log(1 + train count of the item) from its score.",
    ),
    Only(
        lambda values: values["rerank"] is None,
        "for the scores of one stage, without --rerank",
    ),
    Only(
        lambda values: values["index"] == "exact",
        "for --index exact: with it scores are not dot products, which an index finds",
    ),
]

Diversify = Annotated[
    float,
    Option(
        "--diversify",
        min=0,
        max=1,
        help="Choose lists by maximal marginal relevance from the 200 best items: the weight of "
        "being unlike what is listed already, against the score.",
    ),
    Only(
        lambda values: values["index"] == "exact",
        "for --index exact: the recall of an index is that of lists by score",
    ),
]
DiversifyBy = Annotated[
    str,
    Option(
        "--diversify-by",
        metavar="vectors|COLUMN",
        help="What makes items alike: their vectors, or a column of the items' table.",
    ),
    Only(lambda values: values["diversify"] > 0, "for --diversify"),
]


WITH_RERANK = Only(lambda values: values["rerank"] is not None, "for --rerank RUN")
Rerank = Annotated[
    str | None,
    Option(
        "--rerank",
        metavar="RUN",
        help="A ranking run (of a dataset made with --task ranking): it orders what is found.",
    ),
]
Candidates = Annotated[
    int,
    Option("--candidates", min=1, max=100_000, help="--rerank: how many items it orders."),
    WITH_RERANK,
]
RetrievalWeight = Annotated[
    float,
    Option(
        "--retrieval-weight",
        min=0,
        max=1e6,
        help="--rerank: how much the finder's own scores count in the order, in logits for each of "
        "their standard deviations; choose it with evaluate --split valid.",
    ),
    WITH_RERANK,
]


def make_reranker(
    name: str,
    finder: "Retriever | None",
    scorer: "ModelScorer",
    catalogue: "Catalogue",
    candidates: int,
    dataset: "SequenceDataset | None",
    before: Literal["end", "valid", "test"],
    retrieval_weight: float,
    rules: "Rules | None" = None,
) -> "Reranker":
    """What orders the finds of a retrieval model by the ranking run called `name`."""
    from seqrec_cli.core.runs import loading
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    run = Run.open(find_run(name))
    reranker = loading.make_reranker(
        run, finder, scorer, catalogue, candidates, dataset, before, retrieval_weight, rules
    )
    console.warn_all(run.notes)
    return reranker


def make_retriever(
    run: "Run", scorer: "ModelScorer", index: str, effort: int, rules: "Rules | None" = None
) -> "Retriever | None":
    """What finds items by the run's index, which is made if it has to be; None for all items."""
    from seqrec_cli.core.runs import loading

    retriever, made = loading.make_retriever(run, scorer, index, effort, rules)
    if made:
        console.info(f"indexed {scorer.num_items:,} items, kept in {run.path}")
    return retriever


def make_rules(options: Any, run: "Run", unit: str | None) -> "Ruled":
    """The rules that the options ask for, over the items of a run; `unit` is that of the times of
    the histories, None where they have none."""
    from seqrec_cli.core.inference.recent import Since
    from seqrec_cli.core.runs import ruling

    since = None
    if getattr(options, "exclude_seen", None) is not None:
        since = Since.parse(options.exclude_seen, unit)
    wanted = ruling.Wanted(
        only=options.only or (),
        exclude=options.exclude or (),
        since=since,
        popularity_penalty=getattr(options, "popularity_penalty", 0.0),
        diversify=getattr(options, "diversify", 0.0),
        diversify_by=getattr(options, "diversify_by", ""),
    )
    return ruling.make_rules(run, wanted)


def diversified(
    options: Any, run: "Run", scorer: "ModelScorer", finder: "Finder | None", rules: "Rules | None"
) -> "Finder | None":
    """The finder, or what chooses diverse lists from its finds if that is asked for."""
    if not options.diversify:
        return finder
    from seqrec_cli.core.inference.diversity import Diverse
    from seqrec_cli.core.inference.retrieval import Exact
    from seqrec_cli.core.runs.ruling import similarity_of

    similarity = similarity_of(run, scorer, options.diversify_by)
    return Diverse(finder or Exact(scorer, rules), similarity, options.diversify)
