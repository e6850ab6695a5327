"""Which column of a log holds the time: by its content and its name, the finest if several do."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.clocks import DAY, MANY, clock_sql, clocks_beside, parts_of_hours
from seqrec_cli.core.data.reading.dated_numbers import Dated, says_when, unit_ago
from seqrec_cli.core.data.reading.dates import spelled_sql
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.pieces import PIECE_NAMES, PIECES, UNTOLD, pieces_among
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Relation, first_rows
from seqrec_cli.core.data.reading.times import MILLION, TimeForm, chosen_form, number_form
from seqrec_cli.core.data.reading.units import SECONDS

BARE_TIMES = ("time", "timestamp", "datetime", "ts", "t")
MOST_PARTS = 5  # of a day, in numbers
MOST_WORDS = 24  # of what is called a time and is weekday or weekend, say
# The names that make any numbers times, such as the days of a study.
COUNTED = frozenset(
    {"timestamp", "time", "ts", "date", "day", "dt", "step", "timestep", "addtocartorder", "t"}
    | {"datetime", "eventtime", "eventtimestamp", "week", "weekno", "month", "timeid", "dayid"}
    | {"start", "starttime", "begin", "stop", "end", "endtime", "timems", "timestampms"}
    | {"eventdate", "visitdate", "orderdate", "transactiondt", "ptd", "ds"}
    | {"jd", "mjd", "julianday", "juliandate"}
)
# What counts the visits of each user, from 1 on.
VISITS = frozenset({"ordernumber", "visitnumber", "sessionnumber"})
MOST_VISITS = 1000
SIZE_OF_DAYS = (20_000, 60_000)  # days since 1900, as spreadsheets count them: 1954 to 2064
# How long what such a name counts takes, in seconds.
SIZES = {"month": 30 * DAY, "week": 7 * DAY, "day": DAY, "date": DAY, "hour": 3600}
SAME = 200  # rows in which two columns are compared
# When something came back, in many languages: not when it was borrowed.
RETURNED = re.compile("return|retour|ruckgabe|rueckgabe|zwrot|devol|restitu|inlever|vracen|palaut")
Order = Sequence[int]
WITH_CLOCK = ", with the time of day"  # behind the name of a form


@dataclass(frozen=True)
class Moment:
    """A time that a log may be ordered by.

    Attributes:
        columns: whose values it is made of; one, or a date's and a time of day's.
        form: how it is read; `form.sql` makes an integer of the text of the first column.
        rivals: other forms that fit the sample as well.
        resolution: seconds between two times that can differ at all.
        solid: whether the content says that it is a time, not the name alone.
        instead: what is read if this does not read all rows.
        by_look: whether it is no time at all then, as only the sample says that it is one.
    """

    columns: tuple[Profile, ...]
    form: TimeForm
    rivals: tuple[TimeForm, ...] = ()
    resolution: float = 1.0
    solid: bool = True
    instead: "Moment | None" = None
    by_look: bool = False

    @property
    def name(self) -> str:
        return " + ".join(profile.name for profile in self.columns)

    @property
    def texts(self) -> tuple[str, ...]:
        """The expressions of the columns' texts."""
        return tuple(profile.column.sql for profile in self.columns)


def moment_of(profile: Profile, engine: Engine) -> Moment | None:
    """The time that a column holds; None where it does not look like one."""
    column = profile.column
    if column.kind.endswith("moment"):
        daily = all(value[10:] in ("", " 00:00:00") for value in profile.values)
        return Moment((profile,), typed_form(profile), (), float(DAY) if daily else 1e-6)
    if profile.date_forms:
        first, *rivals = profile.date_forms
        resolution = max(first.apart, resolution_of(profile, first, engine))
        return Moment((profile,), first, tuple(rivals), resolution)
    if (found := profile.dated) is not None:
        return moment_of_numbers(profile, found)
    form = number_form(profile.counts)
    if form is None:
        return None
    if profile.comma_numeric:
        form = with_decimal_comma(form)
    if profile.is_epoch:
        return Moment((profile,), form, (), resolution_of(profile, form, engine))
    plain = vocabulary.compared(profile.label)
    resolution = float(next((size for word, size in SIZES.items() if word in plain), 1))
    return Moment((profile,), form, (), resolution, solid=False)


def moment_of_numbers(profile: Profile, found: Dated) -> Moment:
    """The time of a column of numbers that are dates, with what is read instead if some are not."""
    forms = [found.form, *found.rivals]
    first, *rivals = map(with_decimal_comma, forms) if profile.comma_numeric else forms
    instead: Moment | None = None
    for other in reversed(found.instead):
        form = other.form
        instead = Moment((profile,), form, (), other.resolution, other.solid, instead)
    return Moment(
        (profile,), first, tuple(rivals), found.resolution, found.solid, instead, found.by_look
    )


