"""Times that the sample looked like, held against all rows: what a form does not read there is not
dropped, but the next form taken, or none."""

from collections.abc import Sequence

from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.moments import Moment
from seqrec_cli.core.data.reading.profiles import MISSING
from seqrec_cli.core.data.reading.rejects import SKIPPING, STRICT
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.wording import typed


def settle_time(relation: Relation, plan: Plan, engine: Engine) -> None:
    """Set the time to the first of its readings that fits all rows, with a note if it is another.

    Only those are held against the rows that may be something else.
    """
    time = plan.time
    if time is None or time.columns[0].column.listed or not (time.instead or time.by_look):
        return
    readings = [time]
    while (following := readings[-1].instead) is not None:
        readings.append(following)
    odds: list[str] = []
    for moment in readings:
        if not (odd := unfit(moment, readings[-1], relation, engine)):
            break
        odds.append(odd)
    plan.time = moment
    if len(odds) == len(readings) and "time" not in plan.asked:
        plan.time = None
        plan.notes.append(
            f"`{moment.name}` looks like a time in the first rows and is none further down, as in "
            f"`{shortened(odds[-1], 40)}`, so it is not taken for it; if it is: "
            f"`{typed('--columns', f'time={moment.name}')}`"
        )
    elif moment is time.instead and len(time.columns) > len(moment.columns):
        plan.notes.append(
            f"`{time.columns[len(moment.columns)].name}` has values that are no times of day, "
            f"such as `{shortened(odds[0], 40)}`, and is not read"
        )


def unfit(moment: Moment, last: Moment, relation: Relation, engine: Engine) -> str:
    """A value that this does not read, though the last of the readings does; "" without one."""
    texts = moment.texts
    before = len(moment.instead.columns) if moment.instead else 0
    shown = texts[before] if before < len(texts) else texts[0]  # of a date and a clock the clock
    missing = ", ".join(map(quoted, MISSING))
    there = " AND ".join(f"lower(trim({text})) NOT IN ({missing})" for text in texts)
    unread = f"{read_by(moment)} IS NULL AND {there}"
    if moment is not last:
        unread += f" AND {read_by(last)} IS NOT NULL"
    elif not moment.by_look:
        return ""
    skipped = f" AND ({relation.skipped})" if relation.skipped else ""
    for scan in relation.scans:
        scan = scan.replace(STRICT, SKIPPING)
        found: Sequence[tuple[str]] = engine.rows(
            f"SELECT {shown} FROM {scan} WHERE {unread}{skipped} LIMIT 1"
        )
        if found:
            return found[0][0]
    return ""


def read_by(moment: Moment) -> str:
    """SQL of the time that one of the forms of a moment reads."""
    read = [form.sql(moment.texts[0]) for form in (moment.form, *moment.rivals)]
    return f"coalesce({', '.join(read)})" if len(read) > 1 else read[0]
