"""Numbers that are dates by their size and their name."""

from datetime import UTC, date, datetime, timedelta

import pytest

from seqrec_cli.core.data.reading.dated_numbers import dated, says_when
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText

DAYS = [date(2023, 12, 31) - timedelta(days=n * 11) for n in range(60)]  # the newest first


def log_of(header: str, cells: list[str]) -> str:
    rows = "".join(f"{n % 5},{n % 7},{cell}\n" for n, cell in enumerate(cells))
    return f"user_id,item_id,{header}\n{rows}"


def days_read(read: ReadText, header: str, cells: list[str]) -> list[date]:
    rows = read(log_of(header, cells)).rows
    assert rows.times is not None
    assert rows.time_unit == "seconds"
    return [datetime.fromtimestamp(int(time), UTC).date() for time in rows.times]


@pytest.mark.parametrize(
    ("header", "written"),
    [
        ("TRANDT", "%m%d%Y"),
        ("date_ddmmyyyy", "%d%m%Y"),
        ("yyddd", "%y%j"),
        ("julian_date", "%Y%j"),
        ("order_date", "%Y%j"),
        ("SDTRDJ", "1%y%j"),
        ("PKDATE", "1%y%m%d"),
    ],
)
def test_days_in_digits(read: ReadText, header: str, written: str) -> None:
    assert days_read(read, header, [day.strftime(written) for day in DAYS]) == DAYS


def test_days_in_digits_may_lack_a_zero(read: ReadText) -> None:
    cells = [day.strftime("%m%d%Y").lstrip("0") for day in DAYS]
    assert days_read(read, "Txn Date", cells) == DAYS


def test_days_in_digits_that_may_be_months_are_asked_for(read: ReadText) -> None:
    cells = [f"{n % 12 + 1:02}{n % 11 + 1:02}2023" for n in range(60)]
    with pytest.raises(InputError) as refused:
        read(log_of("sold_date", cells))
    assert "--time-format %d%m%Y" in refused.value.hint


def test_the_year_of_taiwan(read: ReadText) -> None:
    cells = [f"{day.year - 1911}{day:%m%d}" for day in DAYS]
    assert days_read(read, "借閱日期", cells) == DAYS


@pytest.mark.parametrize("header", ["period", "yearmonth", "yyyymm", "month", "Monat"])
def test_a_year_and_a_month(read: ReadText, header: str) -> None:
    cells = [day.strftime("%Y%m") for day in DAYS]
    assert days_read(read, header, cells) == [day.replace(day=1) for day in DAYS]


@pytest.mark.parametrize("header", ["yearweek", "yyyyww", "period", "KW", "iso_week"])
def test_a_year_and_a_week(read: ReadText, header: str) -> None:
    cells = ["{}{:02}".format(*day.isocalendar()) for day in DAYS]
    assert days_read(read, header, cells) == [day - timedelta(day.weekday()) for day in DAYS]


def test_a_name_tells_weeks_from_months() -> None:
    cells = ["202301", "202312"]
    months, weeks = dated("period", cells), dated("yearweek", cells)
    assert months is not None
    assert weeks is not None
    assert (months.form.name, weeks.form.name) == ("%Y%m", "year and week")


@pytest.mark.parametrize("header", ["Checked in", "Einlass", "Booked", "Date", "when"])
@pytest.mark.parametrize("decimals", [4, 5, 11])
def test_days_of_spreadsheets(read: ReadText, header: str, decimals: int) -> None:
    cells = [f"{45291 - n * 11 + n % 24 / 24:.{decimals}f}" for n in range(60)]
    assert days_read(read, header, cells) == DAYS
    assert "as spreadsheets count" in read(log_of(header, cells)).findings.order


