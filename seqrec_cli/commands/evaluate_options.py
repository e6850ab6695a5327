"""The options of `seqrec evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli.commands.binding import Only
from seqrec_cli.commands.options import (
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
    OnlyItems,
    PartOption,
    PopularityPenalty,
    Rerank,
    RetrievalWeight,
    RunArguments,
    RunsInstead,
    SafeCsv,
    Seed,
    SeenOption,
    chosen_runs,
    writes_csv,
)
from seqrec_cli.errors import InputError

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.queries import Targets

BESIDE = "Beside the figures"
ONE_STAGE = Only(lambda values: values["rerank"] is None, "for one stage, without --rerank")
ONE_MOMENT = Only(
    lambda values: values["targets"] != "all", "for one moment a user: not --targets all"
)
FULL = Only(
    lambda values: values["protocol"] == "full",
    "for --protocol full: the sampled protocol ranks 100 given items, none of them seen",
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """The options of `seqrec evaluate`."""

    named: RunArguments = None
    named_by_option: RunsInstead = None
    split: PartOption = "test"
    protocol: Annotated[
        Literal["full", "sampled"],
        typer.Option(help="Rank against the whole catalogue, or against 100 random items."),
    ] = "full"
    k: Annotated[str, typer.Option("--k", "--topk", help="List lengths, separated by commas.")] = (
        "1,5,10,20"
    )
    seen: Annotated[SeenOption, FULL] = None
    targets: Annotated[
        str,
        typer.Option(
            metavar="last|all|N",
            help="Predict what follows each user's history (of a session held out whole: its last "
            "item), and average over users; or every item of the part from all before it, and "
            "average over all of them, as session-based papers do. Intervals are over users. A "
            "number: the next N events of each user, as one set (of a session its last N).",
        ),
        FULL,
        ONE_STAGE,
    ] = "last"
    only: Annotated[OnlyItems, FULL] = None
    exclude: Annotated[ExcludeItems, FULL] = None
    exclude_seen: Annotated[
        ExcludeSeen,
        FULL,
        ONE_MOMENT,
    ] = None
    popularity_penalty: Annotated[PopularityPenalty, FULL] = 0.0
    prior: Annotated[
        Literal["popularity"] | None,
        typer.Option(
            help="Add log(1 + train count of the item) to its score, times the weight that is best "
            "on the valid part by the same protocol: random candidates reward popularity.",
        ),
        Only(lambda values: not values["popularity_penalty"], "the opposite of a penalty"),
        ONE_STAGE,
        Only(
            lambda values: values["index"] == "exact",
            "for --index exact: with it scores are not dot products, which an index finds",
        ),
        ONE_MOMENT,
    ] = None
    reweigh: Annotated[
        bool,
        typer.Option(
            "--reweigh",
            help="Weigh anew what joins the network (`weight: auto`), by what is best on the valid "
            "part by this protocol: another one than the training's may like other weights.",
        ),
        ONE_STAGE,
        Only(
            lambda values: values["index"] == "exact",
            "for --index exact: an index has the weights of the training",
        ),
        ONE_MOMENT,
    ] = False
    diversify: Annotated[Diversify, FULL] = 0.0
    diversify_by: DiversifyBy = "vectors"
    sample_users: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Ask about a random sample of N users, with exact ranks: the interval says how "
            "sure that is.",
            show_default="all users",
        ),
    ] = None
    baselines: Annotated[
        bool,
        typer.Option(help="Include baselines that need no training.", rich_help_panel=BESIDE),
    ] = True
    per_user: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write each user's metrics to a .csv or .jsonl file.",
            rich_help_panel=BESIDE,
        ),
    ] = None
    safe_csv: Annotated[SafeCsv, writes_csv("per_user")] = False
    index: Annotated[IndexOption, FULL] = "exact"
    effort: Effort = 128
    rerank: Annotated[Rerank, FULL] = None
    candidates: Candidates = 200
    retrieval_weight: RetrievalWeight = 0.0
    data: Data = None
    data_dir: DataDir = Path("data")
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=VALUE",
            help="Exit code 1 if a run has less, such as ndcg@10=0.12; repeatable.",
            rich_help_panel=BESIDE,
        ),
    ] = None
    seed: Seed = 0
    device: Device = "auto"
    as_json: Json = False

    @property
    def runs(self) -> list[str]:
        return chosen_runs(self.named, self.named_by_option)


def parse_targets(text: str) -> "Targets":
    """What is predicted: last, all, or a number of events."""
    from seqrec_cli.core.storage.text import is_digits

    if text == "last":
        return "last"
    if text == "all":
        return "all"
    if is_digits(text) and len(text) < 8 and 0 < int(text) <= 10**6:
        return int(text)
    raise InputError(f"`--targets {text}` is not last, all or a number", "write `--targets 5`")


def parse_ks(text: str) -> list[int]:
    """List lengths, ascending."""
    from seqrec_cli.core.storage.text import is_digits

    pieces = [piece.strip() for piece in text.split(",")]
    if not all(is_digits(p) and len(p) < 8 and 0 < int(p) <= 10**6 for p in pieces):
        raise InputError(f"`--k {text}` is not a list of lengths", "write for example `--k 5,10`")
    return sorted({int(piece) for piece in pieces})
