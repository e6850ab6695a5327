"""Reading a log: files to a relation, columns to roles, rows to arrays, and what was found."""

import re
from dataclasses import dataclass, replace

import duckdb

from seqrec_cli.core.data.reading import known, vocabulary
from seqrec_cli.core.data.reading.engine import Engine, opened_engine
from seqrec_cli.core.data.reading.findings import Findings, Kind, Taken
from seqrec_cli.core.data.reading.loading import Loaded, load
from seqrec_cli.core.data.reading.opening import opened
from seqrec_cli.core.data.reading.options import Reading, command
from seqrec_cli.core.data.reading.places import Files, files_of
from seqrec_cli.core.data.reading.profiles import Profile, cut_sql, cut_values
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import (
    Plan,
    Undecided,
    assign,
    listed,
    with_texts_of_json,
)
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.times import WHOLE
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

MOST_EVENTS = 20  # values of a column that may be a type of event
NOTHING = "no column looks like a time: the order of the file counts"


@dataclass(frozen=True)
class Log:
    """A log that was read.

    Attributes:
        files: what was read.
        form: of the files, as in `--format`.
        rows: the arrays.
        findings: what was taken for what.
        items, users: the files beside the log, if any.
    """

    files: Files
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
    files = files_of(place, reading)
    with opened_engine() as engine:
        relation = with_texts_of_json(opened(files, reading, engine))
        if not any(column.cells for column in relation.columns):
            raise InputError(f"`{place}` has no interactions", "it must have a line for each")
        try:
            plan = assign(relation, reading, engine)
        except Undecided as error:
            raise undecided(relation, files, reading, engine, error) from None
        relation, plan = with_histories(relation, plan, reading)
        check_rating(relation, plan, reading, place)
        refuse_examples(relation, plan, reading, place)
        kinds = event_columns(relation, plan)
        rows = load(relation, plan, kinds, reading, engine, place)
    if rows.rows_read == 0:
        raise InputError(f"`{place}` has no interactions", "it must have a line for each")
    if reading.format == "user-item":
        check_counted(rows, place)
    found = findings(files, relation, plan, rows, reading)
    columns = {"user": plan.user.name, "item": plan.item.name}
    if plan.rating is not None and rows.ratings is not None:
        columns["rating"] = plan.rating.name
    if plan.time is not None:
        columns["time"] = plan.time.name
    return Log(
        files=files,
        form=form_of(files, relation, plan, rows),
        rows=rows,
        findings=found,
        columns=columns,
        items=known.items_beside(files.first),
        users=known.users_beside(files.first),
    )


def with_histories(relation: Relation, plan: Plan, reading: Reading) -> tuple[Relation, Plan]:
    """Of rows with a target and the list of items before it, the longest of each user as a whole.

    So RecBole writes sessions: `session_id`, `item_id_list` and `item_id`, a row for each prefix.
    """
    wanted = vocabulary.plain(plan.item.label) + "list"
    lists = [c for c in relation.columns if vocabulary.plain(c.name) == wanted]
    if len(lists) != 1 or "item" in plan.asked or len(relation.scans) > 1 or reading.where:
        return relation, plan
    (column,) = lists
    cut = column.sql if column.listed else cut_sql(column.sql, " ")
    user = plan.user.column.sql
    scan = (
        f"(SELECT * FROM {relation.scans[0]} QUALIFY row_number() OVER "
        f"(PARTITION BY {user} ORDER BY len({cut}) DESC) = 1 ORDER BY {user})"
    )
    whole = replace(
        plan.item.column, sql=f"list_append({cut}, {plan.item.column.sql})", listed=True
    )
    plan.item = replace(plan.item, column=whole)
    plan.time = plan.rating = None
    plan.notes.append(
        f"`{column.name}` holds the items before `{plan.item.name}`: of each user the longest row "
        "was read, with both"
    )
    return replace(relation, scans=(scan,)), plan


def check_counted(rows: Loaded, place: TextSource) -> None:
    """Refuse what is no text of SASRec: in it ids are numbers from 1."""
    for role, ids in (("user", rows.user_ids), ("item", rows.item_ids)):
        if ids.dtype.kind != "i":
            texts = [str(each) for each in ids.tolist()]
            odd = next((text for text in texts if not WHOLE.fullmatch(text)), texts[-1])
            problem = f"the {role} `{shortened(odd, 30)}` is not a whole number"
        elif len(ids) and int(ids[0]) < 1:
            problem = f"the {role} is {ids[0]}, but ids count from 1"
        else:
            continue
        raise InputError(
            f"`{place}`: {problem}", "for any other ids, use `--format delimited` instead"
        )


