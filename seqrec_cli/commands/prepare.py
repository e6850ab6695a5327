"""seqrec prepare: turn a log of interactions into a dataset that training reads."""

import contextlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from typer import Argument, Option

from seqrec_cli import console
from seqrec_cli.commands import ranking, showing
from seqrec_cli.commands.options import DataDir, Json, Seed
from seqrec_cli.errors import InputError

if TYPE_CHECKING:
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.interactions import Interactions, Reading
    from seqrec_cli.core.data.preparation import Preparation
    from seqrec_cli.core.data.public import Found, NamedDataset

Made = TypeVar("Made")
SMALL = 200_000  # interactions up to which configs/demo.yaml is the better start

Source = Annotated[
    list[str] | None,
    Argument(
        help="A named dataset (ml-100k, ml-1m, ml-20m, ml-25m, ml-32m, ml-latest-small), `demo` "
        "for a generated one, or the path of a file, of several, of a folder or an archive.",
        metavar="SOURCE…",
        show_default=False,
    ),
]
Name = Annotated[
    str | None, Option(help="Name of the result.", show_default="the source's", metavar="NAME")
]
FormatOption = Annotated[
    Literal["user-item", "delimited", "movielens", "inter", "parquet", "json", "sequences"] | None,
    Option("--format", help="Format of the file.", show_default="inferred"),
]
Columns = Annotated[
    str | None,
    Option(
        help="Which column holds what, by name, number from 1 or path in nested data: "
        "user=…,item=…,time=…,rating=…,session=…; adds to what is inferred.",
        show_default="inferred",
    ),
]
Delimiter = Annotated[
    str | None,
    Option(help="What is between the columns, as in ';' or '::'.", show_default="guessed"),
]
Header = Annotated[
    bool | None,
    Option("--header/--no-header", help="Whether the first line is one.", show_default="guessed"),
]
Encoding_ = Annotated[
    str, Option("--encoding", help="Encoding of the text, such as latin-1.", show_default="UTF-8")
]
TimeFormat = Annotated[
    str,
    Option(
        help="How times are written, as for strptime: '%d.%m.%Y %H:%M'.", show_default="inferred"
    ),
]
Where = Annotated[
    list[str] | None,
    Option(
        help="Keep the rows that fulfil an expression over the columns: \"event in ('cart', "
        "'purchase')\"; repeatable."
    ),
]
RatingValues = Annotated[
    str | None, Option(metavar="WORD=NUMBER,…", help="The rating that each word stands for.")
]
RepeatsOption = Annotated[
    Literal["keep", "collapse", "first"],
    Option(
        "--repeats",
        help="Of the same item several times in a row, keep all or the first; or of each item the "
        "first alone.",
    ),
]
DropIncomplete = Annotated[
    bool,
    Option(
        "--drop-incomplete",
        help="Leave out, and count, rows without user, item or time and lines that cannot be read.",
    ),
]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be taken for what, and stop.")]
TrainFile = Annotated[
    Path | None, Option("--train", metavar="FILE", help="File with the train part.")
]
ValidFile = Annotated[
    Path | None, Option("--valid", metavar="FILE", help="File with the valid part.")
]
TestFile = Annotated[Path | None, Option("--test", metavar="FILE", help="File with the test part.")]
MinRating = Annotated[float | None, Option(help="Leave out interactions rated lower.")]
MinUserCount = Annotated[
    int | None,
    Option(
        min=1,
        help="Leave out users with fewer interactions.",
        show_default="1; 5 for archives of named datasets",
    ),
]
MinItemCount = Annotated[
    int | None,
    Option(min=1, help="Likewise for items; repeated until nothing changes.", show_default="same"),
]
Task = Annotated[
    Literal["next-item", "ranking"],
    Option(help="What models are to learn: what comes next, or whether a candidate is liked."),
]
SplitOption = Annotated[
    Literal["leave-one-out", "time", "user"] | None,
    Option(
        "--split",
        help="Last two of each user; what happened after two moments, or late for ranking; or, for "
        "ranking, some of the users.",
        show_default="leave-one-out; user for ranking",
    ),
]
MinSplitLength = Annotated[
    int, Option(min=3, help="Leave-one-out: keep shorter histories whole for training.")
]
ValidFrom = Annotated[
    str, Option(help="Split by time: first moment of the valid part.", show_default="after 80 %")
]
TestFrom = Annotated[
    str, Option(help="Split by time: first moment of the test part.", show_default="after 90 %")
]
ItemsFile = Annotated[
    Path | None,
    Option(
        "--items-file",
        metavar="FILE",
        help="File with the items: id, title, and what else is known of them (a header names it).",
        show_default="beside MovieLens' logs",
    ),
]
UsersFile = Annotated[
    Path | None,
    Option(
        "--users-file",
        metavar="FILE",
        help="File with the users: id, and what is known of them.",
        show_default="likewise",
    ),
]
ItemFeatures = Annotated[
    str | None,
    Option(
        metavar="NAME=KIND,…",
        help="Which columns become features: dense (numbers), sparse (categories) or tags (with | "
        "between them).",
        show_default="guessed",
    ),
]
UserFeatures = Annotated[
    str | None, Option(metavar="NAME=KIND,…", help="Likewise for users.", show_default="guessed")
]
ScalingOption = Annotated[
    Literal["quantile", "z-score"],
    Option("--scaling", help="Dense features by rank, or in standard deviations."),
]
MinValueCount = Annotated[
    int, Option(min=1, help="Categories and tags of fewer users or items count as unknown.")
]
NewItems = Annotated[
    bool, Option("--new-items", help="Items of the items' file that nobody has may be recommended.")
]
ShuffleOrder = Annotated[
    Literal["log", "history"] | None,
    Option(
        help="Destroy the order, for comparison: `log` deals all items anew over the users and "
        "leaves only popularity to learn; `history` shuffles each user's own items."
    ),
]
TableFile = Annotated[
    Path | None,
    Option(
        "--table",
        metavar="FILE",
        help="Ranking, a folder with train.csv and test.csv: what their columns are, such as "
        "configs/tables/dien-ml-1m.yaml.",
        show_default="known by their names",
    ),
]
PositiveRating = Annotated[
    float, Option(help="Ranking: what is rated so or higher is liked, and is in histories.")
]
HistoryLength = Annotated[
    int, Option(min=1, max=1000, help="Ranking: liked items before the candidate that are read.")
]
RowsPerUser = Annotated[
    int, Option(min=0, help="Ranking: how many of a user's last ratings are candidates; 0: all.")
]
Negatives = Annotated[
    int,
    Option(
        min=0,
        max=1000,
        help="Ranking: candidates are what came next (1) and so many items each that the user does "
        "not have (0), whatever the rating; for what orders the finds of a retrieval model.",
    ),
]
NegativesPower = Annotated[
    float,
    Option(min=0, max=10, help="Ranking: draw them by popularity to this power; 0: each alike."),
]