def said_moment(profile: Profile, time_format: str) -> Moment:
    """The time of a column in the format that the user named."""
    form = chosen_form(time_format, profile.values)
    clocked = any(letter in time_format for letter in ("%H", "%I", "%s"))
    return Moment((profile,), form, (), 1.0 if clocked else float(DAY))


def with_decimal_comma(form: TimeForm) -> TimeForm:
    return replace(form, sql=lambda text: form.sql(f"replace({text}, ',', '.')"))


def typed_form(profile: Profile) -> TimeForm:
    """How a column is read that the engine knows as a time."""
    raw = profile.column.raw
    if profile.column.kind == "fine moment":
        return TimeForm("timestamps", lambda text: f"epoch_ns({raw})", 10**9, SECONDS)
    return TimeForm(
        "timestamps", lambda text: f"epoch_us(CAST({raw} AS TIMESTAMP))", MILLION, SECONDS
    )


def resolution_of(profile: Profile, form: TimeForm, engine: Engine) -> float:
    """Seconds between two times of the sample that can differ at all."""
    listed = ", ".join(f"({quoted(value)})" for value in dict.fromkeys(profile.values[:200]))
    found = engine.rows(f"SELECT {form.sql('x')} FROM (VALUES {listed}) AS sample(x)")
    times = [value for (value,) in found if value is not None]
    if not times:
        return 1.0
    per_second = per_second_of(form, times)
    for seconds in (DAY, 3600, 60, 1, 1e-3, 1e-6):
        if all(value % (seconds * per_second) == 0 for value in times):
            return float(seconds)
    return 1e-9


def per_second_of(form: TimeForm, times: Sequence[int]) -> float:
    """How many of its integers a second has, by their size where the form does not say."""
    per_second = float(form.scale)
    if not form.unit:
        largest = max(map(abs, times)) / form.scale
        per_second *= next((u for u in (1, 1e3, 1e6) if largest < 1e11 * u), 1e9)
    return per_second


def order_by(moment: Moment | None, relation: Relation, engine: Engine) -> Order | None:
    """The rows of the sample by time, the first one first; None where they have no time each."""
    if moment is None or moment.columns[0].column.listed:
        return None
    column = moment.columns[0].column
    rows = first_rows(relation, engine, moment.form.sql(column.sql), len(column.cells))
    times = [time if time is not None else 0 for (time,) in rows]
    return sorted(range(len(times)), key=times.__getitem__)


def candidates(profiles: Sequence[Profile], engine: Engine) -> list[Moment]:
    """The times that a log may have, the one to take first."""
    if not profiles:
        return []
    fullest = max(profile.filled for profile in profiles)
    found, pieces = [], pieces_among(profiles)
    untold = [pieces[piece] for piece in UNTOLD if piece in pieces and UNTOLD[piece] & {*pieces}]
    for profile in profiles:
        if profile in untold and not profile.is_moment:
            continue  # of one month as of another
        ranked = profile.rank("time")
        plain = vocabulary.compared(profile.label)
        counted = plain in COUNTED or (profile.column.listed and plain.removesuffix("s") in COUNTED)
        # Dates with an hour, as 14102100; of the hour of a day alone there is no order.
        counted |= plain == "hour" and bool(profile.counts) and min(profile.numbers) > 24
        counted |= 0 <= ranked < vocabulary.SURE and is_within(profile, *SIZE_OF_DAYS)
        counted |= "epoch" in vocabulary.words_of(profile.label)  # of minutes, say
        visits = plain in VISITS and is_within(profile, 0, MOST_VISITS)
        counted |= visits
        if not (profile.is_moment or (counted and profile.counts)):
            continue
        if is_no_moment(profile) and not visits:
            continue
        moment = moment_of(profile, engine)
        if moment is None:
            continue
        key = (
            not moment.solid,
            profile.filled < 0.9 * fullest,
            is_unlikely(profile),
            moment.resolution,
            ranked if ranked >= 0 else 0 if visits else 5000,
            profile.place,
        )
        found.append((key, moment))
    known = [pair for pair in found if not is_by_look(pair[1].columns[0])]
    ordered = [moment for _, moment in sorted(known or found, key=lambda pair: pair[0])]
    return finest_of_the_same(without_last_changes(ordered, engine), engine)


