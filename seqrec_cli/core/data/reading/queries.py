"""The queries that read a log: how its columns become those of one table."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.moments import WITH_CLOCK
from seqrec_cli.core.data.reading.options import Reading, command
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Column, Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.times import TimeForm
from seqrec_cli.errors import InputError


def settled_form(
    relation: Relation, plan: Plan, reading: Reading, engine: Engine, place: object
) -> TimeForm | None:
    """The form of the times; where days may be months, the one that reads all rows."""
    if plan.time is None or not plan.time.rivals:
        return plan.time.form if plan.time else None
    time = plan.time
    text = time.texts[0]
    forms = (time.form, *time.rivals)
    if time.columns[0].column.listed:
        return time.form
    counted = ", ".join(f"count({form.sql(text)})" for form in forms)
    fitted = [0] * len(forms)
    for scan in relation.scans:
        (row,) = engine.rows(f"SELECT {counted} FROM {scan}")
        fitted = [a + b for a, b in zip(fitted, row, strict=True)]
    best = [form for form, count in zip(forms, fitted, strict=True) if count == max(fitted)]
    if len(best) > 1:
        commands = " or ".join(f"`{command(place, with_format(reading, form))}`" for form in best)
        example = (time.columns[0].values or [""])[0]
        raise InputError(
            f"`{relation.place}`: the dates in `{time.name}`, such as `{example}`, may have "
            "the day or the month first, and no row shows which",
            f"say which: {commands}",
        )
    return best[0]


def with_format(reading: Reading, form: TimeForm) -> Reading:
    written = form.name.removesuffix(WITH_CLOCK).split(" or ")[0]
    return replace(reading, time_format=written)


def selected(
    relation: Relation,
    plan: Plan,
    reading: Reading,
    form: TimeForm | None,
    kinds: Sequence[Profile],
    ids: tuple[str, str],
    conditions: Sequence[str],
) -> tuple[str, str]:
    """What stands before and after a scan to make its rows those of the table `log`: u, i, t, r, w
    and a column for each kind of event; a row for each item, or user, of a list."""
    inner = [f"{ids[0]} AS u", f"{ids[1]} AS i"]
    outer = [
        f"unnest({name}) AS {name}" if profile.column.listed else name
        for name, profile in (("u", plan.user), ("i", plan.item))
    ]

    def add(name: str, column: Column, sql: Callable[[str], str]) -> None:
        if column.listed and plan.unfolded:
            inner.append(f"list_transform({column.sql}, lambda y: {sql('y')}) AS {name}")
            outer.append(f"unnest({name}) AS {name}")
        else:
            inner.append(f"{sql(column.sql)} AS {name}")
            outer.append(name)

    if plan.time is not None and form is not None:
        add("t", plan.time.columns[0].column, form.sql)
    if plan.rating is not None:
        add("r", plan.rating.column, lambda text: rating_sql(plan, reading, text))
    if conditions:
        inner.append(" AND ".join(f"coalesce({each}, false)" for each in conditions) + " AS w")
        outer.append("w")
    for n, kind in enumerate(kinds):
        add(f"k{n}", kind.column, lambda text: text)
    skipped = f" WHERE {relation.skipped}" if relation.skipped else ""
    if not plan.unfolded:
        return f"SELECT {', '.join(inner)} FROM ", skipped
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM ", f"{skipped})"


def rating_sql(plan: Plan, reading: Reading, text: str) -> str:
    """A rating as a number; of a word by what the user said, true and false as 1 and 0."""
    assert plan.rating is not None
    if reading.rating_values:
        cases = " ".join(
            f"WHEN {quoted(word.lower())} THEN {value!r}"
            for word, value in reading.rating_values.items()
        )
        return f"CASE lower(trim({text})) {cases} END"
    if plan.rating.is_truth:
        return (
            f"CASE WHEN lower(trim({text})) IN ('true', 't', 'yes', 'y') THEN 1.0 "
            f"WHEN lower(trim({text})) IN ('false', 'f', 'no', 'n') THEN 0.0 END"
        )
    number = f"replace({text}, ',', '.')" if plan.rating.comma_numeric else text
    parsed = number_sql(number, "DOUBLE")
    return f"CASE WHEN abs({parsed}) <= 1e38 THEN {parsed} END"