def prepare(
    sources: Source = None,
    task: Task = "next-item",
    name: Name = None,
    format_: FormatOption = None,
    columns: Columns = None,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding_ = "",
    time_format: TimeFormat = "",
    where: Where = None,
    rating_values: RatingValues = None,
    min_rating: MinRating = None,
    repeats: RepeatsOption = "keep",
    drop_incomplete: DropIncomplete = False,
    train: TrainFile = None,
    valid: ValidFile = None,
    test: TestFile = None,
    min_user_count: MinUserCount = None,
    min_item_count: MinItemCount = None,
    split: SplitOption = None,
    min_split_length: MinSplitLength = 3,
    valid_from: ValidFrom = "",
    test_from: TestFrom = "",
    items_file: ItemsFile = None,
    users_file: UsersFile = None,
    item_features: ItemFeatures = None,
    user_features: UserFeatures = None,
    scaling: ScalingOption = "quantile",
    min_value_count: MinValueCount = 5,
    new_items: NewItems = False,
    shuffle_order: ShuffleOrder = None,
    table: TableFile = None,
    positive_rating: PositiveRating = 4.0,
    history_length: HistoryLength = 10,
    rows_per_user: RowsPerUser = 1,
    negatives: Negatives = 0,
    negatives_power: NegativesPower = 0.0,
    seed: Seed = 0,
    dry_run: DryRun = False,
    data_dir: DataDir = Path("data"),
    as_json: Json = False,
) -> None:
    """Turn a log of interactions into a dataset that training reads.

    Writes NAME.npz and its manifest NAME.json into the data folder.

    $ seqrec prepare ml-1m

    $ seqrec prepare clicks.csv --columns user=visitor,item=page,time=at

    $ seqrec prepare ml-100k --task ranking --split leave-one-out
    """
    from seqrec_cli.core.data.features.kinds import Encoding, parse_kinds
    from seqrec_cli.core.data.interactions import Reading
    from seqrec_cli.core.data.preparation import Preparation
    from seqrec_cli.core.data.preparation import prepare as prepare_log
    from seqrec_cli.core.data.reading.options import parse_columns, parse_values

    source, more = choose_source(sources, train)
    if split != "time" and (valid_from or test_from):
        raise InputError("--valid-from and --test-from are for a split by time", "add --split time")
    if task == "next-item" and split == "user":
        raise InputError("--split user is for ranking", "add --task ranking, or choose another")
    reading = Reading(
        format=format_,
        columns=parse_columns(columns) if columns else {},
        delimiter=delimiter or "",
        header=header,
        encoding=encoding,
        time_format=time_format,
        where=tuple(where or ()),
        rating_values=parse_values(rating_values) if rating_values else {},
        min_rating=min_rating,
        repeats=repeats,
        drop_incomplete=drop_incomplete,
        more=more,
        valid=valid,
        test=test,
        items=items_file,
        users=users_file,
    )
    options = Preparation(
        min_user_count=min_user_count or 1,
        min_item_count=min_item_count or 1,
        split="time" if split == "time" else "leave-one-out",
        min_split_length=min_split_length,
        valid_from=valid_from,
        test_from=test_from,
        encoding=Encoding(
            user_kinds=parse_kinds(user_features, "--user-features"),
            item_kinds=parse_kinds(item_features, "--item-features"),
            scaling=scaling,
            min_value_count=min_value_count,
        ),
        new_items=new_items,
        keep_files=split is None,
        shuffle=shuffle_order,
        seed=seed,
    )
    if task == "ranking":
        if source == "demo":
            raise InputError("the demo has no ratings to rank by", "name a log that has")
        examples = ranking.check_options(
            positive_rating, history_length, rows_per_user, negatives, negatives_power, split, seed
        )
        if shuffle_order or new_items or valid_from or test_from or scaling != "quantile":
            raise InputError(
                "--shuffle-order, --new-items, --valid-from, --test-from and --scaling are not for "
                "ranking",
                "leave them out",
            )
    pair = task == "ranking" and ranking.is_pair(source)
    ranked = task == "ranking" and not pair
    name = choose_name(name, source, shuffled=shuffle_order is not None, ranked=ranked)
    target = data_dir / f"{name}.npz"
    if Path(source) in (target, target.with_suffix(".json")):
        raise InputError(
            f"the result would replace its source `{source}`", "choose another name with --name"
        )
    if pair:
        made = ranking.prepare_pair(source, name, table, min_value_count)
        ranking.keep(made, target, data_dir, as_json)
        return
    if table is not None:
        raise InputError(
            f"--table is for a folder with train.csv and test.csv, and `{source}` is none",
            "leave it out; what a log's columns are is said with --columns",
        )
    given = (min_user_count, min_item_count)
    if task == "ranking":
        # Only here, as it takes torch for what is drawn.
        from seqrec_cli.core.data.ranking.from_log import prepare_examples

        make = partial(prepare_examples, chosen=examples)
        rows = make_dataset(source, name, reading, options, data_dir, given, make)
        ranking.keep(rows, target, data_dir, as_json)
        return
    if dry_run:
        show_findings(source, reading, data_dir, as_json=as_json)
        return
    if source == "demo":
        dataset = make_demo(name, reading, options)
    else:
        dataset = make_dataset(source, name, reading, options, data_dir, given, prepare_log)
    manifest = dataset.save(target)
    showing.report(manifest, account(manifest), notes(manifest), as_json=as_json)
    console.success(f"`{target}` and its manifest `{target.with_suffix('.json')}`")
    folder = "" if data_dir == Path("data") else f" --data-dir {data_dir}"
    config = "demo" if manifest["interactions"] < SMALL else "sasrec"
    console.hint(f"seqrec train --config configs/{config}.yaml --data {name}{folder}")