def without_last_changes(ordered: list[Moment], engine: Engine) -> list[Moment]:
    """The times, last those of a return, and before those what has a bare name and the same values:
    a database sets such a `timestamp` whenever a row changes."""
    returns = [m for m in ordered if RETURNED.search(vocabulary.compared(m.columns[0].label))]
    bare = [m for m in ordered if vocabulary.compared(m.columns[0].label) in BARE_TIMES]
    changes = [m for m in bare if any(are_the_same(m, other, engine) for other in returns)]
    late = [*changes, *(m for m in returns if m not in changes)]
    rest = [m for m in ordered if m not in late]
    return rest + late if any(m.solid for m in rest) else ordered


def finest_of_the_same(ordered: list[Moment], engine: Engine) -> list[Moment]:
    """The times, first the one that has the same moments as the first of all and is finer, as the
    seconds since 1970 of what another column has in minutes."""
    if not ordered:
        return []
    first = ordered[0]
    finer = [m for m in ordered[1:] if m.solid and m.resolution < first.resolution]
    finer = [m for m in finer if not is_of_an_edit(m.columns[0])]
    same = next((m for m in finer if are_the_same(m, first, engine)), None)
    return ordered if same is None else [same, *(m for m in ordered if m is not same)]


def are_the_same(one: Moment, other: Moment, engine: Engine) -> bool:
    """Whether two columns have the same moments, as far as the coarser of them tells."""
    if any(m.columns[0].column.kind.endswith("moment") for m in (one, other)):
        return False
    pairs = steps_together(one, other, engine)
    return sum(a == b for a, b in pairs) > 0.95 * len(pairs)