def form_of(files: Files, relation: Relation, plan: Plan, rows: Loaded) -> str:
    """The form of the files, as in `--format`."""
    name = files.first.filename
    if name.endswith(".inter"):
        return "inter"
    if relation.form != "delimited":
        return relation.form
    if name in known.LOGS:
        return "movielens"
    numbers = rows.user_ids.dtype.kind == rows.item_ids.dtype.kind == "i"
    spaced = "spaces" in relation.layout or "tabs" in relation.layout
    pair = len(relation.columns) == 2 and not relation.named and spaced
    return "user-item" if pair and numbers else "delimited"


def check_rating(relation: Relation, plan: Plan, reading: Reading, place: TextSource) -> None:
    """Refuse a threshold for a log without ratings, and ratings that are words without values."""
    rating = plan.rating
    if rating is None:
        if reading.min_rating is not None or reading.rating_values:
            option = "--rating-values" if reading.rating_values else "--min-rating"
            raise InputError(
                f"`{relation.place}` has no ratings to hold against a threshold",
                f"leave out {option}, or name the column: `--columns rating=…`; it has "
                f"{listed(relation)}",
            )
        return
    words = not (rating.numeric or rating.comma_numeric or rating.is_truth)
    if words and not reading.rating_values:
        values = list(dict.fromkeys(rating.values))[:6]
        option = ",".join(f"{value}={n}" for n, value in enumerate(values, 1))
        raise InputError(
            f"`{relation.place}`: the rating in `{rating.name}` is `{shortened(values[0])}`, which is "
            "not a number",
            f"say what the words stand for: `--rating-values {option}`; or choose rows by them: "
            f"`--where \"{rating.name} = '{values[0]}'\"`",
        )


def refuse_examples(relation: Relation, plan: Plan, reading: Reading, place: TextSource) -> None:
    """Refuse what holds more than a row says: labelled examples, and records in cells."""
    used = plan.used()
    rest = [Profile(c, n) for n, c in enumerate(relation.columns) if c.name not in used]
    items = set(plan.item.values)
    histories = [p for p in rest if not p.column.listed and holds_lists_of(p, items)]
    labels = [p for p in rest if p.is_flag and (not p.label or p.rank("event") >= 0)]
    if "item" in reading.columns:
        return
    if histories and labels and not plan.item.column.listed:
        raise InputError(
            f"each line of `{place}` is a labelled example with a history in `{histories[0].name}`, "
            "not one interaction",
            f"for ranking: `{command(place, reading)} --task ranking`; to read each line as one "
            f"interaction all the same: `--columns item={plan.item.name}`",
        )
    packed = [p for p in rest if is_packed(p)]
    if packed and not plan.item.column.listed:
        raise InputError(
            f"`{packed[0].name}` of `{place}` holds several records in each cell, as in "
            f"`{shortened(packed[0].values[0], 50)}`, which are not read",
            "write a row for each of them; to read each line as one interaction all the same: "
            f"`--columns item={plan.item.name}`",
        )


def holds_lists_of(profile: Profile, items: set[str]) -> bool:
    """Whether the cells of a column are lists of such items, not a single one each."""
    for separator in (",", " ", "|", ";", "\x02", "#"):
        pieces = [cut_values(value, separator) for value in profile.values[:200]]
        several = sum(len(own) > 1 for own in pieces)
        there = [piece for own in pieces for piece in own]
        known = sum(piece in items for piece in there) > 0.3 * len(there)
        packed = separator == "\x02"  # as DIN and DIEN write histories
        if several > 0.3 * max(1, len(pieces)) and (known or packed):
            return True
    return False


def is_packed(profile: Profile) -> bool:
    """Whether cells hold records such as `408:15:7:0915:0#408:16:7:0916:2`."""
    return (
        bool(profile.values)
        and all(
            re.fullmatch(r"[\w.-]+(?::[\w.-]*){2,}(?:[#;|,][\w.-]+(?::[\w.-]*){2,})+", value)
            for value in profile.values[:20]
            if "#" in value or ";" in value or "|" in value or "," in value
        )
        and any(re.search(r"[#;|,]", value) for value in profile.values[:20])
        and not profile.date_forms
    )