def choose_source(sources: list[str] | None, train: Path | None) -> tuple[str, tuple[Path, ...]]:
    """The source, and further files of the same log."""
    named = [str(train)] if train is not None else list(sources or ())
    if train is not None and sources:
        raise InputError(
            "--train names the file of the train part, so there is no other source",
            f"leave out `{sources[0]}`",
        )
    if not named:
        raise InputError("there is no source", "name one: `seqrec prepare FILE`, or `demo`")
    return named[0], tuple(Path(each) for each in named[1:])


def show_findings(source: str, reading: "Reading", data_dir: Path, *, as_json: bool) -> None:
    """Say what would be taken for what, and write nothing."""
    from seqrec_cli.core.data.interactions import read_interactions
    from seqrec_cli.core.data.public import CATALOGUE, read_found
    from seqrec_cli.core.data.reading.sources import parse_place

    if source == "demo":
        raise InputError("the demo is generated, so nothing is inferred", "leave out --dry-run")
    if source in CATALOGUE:
        log = read_found(CATALOGUE[source], get(CATALOGUE[source], data_dir), reading)
    else:
        log = read_interactions(parse_place(source), reading)
    origin = log.origin
    found = origin.findings.as_dict()
    told: dict[str, Any] = {
        "name": Path(source).name,
        "source": {"path": origin.path, "licence": origin.licence, "findings": found},
        "rows_read": origin.rows_read,
        "dropped": dict(origin.dropped),
        "users": len(log.user_ids),
        "items": len(log.item_ids),
    }
    rows = [
        ("source", origin.path),
        *findings_rows(found),
        ("rows read", f"{origin.rows_read:,}"),
        *((f"dropped: {reason}", f"{n:,}") for reason, n in origin.dropped.items()),
        ("users", f"{len(log.user_ids):,}"),
        ("items", f"{len(log.item_ids):,}"),
    ]
    showing.report(told, rows, findings_notes(found), as_json=as_json)


