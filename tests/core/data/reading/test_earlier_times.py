"""Of several times of a row the one of what was done is taken, by their values."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText

START = datetime(2023, 2, 1, 9)


def rows_of_times(first: str, second: str, ids: str = "customer,product") -> str:
    """A log whose first time is some days after the second."""
    drawn = random.Random(5)
    rows = []
    for n in range(120):
        done = START + timedelta(hours=7 * n, minutes=drawn.randrange(60))
        later = done + timedelta(days=drawn.randrange(1, 15), minutes=drawn.randrange(60))
        rows.append(f"c{n % 9},p{n * 7 % 23},{later:%Y-%m-%d %H:%M},{done:%Y-%m-%d %H:%M}\n")
    return f"{ids},{first},{second}\n{''.join(rows)}"


@pytest.mark.parametrize(
    ("later", "done"),
    [
        ("Versanddatum", "Kaufdatum"),
        ("dispatch_date", "sale_date"),
        ("Data wydania", "Data zakupu"),
        ("ausgeliefert", "bestellt"),
        ("date", "purchase_date"),
        ("server_date", "client_date"),  # of the device where it was done
    ],
)
def test_what_was_done_comes_before_what_followed(read: ReadText, later: str, done: str) -> None:
    log = read(rows_of_times(later, done))
    assert log.columns["time"] == done
    assert any(
        f"`{later}` looks like a time too, and `{done}` was taken" in note
        for note in log.findings.notes
    )


@pytest.mark.parametrize(
    ("later", "before"),
    [
        ("timestamp", "planned"),  # a name that says more than the values do
        ("event_date", "loaded at"),
        ("visit_date", "previous_visit_date"),
        ("click_date", "session_date"),
        ("sale_date", "production_date"),
    ],
)
def test_a_name_may_say_more_than_the_values(read: ReadText, later: str, before: str) -> None:
    assert read(rows_of_times(later, before)).columns["time"] == later


def test_of_times_in_any_order_the_first_column_counts(read: ReadText) -> None:
    lines = rows_of_times("one_date", "other_date").splitlines()
    turned = [lines[0]]
    for n, line in enumerate(lines[1:]):
        customer, product, late, early = line.split(",")
        turned.append(
            f"{customer},{product},{early},{late}"
            if n % 4
            else f"{customer},{product},{late},{early}"
        )
    assert read("\n".join(turned)).columns["time"] == "one_date"


def test_the_time_that_the_rows_are_in_the_order_of_stays(read: ReadText) -> None:
    """Here what came later is the log's own, and the earlier time is in no order."""
    drawn, rows = random.Random(5), []
    for n in range(120):
        later = START + timedelta(days=n, minutes=n * 7 % 60)
        early = later - timedelta(days=drawn.randrange(1, 40), minutes=drawn.randrange(60))
        rows.append(f"c{n % 9},p{n * 7 % 23},{later:%Y-%m-%d %H:%M},{early:%Y-%m-%d %H:%M}\n")
    log = read("customer,product,sent_date,sale_date\n" + "".join(rows))
    assert log.columns["time"] == "sent_date"


@pytest.mark.parametrize("whose", ["user", "item", "neither comes again"])
def test_what_each_has_but_once_is_not_what_was_done(read: ReadText, whose: str) -> None:
    """A day of joining or of coming out, and where nobody comes again either may be one."""
    rows = []
    for n in range(120):
        user, item = n % 9, n * 7 % 23
        numbers = {"user": user, "item": item, "neither comes again": n}
        user, item = (n, n // 2) if whose == "neither comes again" else (user, item)
        done = START + timedelta(days=90, hours=7 * n)
        begun = START + timedelta(hours=13 * numbers[whose])
        rows.append(f"u{user},i{item},{done:%Y-%m-%d %H:%M},{begun:%Y-%m-%d %H:%M}\n")
    log = read("user,item,a_date,b_date\n" + "".join(rows))
    assert log.columns["time"] == "a_date"


def test_the_start_of_a_visit_is_earlier_than_its_rows(read: ReadText) -> None:
    rows = []
    for n in range(160):
        begun = START + timedelta(days=n // 4)
        done = begun + timedelta(minutes=1 + n % 4)
        rows.append(f"u{n // 4 % 9},i{n * 7 % 23},{done:%Y-%m-%d %H:%M},{begun:%Y-%m-%d %H:%M}\n")
    assert read("user,item,a_date,b_date\n" + "".join(rows)).columns["time"] == "a_date"


def test_the_time_of_day_goes_with_the_date_of_what_was_done(read: ReadText) -> None:
    rows = []
    for n in range(120):
        done = START + timedelta(hours=7 * n)
        rows.append(
            f"c{n % 9},p{n * 7 % 23},{done + timedelta(days=2 + n % 5):%Y-%m-%d},"
            f"{done:%Y-%m-%d},{done:%H:%M}\n"
        )
    log = read("customer,product,sent_date,order_day_date,clock\n" + "".join(rows))
    assert log.columns["time"] == "order_day_date + clock"
    assert any("`sent_date` looks like a time too" in note for note in log.findings.notes)


def test_so_it_is_in_a_typed_file(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    done = "TIMESTAMP '2023-02-01 09:00:00' + to_hours(CAST(7 * i AS INTEGER))"
    duckdb.sql(
        f"COPY (SELECT i % 9 AS customer, i * 7 % 23 AS product, "
        f"{done} + to_days(CAST(1 + i % 5 AS INTEGER)) AS sent_date, {done} AS sale_date "
        f"FROM range(120) rows(i)) TO '{path}' (FORMAT parquet)"
    )
    assert read_log(TextSource(path), Reading()).columns["time"] == "sale_date"


def test_it_is_what_a_hint_proposes(read: ReadText) -> None:
    text = rows_of_times("sent_date", "sale_date", ids="customer,thingy")
    with pytest.raises(InputError) as refused:
        read(text)
    assert "time=sale_date" in refused.value.hint
