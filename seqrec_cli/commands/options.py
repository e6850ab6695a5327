"""Options shared by commands, spelled once so that they read alike everywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, BadParameter, Option

from seqrec_cli import console
from seqrec_cli.commands.binding import Only
from seqrec_cli.commands.completing import dataset_names, run_names, setting_keys

LATEST = "latest"

# Panels of `--help`: what belongs together stands together, in every command.
DATA, RULES, SEARCH, STAGES = "Data and device", "Rules", "Search", "Two stages (--rerank RUN)"

DataDir = Annotated[
    Path,
    Option("--data-dir", help="Folder of the prepared datasets.", rich_help_panel=DATA),
]
Json = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]

Data = Annotated[
    str | None,
    Option(
        "--data",
        metavar="NAME",
        help="A prepared dataset: its name, or its npz file.",
        autocompletion=dataset_names,
        rich_help_panel=DATA,
    ),
]
Device = Annotated[
    str,
    Option(
        "--device",
        metavar="auto|cpu|cuda|mps",
        help="Where to compute.",
        rich_help_panel=DATA,
    ),
]
Overrides = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one setting of the experiment; repeatable.",
        autocompletion=setting_keys,
    ),
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
TargetsOption = Annotated[
    Literal["last", "all"],
    Option(
        "--targets",
        help="Predict what follows each user's history (of a session held out whole: its last "
        "item), and average over users; or every item of the part from all before it, and "
        "average over all of them, as session-based papers do. Intervals are over users.",
    ),
]
PartOption = Annotated[
    Literal["test", "valid"], Option("--split", help="Which part is to be predicted.")
]
Seed = Annotated[int, Option("--seed", min=0, help="Seed of all random draws.")]
IndexOption = Annotated[
    Literal["exact", "hnsw"],
    Option(
        "--index",
        help="Exact search, or approximate nearest neighbours (HNSW, needs the extra `ann`): then "
        "the share of the exact result that is found is measured and shown.",
        rich_help_panel=SEARCH,
    ),
]
Effort = Annotated[
    int,
    Option(
        "--effort",
        min=1,
        max=1_000_000,
        help="--index hnsw: items looked at for each user (ef_search).",
        rich_help_panel=SEARCH,
    ),
    Only(lambda values: values["index"] == "hnsw", "for --index hnsw"),
]

SafeCsv = Annotated[
    bool,
    Option(
        "--safe-csv",
        help="For spreadsheets: put an apostrophe before each text that begins with = + - @, tab "
        "or line end, which they would take for a formula.",
    ),
]

# RUN stands behind the command or after --run, whatever the command.
RunArgument = Annotated[
    str | None,
    Argument(metavar="[RUN]", help="A run; the latest if none is named.", autocompletion=run_names),
]
RunInstead = Annotated[
    str | None,
    Option(
        "--run",
        metavar="RUN",
        help="The same as RUN: its name under runs/, or its folder.",
        autocompletion=run_names,
    ),
]
RunArguments = Annotated[
    list[str] | None,
    Argument(metavar="[RUN]…", help="Runs; the latest if none is named.", autocompletion=run_names),
]
RunsInstead = Annotated[
    list[str] | None,
    Option(
        "--run",
        metavar="RUN",
        help="The same as RUN: its name under runs/, or its folder; repeatable.",
        autocompletion=run_names,
    ),
]


def chosen_run(positional: str | None, option: str | None) -> str:
    """The run that is named behind the command or by --run; the latest if neither is.

    Raises:
        typer.BadParameter: both are.
    """
    if positional is not None and option is not None:
        raise BadParameter(f"`{positional}` and --run {option} name a run each: leave one out")
    return positional or option or LATEST


@dataclass(frozen=True, kw_only=True)
class OfOneRun:
    """The options of a command about one run, which stands behind the command or after --run."""

    named: RunArgument = None
    named_by_option: RunInstead = None

    @property
    def run(self) -> str:
        """The run's name or folder; `latest` if none is named."""
        return chosen_run(self.named, self.named_by_option)


def chosen_runs(positional: list[str] | None, option: list[str] | None) -> list[str]:
    """The runs that are named behind the command or by --run; the latest if none is."""
    return [*(positional or ()), *(option or ())] or [LATEST]


def say_which(name: str, path: Path) -> None:
    """Where the latest run was taken, say so if a newer one has not ended."""
    from seqrec_cli.core.runs.status import newer_unfinished

    if name == LATEST:
        for newer in newer_unfinished(path):
            console.warn(f"{newer.path} is {newer.in_words()}; the latest finished run is {path}")


OnlyItems = Annotated[
    list[str] | None,
    Option(
        "--only",
        metavar="FILE|EXPRESSION",
        help="Recommend only these items: a file with one id a line, or an expression over the "
        "items' table kept in the run, such as \"category = 'shoes' and in_stock\"; repeatable, "
        "an item must fulfil all.",
        rich_help_panel=RULES,
    ),
]
ExcludeItems = Annotated[
    list[str] | None,
    Option(
        "--exclude",
        metavar="FILE|EXPRESSION",
        help="Never recommend these items: as --only; repeatable, an item may fulfil none.",
        rich_help_panel=RULES,
    ),
]
ExcludeSeen = Annotated[
    str | None,
    Option(
        "--exclude-seen",
        metavar="since=30d",
        help="Leave out only the items of the user's history since then: 30d (s, min, h, d, w) "
        "before the recommendation, or a date.",
        rich_help_panel=RULES,
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
        rich_help_panel=RULES,
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
        rich_help_panel=RULES,
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
        rich_help_panel=RULES,
    ),
    Only(lambda values: values["diversify"] > 0, "for --diversify"),
]


WITH_RERANK = Only(lambda values: values["rerank"] is not None, "for --rerank RUN")
Rerank = Annotated[
    str | None,
    Option(
        "--rerank",
        metavar="RUN",
        autocompletion=run_names,
        help="A ranking run (of a dataset made with --task ranking): it orders what is found.",
        rich_help_panel=STAGES,
    ),
]
Candidates = Annotated[
    int,
    Option(
        "--candidates",
        min=1,
        max=100_000,
        help="--rerank: how many items it orders.",
        rich_help_panel=STAGES,
    ),
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
        rich_help_panel=STAGES,
    ),
    WITH_RERANK,
]


RayWorkers = Annotated[
    int | None,
    Option(
        "--workers",
        min=1,
        max=1000,
        help="How many processes of this machine Ray uses; RAY_ADDRESS names a cluster.",
        show_default="one for each core",
    ),
    Only(lambda values: values["engine"] is not None, "for --engine ray"),
]


def writes_csv(option: str) -> Only:
    """Says that an option has a use where the file of another one is a CSV."""
    return Only(
        lambda values: str(values[option]).endswith(".csv"),
        f"for --{option.replace('_', '-')} FILE.csv",
    )