def findings_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of the summary: which column was taken for what, which were not used, the order."""
    rows = [("layout", found["layout"])] if found.get("layout") else []
    for taken in found.get("taken", ()):
        inferred = "" if taken["inferred"] else ", as said"
        rows.append((taken["role"], f"{taken['column']}, as in {taken['example']}{inferred}"))
    if found.get("order"):
        rows.append(("order", found["order"]))
    if unused := found.get("unused"):
        shown = ", ".join(unused[:12]) + (f", and {len(unused) - 12} more" * (len(unused) > 12))
        rows.append(("not used", shown))
    return rows


def findings_notes(found: dict[str, Any]) -> list[str]:
    """What should be known of the reading: types of events that are mixed, what was inferred."""
    said = []
    for kind in found.get("kinds", ()):
        if kind["filtered"]:
            continue
        counts = ", ".join(f"{value} {number:,}" for value, number in kind["counts"].items())
        said.append(
            f"`{kind['column']}` looks like a type of event or a label and is not used: {counts}; "
            f"to choose: {kind['option']}"
        )
    return [*said, *found.get("notes", ())]


def choose_name(name: str | None, source: str, *, shuffled: bool, ranked: bool = False) -> str:
    """The name given, or one made of the source's and what was done to it."""
    from seqrec_cli.core.data.reading.sources import TextSource, is_folder

    if name is None:
        from seqrec_cli.core.data.public import CATALOGUE

        path = Path(source)
        keep = source in CATALOGUE or is_folder(path)
        filename = (path.name or path.resolve().name) if keep else TextSource(path).filename
        stem = filename if keep else Path(filename).stem
        name = re.sub(r"[^\w.-]+", "-", stem).strip(".-")
        name += "-shuffled" * shuffled + "-ranking" * ranked
    if not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise InputError(
            f"`{name}` cannot be the name of a dataset",
            "choose one of letters, digits, `.`, `_` and `-`: `--name NAME`",
        )
    return name


def make_demo(name: str, reading: "Reading", options: "Preparation") -> "SequenceDataset":
    """The generated log."""
    from seqrec_cli.core.data import synthetic as demo
    from seqrec_cli.core.data.interactions import Reading

    if reading != Reading():
        raise InputError(
            "the demo is generated, so there is nothing to choose about reading it",
            "leave out --format, --columns, --delimiter, --header, --min-rating, "
            "--items-file and --users-file",
        )
    return demo.prepare_demo(options, name)


def make_dataset(
    source: str,
    name: str,
    reading: "Reading",
    options: "Preparation",
    data_dir: Path,
    given: tuple[int | None, int | None],
    make: "Callable[[Interactions, Preparation, str], Made]",
) -> "Made":
    """Find out what the source is, read it and make a dataset of it."""
    from dataclasses import replace

    from seqrec_cli.core.data.interactions import read_interactions
    from seqrec_cli.core.data.public import CATALOGUE, read_found
    from seqrec_cli.core.data.reading.sources import mode_of, parse_place

    if source in CATALOGUE:
        named = CATALOGUE[source]
        found = get(named, data_dir)
        if not found.filtered:
            users, items = given
            options = replace(
                options,
                min_user_count=users or named.min_user_count,
                min_item_count=items or named.min_item_count,
            )
        console.info(f"reading {found.obtained}")
        return make(read_found(named, found, reading), options, name)
    if not mode_of(Path(source)) and not re.search(r"[./\\]", source):
        raise InputError(
            f"there is no named dataset and no file `{source}`",
            f"named are demo, {', '.join(CATALOGUE)}; for a file give its path",
        )
    return make(read_interactions(parse_place(source), reading), options, name)