def steps_together(one: Moment, other: Moment, engine: Engine) -> list[tuple[float, float]]:
    """The times of two columns in the rows that have both, in steps of the coarser resolution.

    A missing one does not count, and half of all must be there; else there are none.
    """
    columns = (one.columns[0].column, other.columns[0].column)
    if any(column.listed for column in columns):
        return []
    cells = [column.cells[:SAME] for column in columns]
    pairs = [
        (a, b)
        for a, b in zip(*cells, strict=False)
        if isinstance(a, str) and isinstance(b, str) and a and b
    ]
    if len(pairs) < 0.5 * max(1, max(map(len, cells))):
        return []
    listed = ", ".join(f"({quoted(a)}, {quoted(b)})" for a, b in pairs)
    forms = (form_of_texts(one), form_of_texts(other))
    read = f"{forms[0].sql('x')}, {forms[1].sql('y')}"
    found = engine.rows(f"SELECT {read} FROM (VALUES {listed}) AS sample(x, y)")
    told = [(a, b) for a, b in found if a is not None and b is not None]
    if len(told) <= 0.9 * len(found):
        return []
    apart = max(one.resolution, other.resolution)
    steps = []
    for form, times in zip(forms, zip(*told, strict=True), strict=True):
        step = per_second_of(form, times) * apart
        steps.append([time // step for time in times])
    return [*zip(*steps, strict=True)]


def form_of_texts(moment: Moment) -> TimeForm:
    """How the cells of the sample are read, which are texts also where the engine knows a time."""
    if not moment.columns[0].column.kind.endswith("moment"):
        return moment.form
    return TimeForm(
        "timestamps", lambda text: f"epoch_us(TRY_CAST({text} AS TIMESTAMP))", MILLION, SECONDS
    )


def is_within(profile: Profile, low: float, high: float) -> bool:
    """Whether they are numbers of a range."""
    numbers = [float(value) for value in profile.counts]
    return bool(numbers) and low <= min(numbers) and max(numbers) <= high


def is_unlikely(profile: Profile) -> bool:
    """Whether any other time comes first: it is of what was done later, as an edit or a delivery,
    all rows have the same, or it is a number that is not called a time and may be of the size of
    one by chance."""
    sized = profile.is_epoch or profile.dated is not None
    by_size = profile.label and sized and profile.numeric and not says_when(profile.label)
    return bool(is_of_an_edit(profile) or by_size) or (
        profile.distinct < 2 and len(profile.values) > MANY
    )


def is_of_an_edit(profile: Profile) -> bool:
    """Whether the name says that something was done later, as an edit or a delivery."""
    return not vocabulary.EDITS.isdisjoint(vocabulary.words_of(profile.label))


def is_by_look(profile: Profile) -> bool:
    """Whether they are numbers, such as a card has, that are of the size of times alone."""
    if vocabulary.compared(profile.label) in VISITS:
        return False
    few = profile.distinct < 0.5 * len(profile.values) and len(profile.values) > MANY
    return few and bool(profile.label) and profile.numeric and not says_when(profile.label)


def is_no_moment(profile: Profile) -> bool:
    """Whether the name says that it is something else: an id, a duration, a date of birth."""
    if not profile.label:
        return False
    parts = set(vocabulary.words_of(profile.label))
    if unit_ago(profile.label):
        return False
    strange = vocabulary.OTHER_DATES if profile.date_forms else vocabulary.NOT_MOMENTS
    if strange & parts and profile.rank("time") < 0:
        return True
    if profile.rank("time") >= 0:
        return False
    named: tuple[vocabulary.Named, ...] = ("user", "item", "session", "rating")
    is_id = "id" in parts or profile.label.lower().endswith("id")
    return profile.numeric and (is_id or any(profile.rank(role) >= 0 for role in named))


def is_category(profile: Profile, user: Profile | None = None) -> bool:
    """Whether what is called a time takes a few values over and over, as 1 to 4 for parts of a day.

    Such a time says nothing of the order of rows, unless the file or the rows of each user have it.
    """
    if len(profile.values) <= MANY or profile.distinct > MOST_WORDS:
        return False
    if not profile.counts:
        return not any(letter.isdigit() for value in profile.values for letter in value)
    numbers = [float(value) for value in profile.counts]
    if profile.distinct > MOST_PARTS or max(numbers) > MOST_PARTS:
        return False
    if vocabulary.compared(profile.label) not in BARE_TIMES or numbers == sorted(numbers):
        return False
    cells = user.column.cells if user is not None else ()
    pairs = len(set(map(str, zip(cells, profile.column.cells, strict=False))))
    return pairs < 0.7 * len(cells)


def with_clock(date: Moment, profiles: Sequence[Profile], engine: Engine) -> Moment:
    """The date with the time of day of another column, where there is one."""
    if date.resolution < DAY or date.columns[0].column.listed:
        return date
    rest = [profile for profile in profiles if profile not in date.columns]
    for profile in clocks_beside(rest):
        if seconds := clock_sql(profile):
            return with_time_of_day(date, profile, seconds, parts_of_hours(profile, rest))
    return date


def with_time_of_day(
    date: Moment,
    profile: Profile,
    seconds: Callable[[str], str],
    parts: Sequence[tuple[Profile, int]] = (),
) -> Moment:
    """The date with a time of day; `parts` are columns of its minutes and seconds, if it has such,
    and how many seconds one of each is."""
    more = [f" + {number_sql(part.column.sql, 'BIGINT')} * {size}" for part, size in parts]
    clock = f"{seconds(profile.column.sql)}{''.join(more)}"
    # A count of days becomes seconds, so that the time of day fits in.
    day = f" * {DAY}" if not date.solid else ""

    def with_seconds(form: TimeForm) -> TimeForm:
        added = f"CAST({form.scale} * ({clock}) AS BIGINT)"
        name = form.name + WITH_CLOCK
        return replace(form, name=name, sql=lambda text: f"({form.sql(text)}){day} + {added}")

    rivals = tuple(map(with_seconds, date.rivals))
    columns = (*date.columns, profile, *(part for part, _ in parts))
    # Of texts with a `:` those that are no times of day are refused when they are read.
    instead = date if profile.counts or date.instead else None
    return Moment(columns, with_seconds(date.form), rivals, 1.0, date.solid, instead, date.by_look)


def from_pieces(profiles: Sequence[Profile]) -> Moment | None:
    """The time in columns of their own for year, month, day and so on; None without those."""
    found = pieces_among(profiles)
    if not {"year", "month"} <= set(found):
        return None
    if "day" not in found and any(
        vocabulary.compared(p.label) not in PIECE_NAMES for p in found.values()
    ):
        return None  # the year and month of a birth, say
    columns = tuple(found[piece] for piece in PIECES if piece in found)
    texts = {piece: profile.column.sql for piece, profile in found.items()}
    if not found["month"].whole_valued:
        texts["month"] = spelled_sql(texts["month"], (), 1)
    numbers = {piece: number_sql(text, "BIGINT") for piece, text in texts.items()}
    date = ", ".join(numbers.get(piece, "1") for piece in ("year", "month", "day"))
    rest = ", ".join(numbers.get(piece, "0") for piece in ("hour", "minute"))
    second = numbers.get("second", "0")
    sql = f"epoch_us(TRY(make_timestamp({date}, {rest}, CAST({second} AS DOUBLE))))"
    form = TimeForm(", ".join(p for p in PIECES if p in found), lambda text: sql, MILLION, SECONDS)
    finest = 1.0 if "second" in found else 60.0 if "minute" in found else float(DAY)
    return Moment(columns, form, (), finest if "day" in found else 30.0 * DAY)
