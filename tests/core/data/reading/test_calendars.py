"""Dates of other calendars, as their days of ours."""

from datetime import UTC, date, datetime, timedelta

import pytest

from seqrec_cli.core.data.reading.calendars import forms_by_calendar
from tests.core.data.reading.conftest import ReadText
from tests.core.data.reading.test_dated_numbers import DAYS, days_read, log_of

NO_TIME = {"time": "none"}


@pytest.mark.parametrize(
    ("header", "written"),
    [
        ("iso_week", "{}W{:02}"),
        ("week", "{}-W{:02}"),
        ("delivery_week", "{}-W{:02}"),
        ("Kalenderwoche", "KW {1:02}/{0}"),
        ("week", '"Week {1}, {0}"'),
        ("週", "{}年第{}週"),
    ],
)
def test_weeks(read: ReadText, header: str, written: str) -> None:
    cells = [written.format(*day.isocalendar()) for day in DAYS]
    assert days_read(read, header, cells) == [day - timedelta(day.weekday()) for day in DAYS]


def test_a_week_53_that_a_year_lacks_is_the_first_of_the_next(read: ReadText) -> None:
    assert days_read(read, "week", ["2023-W52", "2023-W53", "2024-W01"]) == [
        date(2023, 12, 25),
        date(2024, 1, 1),
        date(2024, 1, 1),
    ]


def test_items_with_seasons_are_items(read: ReadText) -> None:
    log = read("".join(f"c{n % 9},Summer {1990 + n * 7 % 30}\n" for n in range(90)))
    assert log.columns == {"user": "1", "item": "2"}


@pytest.mark.parametrize("written", ["{}-W{:02}-{}", "{}W{:02}{}"])
def test_days_of_weeks(read: ReadText, written: str) -> None:
    assert days_read(read, "day", [written.format(*day.isocalendar()) for day in DAYS]) == DAYS


