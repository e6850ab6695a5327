"""Times are held against all rows before they are taken."""

import pytest

from tests.core.data.reading.conftest import ReadText
from tests.core.data.reading.test_dated_numbers import log_of

SAMPLE = 1200  # rows, more than are looked at


@pytest.mark.parametrize("header", ["date", "period"])
def test_what_may_be_months_in_the_first_rows_are_weeks_by_all(read: ReadText, header: str) -> None:
    cells = [f"2023{1 + n * 10 // SAMPLE:02}" for n in range(SAMPLE)]
    assert "%Y%m" in read(log_of(header, cells)).findings.order
    log = read(log_of(header, [*cells, *(f"2023{n}" for n in range(11, 53))]))
    assert "year and week" in log.findings.order
    assert log.rows.times is not None
    assert (log.rows.times[1:] >= log.rows.times[:-1]).all()


def test_what_is_no_date_in_all_rows_is_a_number(read: ReadText) -> None:
    cells = [f"2023{1 + n * 10 // SAMPLE:02}" for n in range(SAMPLE)]
    times = read(log_of("date", [*cells, "202399"])).rows.times
    assert times is not None
    assert times[-1] == 202399


def test_a_time_of_day_that_is_none_in_some_row_is_not_read_and_named(read: ReadText) -> None:
    clocks = [f"{n % 14 + 8:02}{n % 60:02}" for n in range(SAMPLE)]
    log = read(log_of("date,start", [f"2023-05-04,{clock}" for clock in clocks]))
    assert log.columns["time"] == "date + start"
    log = read(log_of("date,start", [f"2023-05-04,{clock}" for clock in [*clocks, "1975"]]))
    assert log.columns["time"] == "date"
    assert any(
        "`start` has values that are no times of day, such as `1975`" in n
        for n in log.findings.notes
    )


def test_days_in_digits_without_a_name_for_them_must_be_so_in_all_rows(read: ReadText) -> None:
    cells = [f"{n % 28 + 1:02}{n % 12 + 1:02}2023" for n in range(SAMPLE)]
    assert read(log_of("TRAN", cells)).rows.times is not None
    log = read(log_of("TRAN", [*cells, "99992023"]))
    assert log.rows.times is None
    assert any(
        "`99992023`" in note and "--columns time=TRAN" in note for note in log.findings.notes
    )