def test_whole_days_of_spreadsheets_are_told_by_a_name_that_says_when(read: ReadText) -> None:
    cells = [str(45291 - n * 11) for n in range(60)]
    assert days_read(read, "Sale Date", cells) == DAYS
    for name in ("branch", "Read"):
        assert read(log_of(name, cells)).rows.times is None


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("date", "1901{:02}", 28),
        ("order_date", "1601{:02}", 28),
        ("step", "2000{:02}", 30),
        ("time", "2000{:02}", 60),
        ("timestamp", "2000{:03}", 366),
        ("day", "500{:02}", 99),
    ],
)
def test_numbers_that_grow_are_no_dates_by_look(
    read: ReadText, header: str, first: str, last: int
) -> None:
    cells = [first.format(1 + n * last // 1200) for n in range(1200)] + ["290431"]
    times = read(log_of(header, cells)).rows.times
    assert times is not None
    assert times.tolist() == list(map(int, cells))


def test_days_of_winters_in_six_digits_are_no_days_of_years(read: ReadText) -> None:
    cells = [
        f"{year}{month}{1 + n}"
        for year, month in ((18, 10), (18, 12), (19, 10))
        for n in range(9, 28)
    ]
    assert read(log_of("date", cells)).rows.time_unit == "as in the source"


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        (name, [f"{20_000 + n * 113}.{n % 900 + 100}" for n in range(60)])
        for name in ("ping", "popularity", "tempo_us", "bsr", "temperature_k")
    ]
    + [
        (name, [str(40_001 + n * 37 % 150) for n in range(60)])
        for name in ("streamed", "bought", "watched", "viewed", "borrowed")
    ]
    + [("long_ago_score", [str(n % 8 + 1) for n in range(60)])],
)
def test_numbers_of_the_size_of_days_are_no_dates(
    read: ReadText, header: str, cells: list[str]
) -> None:
    assert read(log_of(header, cells)).rows.times is None


def test_numbers_without_a_name_are_no_days(read: ReadText) -> None:
    rows = "".join(f"c{n % 5},p{n % 7},{31_234.123 + n:.3f}\n" for n in range(60))
    assert read(rows).rows.times is None


@pytest.mark.parametrize(
    ("start", "per_second"), [(datetime(1601, 1, 1, tzinfo=UTC), 10**6), (None, 10**7)]
)
def test_ticks_since_long_ago(read: ReadText, start: datetime | None, per_second: int) -> None:
    begun = start or datetime(1, 1, 1, tzinfo=UTC)
    noon = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) for day in DAYS]
    cells = [str((each - begun) // timedelta(seconds=1) * per_second) for each in noon]
    assert days_read(read, "visit_time", cells) == DAYS


@pytest.mark.parametrize("header", ["days_ago", "weeks ago", "DaysAgo"])
def test_what_is_counted_back_is_earlier_the_larger_it_is(read: ReadText, header: str) -> None:
    rows = read(log_of(header, ["1", "3", "2"] * 10)).rows
    assert rows.times is not None
    assert rows.times[:3].tolist() == [-1, -3, -2]
    assert rows.time_unit == "as in the source"


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("product_code", [str(202301 + n % 12) for n in range(60)]),
        ("batch", [str(202301 + n % 12) for n in range(60)]),
        ("order_no", [day.strftime("%m%d%Y") for day in DAYS]),
        ("price", [f"{45291 - n * 11 + n / 70:.5f}" for n in range(60)]),
        ("income", [f"{45291 - n * 11 + n / 70:.2f}" for n in range(60)]),
        ("score_x", [f"{25_000 + n * 500 + n / 70:.5f}" for n in range(60)]),
        ("store_no", [str(45291 - n * 11) for n in range(60)]),
        ("birth_date", [day.strftime("%m%d%Y") for day in DAYS]),
        ("julian_code", [str(23400 + n) for n in range(60)]),
        ("tweet_id", [str(13317401528000000 + n * 10**9) for n in range(60)]),
    ],
)
def test_other_numbers_are_no_dates(read: ReadText, header: str, cells: list[str]) -> None:
    assert read(log_of(header, cells)).rows.times is None


def test_a_year_and_a_week_are_no_time_of_day_beside_a_date(read: ReadText) -> None:
    weeks = ["{}{:02}".format(*day.isocalendar()) for day in DAYS]
    cells = [f"{day},{week}" for day, week in zip(DAYS, weeks, strict=True)]
    assert days_read(read, "date,yearweek", cells) == DAYS


@pytest.mark.parametrize("name", ["yearweek", "PKDATE", "Monat", "quarter", "created_at_date"])
def test_names_that_say_when(name: str) -> None:
    assert says_when(name)


@pytest.mark.parametrize("name", ["", "candidate", "price", "duration", "expiry_date", "code"])
def test_names_that_do_not(name: str) -> None:
    assert not says_when(name)


def test_the_last_day_is_not_that_of_today() -> None:
    assert dated("date", ["49300", "49309"]) is not None  # 31 December 2034
    assert dated("date", ["49300", "49310"]) is None
