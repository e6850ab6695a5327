"""Units of times, and times as people write them."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.units import (
    PER_SECOND,
    UNKNOWN,
    finer,
    guess_unit,
    parse_moment,
    rows_of_our_age,
    show_moment,
)
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText

MOMENTS = st.datetimes(min_value=datetime(1996, 1, 2), max_value=datetime(2100, 1, 1))


@given(MOMENTS, st.sampled_from(sorted(PER_SECOND)))
def test_a_moment_is_shown_as_it_is_read(moment: datetime, unit: str) -> None:
    moment = moment.replace(microsecond=0)
    stored = parse_moment(moment.isoformat(), unit)
    assert stored == int(moment.replace(tzinfo=UTC).timestamp()) * PER_SECOND[unit]
    assert show_moment(stored, unit) == moment.isoformat(sep=" ")
    assert guess_unit(rows_of_our_age(np.array([stored]))) == unit


@pytest.mark.parametrize(
    ("text", "unit", "moment"),
    [
        ("2023", "seconds", 1_672_531_200),
        ("2023-02", "seconds", 1_675_209_600),
        ("2023", UNKNOWN, 2023),
        ("202302", "seconds", 1_675_209_600),
        ("20230201", "milliseconds", 1_675_209_600_000),
        ("202302011200", "seconds", 1_675_252_800),
        ("20230201", UNKNOWN, 20230201),
        ("-5", "seconds", -5),
        ("500000", "seconds", 500_000),
        ("1500000000", "seconds", 1_500_000_000),
        ("2024-05-31T12:00+02:00", "milliseconds", 1_717_149_600_000),
    ],
)
def test_reads_a_time_of_the_command_line(text: str, unit: str, moment: int) -> None:
    assert parse_moment(text, unit) == moment


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("20231301", "seconds", "is not a time"),
        ("soon", "seconds", "`soon` is not a time"),
        ("2024-13-01", "seconds", "is not a time"),
        ("٢٠٢٤", "seconds", "is not a time"),
        ("2024-05-31", UNKNOWN, "cannot be compared"),
        ("9" * 5000, "seconds", "is not a time"),
    ],
)
def test_refuses_what_is_no_time(text: str, unit: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_moment(text, unit)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([*sorted(PER_SECOND), UNKNOWN]))
def test_any_number_is_shown(moment: int, unit: str) -> None:
    assert show_moment(moment, unit)


def test_a_finer_unit_has_a_name() -> None:
    assert finer("seconds", 1000) == "milliseconds"
    assert finer("seconds", 1) == "seconds"
    assert finer("seconds", 10) == "1/10 of seconds"
    assert finer(UNKNOWN, 10) == "1/10 of the source's"


def test_times_since_the_start_of_a_study_have_no_known_unit(read: ReadText) -> None:
    """Milliseconds from 0 on are of the size of seconds since 1970, but of no age of ours."""
    rows = "".join(f"{n % 5},{n % 7},{n * 9_000_000}\n" for n in range(200))
    assert read("user,item,timestamp\n" + rows).rows.time_unit == UNKNOWN


@pytest.mark.parametrize("missing", [0, -1])
def test_zeros_among_times_of_today_are_missing_ones(read: ReadText, missing: int) -> None:
    times = [1_600_000_000 + n if n % 40 else missing for n in range(200)]
    text = "user,item,timestamp\n" + "".join(f"{n % 5},{n % 7},{t}\n" for n, t in enumerate(times))
    with pytest.raises(
        InputError, match=f"line 2: the time in `timestamp` is `{missing}`"
    ) as error:
        read(text)
    assert "--drop-incomplete" in error.value.hint
    rows = read(text, drop_incomplete=True).rows
    assert rows.time_unit == "seconds"
    assert rows.dropped == {"no time that can be read": 5}


def test_a_date_of_1970_among_others_is_a_missing_one(read: ReadText) -> None:
    days = ["1970-01-01" if n == 3 else f"2021-03-{n % 28 + 1:02}" for n in range(90)]
    text = "user,item,date\n" + "".join(f"{n % 5},{n % 7},{d}\n" for n, d in enumerate(days))
    with pytest.raises(InputError, match="line 5: the time in `date` is `1970-01-01`"):
        read(text)


def test_the_unit_of_times_before_our_age_is_not_told(read: ReadText) -> None:
    """Seconds since 2001, as Apple counts them, would be of 1988 since 1970."""
    rows = "".join(f"{n % 5},{n % 7},{581_000_000 + n * 997}\n" for n in range(200))
    log = read("user,item,timestamp\n" + rows)
    assert log.rows.time_unit == UNKNOWN
    assert any("would be of 1988" in note for note in log.findings.notes)


def test_refuses_times_of_two_units(read: ReadText) -> None:
    rows = "".join(f"{n % 5},{n % 7},{1_600_000_000 * 1000 ** (n % 2)}\n" for n in range(200))
    with pytest.raises(InputError, match="some times are in seconds and others in milliseconds"):
        read("user,item,timestamp\n" + rows)