@pytest.mark.parametrize("written", ["{}Q{}", "{}-Q{}", "Q{1} {0}", "Q{1}/{0}", "{1}Q{0}"])
def test_quarters(read: ReadText, written: str) -> None:
    cells = [written.format(day.year, (day.month + 2) // 3) for day in DAYS]
    firsts = [date(day.year, (day.month - 1) // 3 * 3 + 1, 1) for day in DAYS]
    assert days_read(read, "quarter", cells) == firsts


@pytest.mark.parametrize(
    "terms",
    [
        ["Winter 2022", "Spring 2022", "Summer 2022", "Fall 2022", "Winter 2023", "Spring 2023"],
        ["2022 Spring", "2022 Summer", "2022 Autumn", "2023 Spring"],
        ["SS 2022", "WS 2022/23", "SS 2023", "WS 2023/24"],
        ["Sommersemester 2022", "Wintersemester 2022/23", "Sommersemester 2023"],
        ["Sommer 2022", "Winter 2022/23", "Sommer 2023"],
        ["Spring Term 2022", "Fall Term 2022"],
        ["VT2022", "HT2022", "VT2023"],
        ["2022H1", "2022H2", "2023H1"],
    ],
)
def test_terms_have_their_order(read: ReadText, terms: list[str]) -> None:
    backwards = terms[::-1] * 10
    days = days_read(read, "Term", backwards)
    assert [terms.index(cell) for cell in backwards[: len(terms)]] == [
        sorted(set(days)).index(day) for day in days[: len(terms)]
    ]
    order = read(log_of("Term", backwards)).findings.order
    assert "terms: winter, spring, summer and fall" in order or "quarters" in order


@pytest.mark.parametrize(
    ("header", "written", "before"),
    [
        ("受講日", "令和{}年{}月{}日", 2018),
        ("貸出日", "R{}.{:02}.{:02}", 2018),
        ("日付", "平成{}年{}月{}日", 1988),
        ("借閱日期", "{}/{:02}/{:02}", 1911),
        ("借閱日期", "{}年{:02}月{:02}日", 1911),
        ("借閱日期", "民國{}年{:02}月{:02}日", 1911),
        ("วันที่", "{2:02}/{1:02}/{0}", -543),
    ],
)
def test_years_of_eras(read: ReadText, header: str, written: str, before: int) -> None:
    cells = [written.format(day.year - before, day.month, day.day) for day in DAYS]
    assert days_read(read, header, cells) == DAYS


def test_the_first_year_of_an_era_has_a_word(read: ReadText) -> None:
    cells = ["平成31年4月30日", "令和元年5月1日", "令和2年1月1日"] * 3
    assert days_read(read, "日付", cells)[:3] == [
        date(2019, 4, 30),
        date(2019, 5, 1),
        date(2020, 1, 1),
    ]


def test_a_time_of_day_stays_behind_the_day_of_an_era(read: ReadText) -> None:
    times = read(log_of("受講日", ["令和5年12月31日 14:05"] * 3)).rows.times
    assert times is not None
    assert datetime.fromtimestamp(int(times[0]), UTC) == datetime(2023, 12, 31, 14, 5, tzinfo=UTC)


def test_a_date_is_taken_before_its_week_and_its_quarter(read: ReadText) -> None:
    cells = [f"2023-Q4,2023-W5{n % 3},2023-12-{n % 9 + 20}" for n in range(60)]
    log = read(log_of("quarter,week,sold", cells))
    assert log.columns["time"] == "sold"


@pytest.mark.parametrize(
    ("label", "cells"),
    [
        ("item_id", ["2023-W51", "2023-W52"]),
        ("sku", ["SS 2023", "WS 2023/24"]),
        ("product_code", ["2023Q1", "2023Q2"]),
        ("version", ["112.3.1", "113.3.1"]),
        ("version", ["R5.01.01", "R5.01.02"]),
        ("name", ["Fall 2023", "Blade Runner 2049"]),
        ("category", ["Toys 2023", "Books 2023"]),
        ("week", ["2023-W61", "2023-W99"]),
        ("half", ["2023H3", "2023H4"]),
        ("vehicle", ["Q2 2011", "Q3 2012"]),
        ("collection", ["Fall 2012", "Spring 2013"]),
        ("edition", ["2023-W37", "2023-W38"]),
        ("premiered", ["Fall 2012", "Spring 2013"]),
        ("", ["Summer 2011", "Fall 2011"]),
    ],
)
def test_what_is_no_date(label: str, cells: list[str]) -> None:
    assert not forms_by_calendar(label, cells)


# From tables of the calendar of Iran: first days of years, and last days of leap years.
OF_IRAN = {
    "1387/12/30": date(2009, 3, 20),
    "1395/12/30": date(2017, 3, 20),
    "1396/1/1": date(2017, 3, 21),
    "1399/12/30": date(2021, 3, 20),
    "1401/06/25": date(2022, 9, 16),
    "1403/12/30": date(2025, 3, 20),
    "1404-01-01": date(2025, 3, 21),
}


@pytest.mark.parametrize("header", ["تاریخ", "زمان", "time"])
@pytest.mark.parametrize("digits", ["0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"])
def test_days_of_iran(read: ReadText, header: str, digits: str) -> None:
    table = str.maketrans("0123456789", digits)
    assert days_read(read, header, [day.translate(table) for day in OF_IRAN]) == [*OF_IRAN.values()]


def test_years_of_islam_are_not_those_of_iran(read: ReadText) -> None:
    log = read(log_of("time", [f"1444/0{n % 9 + 1}/1{n % 10}" for n in range(60)]), columns=NO_TIME)
    assert log.rows.times is None
    assert not forms_by_calendar("time", ["1444/02/03", "1444/03/04"])
    assert not forms_by_calendar("code", ["1402/02/03", "1402/03/04"])
    assert not forms_by_calendar("time", ["1402/08/31", "1402/03/04"])  # no such day
