"""Reading a log: files to a relation, columns to roles, rows to arrays, and what was found."""

from dataclasses import dataclass, replace

from seqrec_cli.core.data.reading import known, vocabulary
from seqrec_cli.core.data.reading.checks import (
    check_counted,
    check_rating,
    refuse_empty,
    refuse_examples,
    refuse_row_numbers,
    refuse_unread_header,
    undecided,
    without_column,
)
from seqrec_cli.core.data.reading.engine import opened_engine
from seqrec_cli.core.data.reading.event_kinds import event_columns
from seqrec_cli.core.data.reading.findings import Findings, describe_log, form_of
from seqrec_cli.core.data.reading.json_cells import with_texts_of_json
from seqrec_cli.core.data.reading.lists import cut_sql, list_form
from seqrec_cli.core.data.reading.loading import Loaded, MostlyMissing, load
from seqrec_cli.core.data.reading.opening import open_relation
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files, files_of
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import Plan, Undecided, assign
from seqrec_cli.core.data.reading.settling import settle_time
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.unread_times import unread_times
from seqrec_cli.core.storage.files import summed_beside
from seqrec_cli.errors import InputError


@dataclass(frozen=True)
class Log:
    """A log that was read.

    Attributes:
        files: what was read.
        sha256: the checksum of these files.
        form: of the files, as in `--format`.
        rows: the arrays.
        findings: what was taken for what.
        items, users: the files beside the log, if any.
    """

    files: Files
    sha256: str
    form: str
    rows: Loaded
    findings: Findings
    columns: dict[str, str]
    items: TextSource | None = None
    users: TextSource | None = None


def read_log(place: TextSource, reading: Reading) -> Log:
    """Read a log.

    Raises:
        InputError: missing, unreadable or malformed; the message names the place, the hint what to
            type.
    """
    return read_files(files_of(place, reading), place, reading)


def read_files(files: Files, place: TextSource, reading: Reading) -> Log:
    """Read the log that these files are; `place` is what they are called.

    Raises:
        InputError: as `read_log`.
    """
    with opened_engine() as engine:
        relation = with_texts_of_json(open_relation(files, reading, engine))
        if not any(column.cells for column in relation.columns):
            refuse_empty(relation, engine)
        try:
            refuse_unread_header(relation, files)
            plan = assign(relation, reading, engine)
        except Undecided as error:
            raise undecided(relation, files, reading, engine, error) from None
        relation, plan = with_histories(relation, plan, reading)
        check_rating(relation, plan, reading, place)
        refuse_examples(relation, plan, reading, place)
        settle_time(relation, plan, engine)
        plan.notes += unread_times(relation, plan)
        kinds = event_columns(relation, plan)
        with summed_beside(source.path for part in files.parts for source in part) as checksum:
            try:
                rows = load(relation, plan, kinds, reading, engine, place)
            except MostlyMissing as error:
                raise without_column(error, relation, plan, files, reading, engine) from None
        refuse_row_numbers(relation, plan, rows, files, reading, engine)
        if reading.format == "user-item":
            check_counted(rows, relation)
    if rows.rows_read == 0:
        raise InputError(f"`{place}` has no interactions", "it must have a line for each")
    found = describe_log(files, relation, plan, rows, reading)
    columns = {"user": plan.user.name, "item": plan.item.name}
    if plan.rating is not None and rows.ratings is not None:
        columns["rating"] = plan.rating.name
    if plan.time is not None:
        columns["time"] = plan.time.name
    return Log(
        files=files,
        sha256=checksum.result(),
        form=form_of(files, relation, plan, rows),
        rows=rows,
        findings=found,
        columns=columns,
        items=known.items_beside(files.first),
        users=known.users_beside(files.first),
    )


def with_histories(relation: Relation, plan: Plan, reading: Reading) -> tuple[Relation, Plan]:
    """Of rows with a target and the list of items before it, the longest of each user as a whole.

    So RecBole writes sessions: `session_id`, `item_id_list` and `item_id`, a row for each prefix;
    others call the list `history_item_id`.
    """
    item = vocabulary.compared(plan.item.label)
    wanted = {f"{item}list", *(f"{before}{item}" for before in ("history", "hist", "prev"))}
    lists = [c for c in relation.columns if vocabulary.compared(c.name) in wanted]
    if len(lists) != 1 or "item" in plan.asked or len(relation.scans) > 1 or reading.where:
        return relation, plan
    (column,) = lists
    form = list_form(column.values)
    cut = form[1](column.sql) if form else cut_sql(column.sql, " ")
    cut = column.sql if column.listed else cut
    user = plan.user.column.sql
    scan = (
        f"(SELECT * FROM {relation.scans[0]} QUALIFY row_number() OVER "
        f"(PARTITION BY {user} ORDER BY len({cut}) DESC) = 1 ORDER BY {user})"
    )
    whole = replace(
        plan.item.column, sql=f"list_append({cut}, {plan.item.column.sql})", listed=True
    )
    plan.item = replace(plan.item, column=whole)
    time, plan.time, plan.rating = plan.time, None, None
    plan.notes.append(
        f"`{column.name}` holds the items before `{plan.item.name}`: of each user the longest row "
        "was read, with both"
        + (f"; `{time.name}`, a time of the last item alone, is not" if time is not None else "")
    )
    return replace(relation, scans=(scan,)), plan