def undecided(
    relation: Relation, files: Files, reading: Reading, engine: Engine, error: Undecided
) -> InputError:
    """Say which role cannot be told, and what to type: a proposal that was tried, if there is one."""
    problem = (
        f"`{relation.place}`: cannot tell which column is the {' and which the '.join(error.missing)}"
        f"; found {listed(relation)}"
    )
    proposal = reading.with_columns(
        {r: c for r, c in error.guess.items() if r not in reading.columns}
    )
    if {"user", "item"} <= set(proposal.columns) and works(relation, proposal, engine):
        return InputError(problem, f"if this is right: `{command(files.main, proposal)}`")
    roles = ",".join(f"{role}=…" for role in error.missing)
    return InputError(
        problem,
        f"name them, as in `--columns {roles}`, if the file has interactions of users with items "
        "at all",
    )


def works(relation: Relation, proposal: Reading, engine: Engine) -> bool:
    """Whether a proposal reads the sample."""
    try:
        plan = assign(relation, proposal, engine)
    except (Undecided, InputError, duckdb.Error):
        return False
    return bool(plan.user.values and plan.item.values)


def event_columns(relation: Relation, plan: Plan) -> list[Profile]:
    """The columns that look like a type of event or a label, the likeliest first."""
    used = plan.used()
    found = []
    for place, column in enumerate(relation.columns):
        profile = Profile(column, place)
        if column.name in used or not profile.values:
            continue
        if column.listed and not (
            plan.item.column.listed and column.parent == plan.item.column.parent
        ):
            continue
        if plan.item.column.listed and not column.listed:
            continue
        rank = profile.rank("event")
        few = 1 < profile.distinct <= MOST_EVENTS
        flag = profile.is_flag or profile.is_truth
        named = rank >= 0 or (flag and profile.label.lower().startswith(("is_", "has_")))
        words = not profile.label and few and not profile.numeric and len(profile.values) > 20
        if few and (named or (words and profile.distinct <= 6)):
            found.append(((rank if rank >= 0 else 500, place), profile))
    return [profile for _, profile in sorted(found, key=lambda pair: pair[0])]


def findings(
    files: Files, relation: Relation, plan: Plan, rows: Loaded, reading: Reading
) -> Findings:
    """What was taken for what."""
    taken = [
        Taken("user", plan.user.name, example(plan.user), "user" not in plan.asked),
        Taken("item", plan.item.name, example(plan.item), "item" not in plan.asked),
    ]
    if plan.time is not None:
        first = plan.time.columns[0]
        taken.append(Taken("time", plan.time.name, example(first), "time" not in plan.asked))
    if plan.rating is not None and rows.ratings is not None:
        taken.append(
            Taken("rating", plan.rating.name, example(plan.rating), "rating" not in plan.asked)
        )
    used = plan.used()
    unused = tuple(column.name for column in relation.columns if column.name not in used)
    notes = [*relation.remarks, *plan.notes, *rows.notes]
    notes += [files.note] if files.note else []
    if plan.time is not None and plan.other_times:
        others = ", ".join(f"`{moment.name}`" for moment in plan.other_times[:4] if moment.solid)
        if others:
            notes.append(f"{others} look like times too; `{plan.time.name}` is the finest or first")
    return Findings(
        layout=relation.layout,
        taken=tuple(taken),
        unused=unused,
        order=order_of(plan, rows),
        kinds=kinds_of(rows, reading),
        notes=tuple(notes),
    )


def example(profile: Profile) -> str:
    return shortened((profile.values or [""])[0], 40)


def order_of(plan: Plan, rows: Loaded) -> str:
    if plan.time is None:
        return NOTHING
    how = f" ({plan.time.form.name})" if plan.time.form.unit else ""
    return f"by `{plan.time.name}`{how}, {rows.time_unit}"


def kinds_of(rows: Loaded, reading: Reading) -> tuple[Kind, ...]:
    """The columns that look like a type of event, with the option that chooses rows by them."""
    found = []
    for name, counts in rows.counts.items():
        value = next(iter(counts))
        quoted = value if value.lstrip("-").isdigit() else f"'{value}'"
        column = name if name.isidentifier() else f'"{name}"'
        option = (
            f"--where '{column} = {quoted}'"
            if "'" not in quoted
            else f'--where "{column} = {quoted}"'
        )
        found.append(Kind(name, counts, any(name in each for each in reading.where), option))
    return tuple(found)
