"""The options of `seqrec prepare`, in panels, each with when it applies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from seqrec_cli.commands.binding import Only
from seqrec_cli.commands.options import DataDir, Json
from seqrec_cli.commands.prepare_conditions import (
    A_FILE,
    A_PAIR,
    BY_TIME,
    LEAVE_ONE_OUT,
    NEXT_ITEM,
    NOT_A_PAIR,
    RANDOM,
    ROWS_OF_A_LOG,
    SAMPLED,
    WITH_FEATURES,
)
from seqrec_cli.commands.prepare_log_options import SOURCE, ReadingOptions, SourceOptions

SPLIT, FEATURES, RANKING = "Split", "Features", "Ranking (--task ranking)"


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """How rows become a dataset."""

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


@dataclass(frozen=True, kw_only=True)
class PrepareOptions(DatasetOptions, ReadingOptions, SourceOptions):
    """The options of `seqrec prepare`; in its help those of the last class come first."""

    seed: Annotated[
        int,
        Option(min=0, help="Seed of all random draws.", rich_help_panel=SOURCE),
        RANDOM,
    ] = 0
    data_dir: DataDir = Path("data")
    as_json: Json = False
