"""Options shared by commands, and what is made of them, so that they are alike everywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from seqrec_cli import console

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.reranking import Reranker
    from seqrec_cli.core.inference.retrieval import Retriever
    from seqrec_cli.core.inference.scoring import ModelScorer
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
    Literal["exclude", "include"],
    Option("--seen", help="Whether items of the user's own history may be recommended."),
]
Seed = Annotated[int, Option("--seed", min=0, help="Seed of whatever is drawn at random.")]
IndexOption = Annotated[
    Literal["exact", "hnsw"],
    Option(
        "--index",
        help="Look at every item, or at about the nearest ones (needs the extra `ann`); then the "
        "share of the exact result that is found is measured and shown.",
    ),
]
Effort = Annotated[
    int,
    Option("--effort", min=1, max=1_000_000, help="--index hnsw: items looked at for each user."),
]


Rerank = Annotated[
    str | None,
    Option(
        "--rerank",
        metavar="RUN",
        help="A run that ranks (seqrec prepare --task ranking): it orders what is found.",
    ),
]
Candidates = Annotated[
    int,
    Option("--candidates", min=1, max=100_000, help="--rerank: items found to be ordered."),
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
]


def make_reranker(
    name: str,
    finder: "Retriever | None",
    scorer: "ModelScorer",
    item_ids: "NDArray[Any]",
    candidates: int,
    dataset: "SequenceDataset | None",
    before: Literal["end", "valid", "test"],
    retrieval_weight: float,
) -> "Reranker":
    """What orders the finds of a retrieval model by the ranking run called `name`."""
    from seqrec_cli.core.inference.ranker import Ranker
    from seqrec_cli.core.inference.reranking import Reranker
    from seqrec_cli.core.inference.retrieval import Exact
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    run = Run.open(find_run(name))
    ranker = Ranker.load(run, scorer.device)
    for note in run.notes:
        console.warn(note)
    first = finder or Exact(scorer)
    return Reranker(first, ranker, item_ids, candidates, dataset, before, retrieval_weight)


def make_retriever(
    opened: "Run", scorer: "ModelScorer", index: str, effort: int
) -> "Retriever | None":
    """What finds items by the run's index, which is made if it has to be; None for all items."""
    from seqrec_cli.core.inference.retrieval import Retriever, check_index

    if index == "exact":
        return None
    check_index(scorer)
    found, made = opened.load_index(scorer)
    if made:
        console.info(f"indexed {len(found):,} items, kept in {opened.path}")
    return Retriever(scorer, found, effort)
