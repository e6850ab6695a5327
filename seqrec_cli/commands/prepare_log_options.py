"""The options of `seqrec prepare` that say what is read, and how."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from seqrec_cli.commands.binding import Only
from seqrec_cli.commands.completing import source_names
from seqrec_cli.commands.prepare_conditions import A_FILE, NEXT_ITEM, NOT_A_PAIR

SOURCE, COLUMNS, FILTERS = "Source and result", "Reading the file", "Filters"


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What is read, and what becomes of it."""

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


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a file is read, and which of its rows are kept."""

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
