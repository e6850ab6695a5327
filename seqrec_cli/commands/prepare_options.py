"""The options of `seqrec prepare`, in panels, each with when it applies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from seqrec_cli.commands.binding import Only
from seqrec_cli.commands.completing import source_names
from seqrec_cli.commands.options import DataDir, Json

SOURCE, COLUMNS, FILTERS = "Source and result", "Reading the file", "Filters"
SPLIT, FEATURES, RANKING = "Split", "Features", "Ranking (--task ranking)"


def kind(values: Mapping[str, Any]) -> str:
    """What the source is: demo, named, pair or log."""
    from seqrec_cli.core.data.loading import source_kind

    source = values["sources"][0] if values["sources"] else str(values["train"])
    return source_kind(source, values["task"])


def is_log(values: Mapping[str, Any]) -> bool:
    return kind(values) in ("log", "named")


def is_next_item(values: Mapping[str, Any]) -> bool:
    return bool(values["task"] == "next-item")


def makes_rows(values: Mapping[str, Any]) -> bool:
    return values["task"] == "ranking" and is_log(values)


A_FILE = Only(is_log, "for logs, not for the demo nor for a folder with train.csv and test.csv")
NOT_A_PAIR = Only(
    lambda values: kind(values) != "pair", "not for a folder with train.csv and test.csv"
)
WITH_FEATURES = Only(
    lambda values: kind(values) != "demo", "not for the demo, which has no features"
)
NEXT_ITEM = Only(is_next_item, "not for --task ranking")
ROWS_OF_A_LOG = Only(makes_rows, "for --task ranking of a log")
BY_TIME = Only(
    lambda values: is_next_item(values) and values["split"] in ("time", "sessions"),
    "for --split time or sessions",
)
LEAVE_ONE_OUT = Only(
    lambda values: is_next_item(values) and values["split"] in (None, "leave-one-out"),
    "for --split leave-one-out of --task next-item",
)
A_PAIR = Only(
    lambda values: kind(values) == "pair",
    "for --task ranking of a folder with train.csv and test.csv; name a log's columns with "
    "--columns",
)
SAMPLED = Only(
    lambda values: makes_rows(values) and values["negatives"] > 0,
    "for --task ranking with --negatives",
)
RANDOM = Only(
    lambda values: (
        (
            values["task"] == "ranking"
            or kind(values) == "demo"
            or values["shuffle_order"] is not None
        )
        and kind(values) != "pair"
    ),
    "for the demo, --shuffle-order or --task ranking of a log, as nothing else draws numbers",
)


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """The options of `seqrec prepare`."""

    sources: Annotated[
        list[str] | None,
        Argument(
            metavar="SOURCE…",
            autocompletion=source_names,
            help="A named dataset (ml-100k, ml-1m, ml-20m, ml-25m, ml-32m, ml-latest-small), "
            "`demo` for a generated one, or the path or address of a file, of several, of a "
            "folder or an archive.",
            show_default=False,
        ),
    ] = None
    like: Annotated[
        Path | None,
        Option(
            metavar="OLD.json",
            help="Prepare as the dataset of this manifest was: with the options that were typed "
            "then, except those that are typed now.",
            rich_help_panel=SOURCE,
        ),
    ] = None
    task: Annotated[
        Literal["next-item", "ranking"],
        Option(
            help="What models learn: the next item, or whether a candidate is liked.",
            rich_help_panel=SOURCE,
        ),
    ] = "next-item"
    name: Annotated[
        str | None,
        Option(
            help="Name of the result.",
            show_default="after the source",
            metavar="NAME",
            rich_help_panel=SOURCE,
        ),
    ] = None
    train: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="File with the train part, in place of SOURCE.",
            rich_help_panel=SOURCE,
        ),
        A_FILE,
    ] = None
    valid: Annotated[
        str | None,
        Option(metavar="FILE", help="File with the valid part.", rich_help_panel=SOURCE),
        A_FILE,
    ] = None
    test: Annotated[
        str | None,
        Option(metavar="FILE", help="File with the test part.", rich_help_panel=SOURCE),
        A_FILE,
    ] = None
    force: Annotated[
        bool,
        Option(
            "--force",
            help="Replace a dataset of that name that was made from another file.",
            rich_help_panel=SOURCE,
        ),
        Only(lambda values: not values["dry_run"], "for what is written, not for --dry-run"),
    ] = False
    shards: Annotated[
        int | None,
        Option(
            min=1,
            max=500,
            help="Write a folder of N files by user range, which are read where they lie, for data "
            "larger than memory.",
            show_default="one file",
            rich_help_panel=SOURCE,
        ),
        NEXT_ITEM,
    ] = None
    engine: Annotated[
        Literal["ray", "disk"] | None,
        Option(
            help="Prepare several files of plain columns as shards: with Ray on many cores or "
            "machines, or one by one with rows on the disk, so that memory holds those of one.",
            show_default="the log as a whole",
            rich_help_panel=SOURCE,
        ),
        NEXT_ITEM,
        A_FILE,
    ] = None
    workers: Annotated[
        int | None,
        Option(
            min=1,
            max=1000,
            help="How many processes of this machine Ray uses; RAY_ADDRESS names a cluster.",
            show_default="one for each core",
            rich_help_panel=SOURCE,
        ),
        Only(lambda values: values["engine"] == "ray", "for --engine ray"),
    ] = None
    dry_run: Annotated[
        bool,
        Option(
            "--dry-run",
            help="Print the inferred role of each column, and stop.",
            rich_help_panel=SOURCE,
        ),
        A_FILE,
    ] = False
    format_: Annotated[
        Literal["user-item", "delimited", "movielens", "inter", "parquet", "json", "sequences"]
        | None,
        Option(
            "--format",
            metavar="FORMAT",
            help="Format of the file: user-item, delimited, movielens, inter, parquet, json or "
            "sequences.",
            show_default="auto-detected",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = None
    columns: Annotated[
        str | None,
        Option(
            metavar="ROLE=COLUMN,…",
            help="The column of each role, by name, number from 1 or path in nested data: "
            "user=…,item=…,time=…,rating=…,session=…; adds to what is inferred.",
            show_default="auto-detected",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = None
    delimiter: Annotated[
        str | None,
        Option(
            help="What separates the columns, such as ';' or '::'.",
            show_default="auto-detected",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = None
    header: Annotated[
        bool | None,
        Option(
            "--header/--no-header",
            help="Whether the file has a header row.",
            show_default="auto-detected",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = None
    encoding: Annotated[
        str,
        Option(
            help="Encoding of the text, such as latin-1.",
            show_default="UTF-8",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = ""
    time_format: Annotated[
        str,
        Option(
            help="How times are written, as for strptime: '%d.%m.%Y %H:%M'.",
            show_default="inferred",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = ""
    rating_values: Annotated[
        str | None,
        Option(
            metavar="WORD=NUMBER,…",
            help="The rating that each word stands for.",
            rich_help_panel=COLUMNS,
        ),
        A_FILE,
    ] = None
    where: Annotated[
        list[str] | None,
        Option(
            metavar="EXPRESSION",
            help="Keep the rows that fulfil an expression over the columns: \"event in ('cart', "
            "'purchase')\"; repeatable.",
            rich_help_panel=FILTERS,
        ),
        A_FILE,
    ] = None
    repeats: Annotated[
        Literal["keep", "collapse", "first"],
        Option(
            help="Repeats of an item: keep all, one of several in a row (collapse), or only the "
            "first of each item (first).",
            rich_help_panel=FILTERS,
        ),
        A_FILE,
    ] = "keep"
    drop_incomplete: Annotated[
        bool,
        Option(
            "--drop-incomplete",
            help="Leave out, and count, rows without user, item or time and lines that cannot be "
            "read.",
            rich_help_panel=FILTERS,
        ),
        A_FILE,
    ] = False
    min_rating: Annotated[
        float | None,
        Option(help="Leave out interactions rated lower.", rich_help_panel=FILTERS),
        A_FILE,
    ] = None
    min_user_count: Annotated[
        int | None,
        Option(
            min=1,
            help="Leave out users with fewer interactions.",
            show_default="1; 5 for archives of named datasets",
            rich_help_panel=FILTERS,
        ),
        NOT_A_PAIR,
    ] = None
    min_item_count: Annotated[
        int | None,
        Option(
            min=1,
            help="Leave out items with fewer interactions; both filters are repeated until nothing "
            "changes.",
            show_default="as --min-user-count",
            rich_help_panel=FILTERS,
        ),
        NOT_A_PAIR,
    ] = None
    split: Annotated[
        Literal["leave-one-out", "time", "sessions", "user"] | None,
        Option(
            help="The test part: each user's last item (leave-one-out), the latest interactions "
            "(time), the sessions that ended last (sessions), or other users (user, for ranking).",
            show_default="leave-one-out; user for ranking",
            rich_help_panel=SPLIT,
        ),
        NOT_A_PAIR,
        Only(
            lambda values: values["split"] != "user" or values["task"] == "ranking",
            "`user` only for --task ranking",
        ),
        Only(
            lambda values: values["split"] != "sessions" or values["task"] == "next-item",
            "`sessions` only for --task next-item",
        ),
    ] = None
    min_split_length: Annotated[
        int,
        Option(
            min=3,
            help="Leave-one-out: keep shorter histories whole for training.",
            rich_help_panel=SPLIT,
        ),
        LEAVE_ONE_OUT,
    ] = 3
    valid_from: Annotated[
        str,
        Option(
            metavar="TIME",
            help="--split time or sessions: start of the valid part, a number or a date.",
            show_default="80 % of the log, or of the sessions, is before it",
            rich_help_panel=SPLIT,
        ),
        BY_TIME,
    ] = ""
    test_from: Annotated[
        str,
        Option(
            metavar="TIME",
            help="--split time or sessions: start of the test part.",
            show_default="90 % is before it",
            rich_help_panel=SPLIT,
        ),
        BY_TIME,
    ] = ""
    shuffle_order: Annotated[
        Literal["log", "history"] | None,
        Option(
            help="Destroy the order, for comparison: `log` permutes items across all users and "
            "leaves only popularity to learn; `history` permutes each user's own items.",
            rich_help_panel=SPLIT,
        ),
        NEXT_ITEM,
    ] = None
    items_file: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="File with the items: id, title and features; a header row names the columns.",
            show_default="beside MovieLens and RecBole logs",
            rich_help_panel=FEATURES,
        ),
        A_FILE,
    ] = None
    item_vectors: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="A vector for each item, as of its text or its picture: npz (ids, vectors), "
            "Parquet, CSV, or RecBole's float_seq. Models read it with model.item_vectors.",
            rich_help_panel=FEATURES,
        ),
        A_FILE,
        NEXT_ITEM,
    ] = None
    users_file: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="File with the users: id and features.",
            show_default="beside MovieLens and RecBole logs",
            rich_help_panel=FEATURES,
        ),
        A_FILE,
    ] = None
    item_features: Annotated[
        str | None,
        Option(
            metavar="NAME=KIND,…",
            help="Which columns of the items become features: dense (numbers), sparse (categories) "
            "or tags (several categories with | between them).",
            show_default="inferred",
            rich_help_panel=FEATURES,
        ),
        A_FILE,
    ] = None
    user_features: Annotated[
        str | None,
        Option(
            metavar="NAME=KIND,…",
            help="Which columns of the users become features.",
            show_default="inferred",
            rich_help_panel=FEATURES,
        ),
        A_FILE,
    ] = None
    scaling: Annotated[
        Literal["quantile", "z-score"],
        Option(
            help="Scale dense features by rank, or in standard deviations.",
            rich_help_panel=FEATURES,
        ),
        WITH_FEATURES,
    ] = "quantile"
    min_value_count: Annotated[
        int,
        Option(
            min=1,
            help="Categories and tags of fewer users or items count as unknown.",
            rich_help_panel=FEATURES,
        ),
        WITH_FEATURES,
    ] = 5
    new_items: Annotated[
        bool,
        Option(
            "--new-items",
            help="Add the items of the items' file, and of --item-vectors, that nobody has, to be "
            "recommended too.",
            rich_help_panel=FEATURES,
        ),
        A_FILE,
        NEXT_ITEM,
    ] = False
    table: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="A folder with train.csv and test.csv: what their columns hold, such as "
            "configs/tables/dien-ml-1m.yaml.",
            show_default="inferred from their names",
            rich_help_panel=RANKING,
        ),
        A_PAIR,
    ] = None
    positive_rating: Annotated[
        float,
        Option(
            help="Ratings at or above this are positives and form the history.",
            rich_help_panel=RANKING,
        ),
        ROWS_OF_A_LOG,
    ] = 4.0
    history_length: Annotated[
        int,
        Option(
            min=1,
            max=1000,
            help="How many liked items before the candidate are read.",
            rich_help_panel=RANKING,
        ),
        ROWS_OF_A_LOG,
    ] = 10
    rows_per_user: Annotated[
        int,
        Option(
            min=0,
            help="How many of a user's last ratings are candidates; 0: all.",
            rich_help_panel=RANKING,
        ),
        ROWS_OF_A_LOG,
    ] = 1
    negatives: Annotated[
        int,
        Option(
            min=0,
            max=1000,
            help="N sampled negatives for each positive, whatever its rating, for training a "
            "re-ranker; 0: rated items are the candidates.",
            rich_help_panel=RANKING,
        ),
        ROWS_OF_A_LOG,
    ] = 0
    negatives_power: Annotated[
        float,
        Option(
            min=0,
            max=10,
            help="Sample negatives by popularity to this power; 0: uniformly.",
            rich_help_panel=RANKING,
        ),
        SAMPLED,
    ] = 0.0
    seed: Annotated[
        int,
        Option(min=0, help="Seed of all random draws.", rich_help_panel=SOURCE),
        RANDOM,
    ] = 0
    data_dir: DataDir = Path("data")
    as_json: Json = False
