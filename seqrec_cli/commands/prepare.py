"""seqrec prepare: turn a log of interactions into a dataset that training reads."""

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer import BadParameter, Context

from seqrec_cli import console
from seqrec_cli.commands.binding import is_given, takes
from seqrec_cli.commands.prepare_options import PrepareOptions
from seqrec_cli.commands.repeating import PREPARED_WITH, options_alike, options_to_keep
from seqrec_cli.commands.reports import preparation, ranking, shared
from seqrec_cli.wording import typed

if TYPE_CHECKING:
    from seqrec_cli.core.data.interactions import Reading
    from seqrec_cli.core.data.loading import Dataset, Request
    from seqrec_cli.core.data.preparation import Preparation


@takes(PrepareOptions)
def prepare(options: PrepareOptions, context: Context) -> None:
    """Turn a log of interactions into a dataset that training reads.

    Writes NAME.npz, or the folder NAME.shards, and the manifest NAME.json into the data folder.

    $ seqrec prepare ml-1m

    $ seqrec prepare clicks.csv --columns user=visitor,item=page,time=at

    $ seqrec prepare ml-100k --task ranking --split leave-one-out
    """
    from seqrec_cli.core.data.loading import save_dataset
    from seqrec_cli.core.data.store import refuse_other_source

    if options.like is not None:
        options = options_alike(options, partial(is_given, context))
    request = request_of(options)
    if options.dry_run:
        show_findings(request, as_json=options.as_json)
        return
    if options.engine is None:
        target = request.target
        dataset = made(request)
        if not options.force:
            refuse_other_source(target, dataset.manifest)
        dataset.manifest[PREPARED_WITH] = options_to_keep(options)
        manifest = save_dataset(dataset, request)
    else:
        manifest, target = made_by_engine(request, options)
    show_prepared(request, options, manifest, target)


def show_prepared(
    request: "Request", options: PrepareOptions, manifest: dict[str, Any], target: Path
) -> None:
    """Print what was prepared, and what to type next."""
    if request.task == "ranking":
        rows, notes = ranking.rows_summary(manifest), ranking.rows_notes(manifest)
    else:
        rows, notes = preparation.histories_summary(manifest), preparation.histories_notes(manifest)
    shared.show_preparation(manifest, rows, notes, as_json=options.as_json)
    console.success(f"`{target}` and its manifest `{target.with_suffix('.json')}`")
    config = ("--config", "dien") if request.task == "ranking" else ()
    if manifest["split"].get("whole_sessions"):
        config = ("--config", "gru4rec-session")
    folder = () if options.data_dir == Path("data") else ("--data-dir", options.data_dir)
    data = manifest["name"]
    console.hint(typed("seqrec", "train", *config, "--data", data, *folder))


def request_of(options: PrepareOptions) -> "Request":
    """What the core is asked for."""
    from seqrec_cli.core.data.loading import Request
    from seqrec_cli.core.data.ranking.candidates import ExampleOptions

    source, more = choose_source(options)
    examples = ExampleOptions(
        positive_rating=options.positive_rating,
        history_length=options.history_length,
        rows_per_user=options.rows_per_user,
        negatives=options.negatives,
        negatives_power=options.negatives_power,
        split=options.split if options.split in ("time", "leave-one-out") else "user",
        seed=options.seed,
    )
    return Request(
        source=source,
        task=options.task,
        name=options.name,
        reading=reading_of(options, more),
        preparation=preparation_of(options),
        min_counts=(options.min_user_count, options.min_item_count),
        examples=examples,
        table=options.table,
        data_dir=options.data_dir,
        shards=options.shards,
    )


def reading_of(options: PrepareOptions, more: tuple[str, ...]) -> "Reading":
    """How the log is read."""
    from seqrec_cli.core.data.interactions import Reading
    from seqrec_cli.core.data.reading.options import parse_columns, parse_values

    return Reading(
        format=options.format_,
        columns=parse_columns(options.columns) if options.columns else {},
        delimiter=options.delimiter or "",
        header=options.header,
        encoding=options.encoding,
        time_format=options.time_format,
        where=tuple(options.where or ()),
        rating_values=parse_values(options.rating_values) if options.rating_values else {},
        min_rating=options.min_rating,
        repeats=options.repeats,
        drop_incomplete=options.drop_incomplete,
        more=more,
        valid=options.valid,
        test=options.test,
        items=options.items_file,
        users=options.users_file,
        item_vectors=options.item_vectors,
    )


def preparation_of(options: PrepareOptions) -> "Preparation":
    """How the log is filtered, split and given features."""
    from seqrec_cli.core.data.features.kinds import Encoding, parse_kinds
    from seqrec_cli.core.data.preparation import Preparation

    encoding = Encoding(
        user_kinds=parse_kinds(options.user_features, "--user-features"),
        item_kinds=parse_kinds(options.item_features, "--item-features"),
        scaling=options.scaling,
        min_value_count=options.min_value_count,
    )
    return Preparation(
        split=options.split if options.split in ("time", "sessions") else "leave-one-out",
        min_split_length=options.min_split_length,
        valid_from=options.valid_from,
        test_from=options.test_from,
        encoding=encoding,
        new_items=options.new_items,
        keep_files=options.split is None,
        shuffle=options.shuffle_order,
        seed=options.seed,
    )


def choose_source(options: PrepareOptions) -> tuple[str, tuple[str, ...]]:
    """The source, and further files of the same log."""
    if options.train is not None and options.sources:
        raise BadParameter(
            f"--train names the file of the train part: leave out `{options.sources[0]}`"
        )
    named = list(options.sources or ()) if options.train is None else [options.train]
    if not named:
        raise BadParameter("name a source: `seqrec prepare FILE`, or `demo`")
    return named[0], tuple(named[1:])


def show_findings(request: "Request", *, as_json: bool) -> None:
    """Print which column would be taken for what; nothing is written."""
    from seqrec_cli.core.data.loading import inspect

    for event in inspect(request):
        if isinstance(event, dict):
            rows, notes = preparation.findings_summary(event)
            shared.show_preparation(event, rows, notes, as_json=as_json)


def made_by_engine(request: "Request", options: PrepareOptions) -> tuple[dict[str, Any], Path]:
    """Have an engine write the dataset; its manifest and where it is."""
    from seqrec_cli.core.data.cluster import EnginePrepared, prepare_by_engine

    assert options.engine is not None
    events = prepare_by_engine(
        request,
        options.engine,
        workers=options.workers,
        force=options.force,
        remark={PREPARED_WITH: options_to_keep(options)},
    )
    for event in events:
        if isinstance(event, EnginePrepared):
            return event.manifest, event.path
        console.info(event.message)
    raise AssertionError("prepare_by_engine ends with the dataset, or raises")


def made(request: "Request") -> "Dataset":
    """Make the dataset, with a bar while something is downloaded."""
    from seqrec_cli.core.data.loading import make_dataset
    from seqrec_cli.core.data.public import Step
    from seqrec_cli.core.storage.downloads import Received

    with contextlib.ExitStack() as stack:
        show = None
        for event in make_dataset(request):
            if isinstance(event, Received):
                if show is None:
                    total = None if event.total is None else event.total >> 20
                    show = stack.enter_context(console.progress(total, "MiB"))
                show(event.done >> 20, request.source)
                continue
            stack.close()
            show = None
            if not isinstance(event, Step):
                return event
            console.info(event.message)
    raise AssertionError("make_dataset ends with the dataset, or raises")