def get(named: "NamedDataset", data_dir: Path) -> "Found":
    """Find a named dataset, with a bar while it is downloaded."""
    from seqrec_cli.core.data.public import Step, obtain
    from seqrec_cli.core.storage.downloads import Received

    with contextlib.ExitStack() as stack:
        show = None
        for event in obtain(named, data_dir):
            if isinstance(event, Received):
                if show is None:
                    total = None if event.total is None else event.total >> 20
                    show = stack.enter_context(console.progress(total, "MiB"))
                show(event.done >> 20, named.name)
                continue
            stack.close()
            show = None
            if isinstance(event, Step):
                console.info(event.message)
            else:
                return event
    raise AssertionError("obtain ends with what it found, or raises")


def account(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows of the summary."""
    lengths, split, filters = (manifest[key] for key in ("history_length", "split", "filters"))
    quantiles = ", ".join(f"{key} {value:g}" for key, value in lengths.items() if key != "mean")
    rows = [
        ("source", manifest["source"]["path"]),
        ("format", manifest["source"]["format"]),
        *findings_rows(manifest["source"].get("findings", {})),
        ("rows read", f"{manifest['rows_read']:,}"),
        *((f"dropped: {reason}", f"{n:,}") for reason, n in manifest["dropped"].items()),
        ("interactions", f"{manifest['interactions']:,}"),
        ("users", f"{manifest['users']:,}"),
        ("items", f"{manifest['items']:,}"),
        ("density", f"{manifest['density']:.2%}"),
        ("history length", f"{quantiles}, mean {lengths['mean']:.2f}"),
        (
            "at least",
            f"{filters['min_user_count']} a user, {filters['min_item_count']} an item",
        ),
    ]
    if manifest["time"]:
        order = manifest["order"]
        rows += [
            ("time", f"{manifest['time']['from']} to {manifest['time']['to']}"),
            ("ties in time", f"{order['tied_share']:.2%} of interactions"),
            (
                "last item ties",
                f"{order['users_whose_last_ties']:,} of {manifest['users']:,} users",
            ),
        ]
    rows.append(("split", split["kind"]))
    for part in ("train", "valid", "test"):
        counts = split[part]
        rows.append((part, f"{counts['interactions']:,} of {counts['users']:,} users"))
    for side, told in manifest.get("features", {}).items():
        rows.append((f"{side}' features", features_line(told)))
    for metric, value in manifest.get("ceiling", {}).items():
        if "@" in metric:
            rows.append((f"ceiling {metric.replace('_', ' ')}", f"{value:.4f}"))
    return rows


def features_line(told: dict[str, Any]) -> str:
    """What became of a file's columns."""
    pieces = []
    for column in told["columns"]:
        piece = f"{column['name']} ({column['kind']}"
        if "values" in column:
            piece += f", {column['values']:,} values"
        if column["missing"]:
            piece += f", {column['missing']:,} missing"
        if column.get("unknown", 0) > column["missing"]:
            piece += f", {column['unknown'] - column['missing']:,} rare or new"
        pieces.append(f"{piece})")
    if told["left_out"]:
        pieces.append(f"left out: {', '.join(told['left_out'])}")
    if told["without_row"]:
        pieces.append(f"{told['without_row']:,} without a row")
    return "; ".join(pieces) or "none"


def notes(manifest: dict[str, Any]) -> list[str]:
    """What the user should know before trusting the result."""
    found = findings_notes(manifest["source"].get("findings", {}))
    backwards = manifest["order"].get("rows_back_in_time", 0)
    if backwards:
        found.append(
            f"{backwards:,} rows were earlier than the one before of the same user; sorted"
        )
    ties = manifest["order"].get("users_whose_last_ties", 0)
    if ties > 0.1 * manifest["users"]:
        found.append(
            f"{ties:,} of {manifest['users']:,} users have a last item at the same time as the "
            "one before: between these the order of the file decides"
        )
    if manifest["users"] == 1:
        found.append("there is a single user, so every metric is about one person")
    split = manifest["split"]
    if split["test"]["users"] < manifest["users"]:
        left = manifest["users"] - split["test"]["users"]
        found.append(
            f"{left:,} of {manifest['users']:,} users have nothing in the test part, "
            "so they are not evaluated on it"
        )
    return found
