"""seqrec score: scores for given rows of a user, or a history, and a candidate."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    Device,
    OfOneRun,
    say_which,
)
from seqrec_cli.wording import counted, verb

if TYPE_CHECKING:
    from seqrec_cli.core.inference.row_scoring import RowScorer
    from seqrec_cli.core.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(OfOneRun):
    """The options of `seqrec score`."""

    input: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A .csv file with a header, or .jsonl: columns `user` or `history` (item ids with "
            "spaces, `|` or `;` between them, or a list in JSON), and `item`.",
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A .csv or .jsonl file: the same rows and columns, and `logit`; of ranking runs "
            "`probability` too.",
        ),
    ] = None
    histories: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A log with the histories of the users in the input, in any form that `prepare` "
            "reads, here or at an address; `-` reads stdin.",
            show_default="those of the run's dataset",
        ),
    ] = None
    unknown: Annotated[
        Literal["error", "empty"],
        typer.Option(help="What a row with an unknown user or item gets: an error, or no score."),
    ] = "error"
    data: Data = None
    data_dir: DataDir = Path("data")
    device: Device = "auto"


@takes(ScoreOptions)
def score(options: ScoreOptions) -> None:
    """Score rows of a user, or a history, and a candidate item.

    $ seqrec score ml-100k-sasrec-1 --input rows.csv --output scores.csv
    """
    if options.input is None or options.output is None:
        raise typer.BadParameter("say what and where to: --input FILE --output FILE")
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.row_files import opened_rows, rewrite_rows
    from seqrec_cli.core.inference.row_scoring import (
        LOGIT,
        PROBABILITY,
        Account,
        check_columns,
        scored_rows,
    )
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    check_output(options.output)
    run, account = Run.open(find_run(options.run)), Account()
    say_which(options.run, run.path)
    with opened_rows(options.input) as rows:
        scorer = row_scorer(run, rows.columns, options)
        check_columns(rows, scorer)
        console.warn_all(run.notes)
        made = scored_rows(rows, scorer, account, refuse=options.unknown == "error")
        columns = [*rows.columns, LOGIT, *[PROBABILITY] * scorer.is_probable]
        count = rewrite_rows(options.output, made, columns)
    for reason, number in account.missing.items():
        console.warn(f"{counted(number, 'row')} without a score: {reason}")
    if account.left_out:
        unknown = counted(account.left_out, "unknown item")
        console.warn(f"{unknown} of histories {verb(account.left_out, 'was', 'were')} left out")
    if nothing := account.unlearned:
        console.warn(
            f"{counted(nothing, 'item')} of histories, of which nothing was learned, "
            f"{verb(nothing, 'was', 'were')} left out"
        )
    console.success(f"{counted(count, 'row')} in `{options.output}`")


def row_scorer(run: "Run", columns: list[str], options: ScoreOptions) -> "RowScorer":
    """What scores rows with these columns, by a run of either task."""
    from seqrec_cli.core.data.store import RANKING
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference.row_scoring import NextItemRows, RankerRows, Resolver, TableRows
    from seqrec_cli.core.runs import loading
    from seqrec_cli.core.runs.learned import unlearned, unread

    device = choose_device(options.device)
    if run.task != RANKING:
        scorer = loading.load_scorer(run, device)
        catalogue = loading.catalogue_of(run)
        nothing = unlearned(run), unread(run)
        resolver = Resolver(columns, catalogue, lambda: people(run, options), *nothing)
        return NextItemRows(scorer, resolver)
    ranker = loading.load_ranker(run, device)
    if not ranker.sides:
        return TableRows(ranker, loading.table_columns(run))
    if ranker.examples.get("rated"):
        console.info(
            f"histories are of what was liked, rated {ranker.examples['positive_rating']:g} or "
            "higher, as in the training"
        )
    catalogue = loading.catalogue_of_ranker(ranker)
    resolver = Resolver(columns, catalogue, lambda: rated_people(catalogue, ranker, options))
    return RankerRows(ranker, resolver)


def people(run: "Run", options: ScoreOptions) -> Any:
    """Those whose histories count: of a log, or the users of the run's dataset."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.history_files import read_people
    from seqrec_cli.core.runs.histories import everybody_of, readable_by
    from seqrec_cli.core.runs.loading import catalogue_of

    if options.histories is not None:
        found = readable_by(run, read_people(options.histories, catalogue_of(run)))
    else:
        dataset = SequenceDataset.load(run.find_data(options.data, options.data_dir))
        run.check_data(dataset)
        found = everybody_of(run, dataset)
    console.warn_all(found.notes)
    return found


def rated_people(catalogue: Any, ranker: Any, options: ScoreOptions) -> Any:
    """The people of a log, with what they liked; a ranking run keeps no histories of its own."""
    from seqrec_cli.core.data.reading.options import Reading
    from seqrec_cli.core.inference.history_files import read_people
    from seqrec_cli.errors import InputError

    if options.histories is None:
        raise InputError(
            f"the ranking run `{ranker.path}` keeps no histories of users",
            "bring their log, `--histories FILE`, or write a column `history` into the rows",
        )
    least = ranker.examples["positive_rating"] if ranker.examples.get("rated") else None
    found = read_people(options.histories, catalogue, Reading(min_rating=least))
    console.warn_all(found.notes)
    return found
