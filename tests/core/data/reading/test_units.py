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

MOMENTS = st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1))


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


def test_a_few_zeros_do_not_hide_the_unit(read: ReadText) -> None:
    rows = "".join(f"{n % 5},{n % 7},{(n % 40 > 0) * 1_600_000_000}\n" for n in range(200))
    assert read("user,item,timestamp\n" + rows).rows.time_unit == "seconds"


def test_refuses_times_of_two_units(read: ReadText) -> None:
    rows = "".join(f"{n % 5},{n % 7},{1_600_000_000 * 1000 ** (n % 2)}\n" for n in range(200))
    with pytest.raises(InputError, match="some times are in seconds and others in milliseconds"):
        read("user,item,timestamp\n" + rows)
