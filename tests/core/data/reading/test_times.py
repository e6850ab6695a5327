"""Every form of time gives the same moment; what could be read two ways is asked for."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.times import forms_of
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of

MOMENT = datetime(2017, 7, 30, 14, 16, 2, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())
DAY = SECONDS - SECONDS % 86_400
MINUTE = SECONDS - SECONDS % 60


@pytest.mark.parametrize(
    ("text", "stored", "unit"),
    [
        ("2017-07-30 14:16:02", SECONDS, "seconds"),
        ("2017-07-30T14:16:02Z", SECONDS, "seconds"),
        ("2017-07-30 14:16:02 UTC", SECONDS, "seconds"),
        ("2017-07-30T19:46:02+05:30", SECONDS, "seconds"),
        ("2017-07-30 14:16:02 +0000", SECONDS, "seconds"),
        ("2017-07-30 14:16:02.250 UTC", SECONDS * 1000 + 250, "milliseconds"),
        ("2017-07-30 14:16:02.123456789", SECONDS * 10**9 + 123456789, "nanoseconds"),
        ("2017-7-30 14:16", MINUTE, "seconds"),
        ("2017/07/30 14:16:02", SECONDS, "seconds"),
        ("30.07.2017", DAY, "seconds"),
        ("30.07.2017 14:16", MINUTE, "seconds"),
        ("7/30/2017 2:16 PM", MINUTE, "seconds"),
        ("07/30/2017 02:16:02 PM", SECONDS, "seconds"),
        ("07 30, 2017", DAY, "seconds"),
        ("30-JUL-17", DAY, "seconds"),
        ("July 30, 2017", DAY, "seconds"),
        ("30 Jul 2017, 14:16", MINUTE, "seconds"),
        ("Sun, 30 Jul 2017 14:16:02 GMT", SECONDS, "seconds"),
        ("Sun Jul 30 14:16:02 +0000 2017", SECONDS, "seconds"),
        ("Sun Jul 30 14:16:02 2017", SECONDS, "seconds"),
        ("30/Jul/2017:14:16:02 +0000", SECONDS, "seconds"),
        ("2017年7月30日", DAY, "seconds"),
        ("20170730", DAY, "seconds"),
        ("20170730.0", DAY, "seconds"),
        ("20170730141602", SECONDS, "seconds"),
        (f"{SECONDS}", SECONDS, "seconds"),
        (f"{SECONDS}.0", SECONDS, "seconds"),
        (f"{SECONDS}.25", SECONDS * 1000 + 250, "milliseconds"),
        (f"{SECONDS}250", SECONDS * 1000 + 250, "milliseconds"),
        (f"{SECONDS}000250", SECONDS * 10**6 + 250, "microseconds"),
        (f"{SECONDS}000000250", SECONDS * 10**9 + 250, "nanoseconds"),
        ("1.501424162e+09", SECONDS, "seconds"),
    ],
)
def test_reads_every_form(read: ReadText, text: str, stored: int, unit: str) -> None:
    log = read(f'user,item,date\n1,2,"{text}"\n1,3,"{text}"\n')
    assert rows_of(log) == [(1, 2, stored), (1, 3, stored)]
    assert log.rows.time_unit == unit


def test_the_whole_column_tells_days_from_months(read: ReadText) -> None:
    early = "".join(f"1,{n},0{n % 9 + 1}/02/2017\n" for n in range(1500))
    days = read(f"user,item,date\n{early}1,9,13/02/2017\n")
    months = read(f"user,item,date\n{early}1,9,02/13/2017\n")
    assert days.rows.times is not None
    assert months.rows.times is not None
    assert days.rows.times[-1] == months.rows.times[-1] == 1_486_944_000
    assert days.rows.times[0] != months.rows.times[0]


def test_asks_where_days_and_months_cannot_be_told_apart(read: ReadText) -> None:
    text = "user,item,date\n1,2,01/02/2017\n1,3,03/02/2017\n"
    with pytest.raises(InputError, match="the day or the month first") as caught:
        read(text)
    assert "--time-format %d/%m/%Y" in caught.value.hint
    assert rows_of(read(text, time_format="%d/%m/%Y"))[0][2] == 1_485_907_200
    assert rows_of(read(text, time_format="%m/%d/%Y"))[0][2] == 1_483_315_200


@pytest.mark.parametrize(
    ("header", "row", "stored"),
    [
        ("date,time", "2017-07-30,14:16:02", SECONDS),
        ("date,hourmin", "20170730,1416", MINUTE),
        ("date,hour", "2017-07-30,14", SECONDS - SECONDS % 3600),
        ("y_year,y_month,y_day,y_hour,y_minute", "2017,7,30,14,16", MINUTE),
        ("day,time_ms", f"2017-07-30,{SECONDS}007", SECONDS * 1000 + 7),
    ],
)
def test_puts_columns_together_and_takes_the_finest(
    read: ReadText, header: str, row: str, stored: int
) -> None:
    log = read(f"user,item,{header}\n1,2,{row}\n1,3,{row}\n")
    assert rows_of(log)[0] == (1, 2, stored)


@pytest.mark.parametrize("name", ["year_of_birth", "price", "duration", "category_id"])
def test_numbers_that_are_no_times_are_none(read: ReadText, name: str) -> None:
    log = read(f"user,item,{name}\n1,2,1987\n1,3,1500\n2,2,1990\n")
    assert log.rows.times is None
    assert "no column looks like a time" in log.findings.order


def test_refuses_times_of_an_unknown_form_by_name(read: ReadText) -> None:
    with pytest.raises(InputError, match="are no times in a form that is known") as caught:
        read("user,item,time\n1,2,now\n1,3,then\n")
    assert "--columns time=none" in caught.value.hint
    assert read("user,item,time\n1,2,now\n1,3,then\n", columns={"time": "none"}).rows.times is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_text_has_a_form_or_none(text: str) -> None:
    for form in forms_of([text]):
        assert "x" in form.sql("x")


def test_looks_at_long_digits_in_linear_time() -> None:
    assert forms_of(["1" * 200_000]) == []
    assert forms_of(["2017-" * 50_000]) == []
