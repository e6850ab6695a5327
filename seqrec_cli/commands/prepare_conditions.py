"""When an option of `seqrec prepare` applies."""

from collections.abc import Mapping
from typing import Any

from seqrec_cli.commands.binding import Only


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
