"""Times of day beside dates."""

from datetime import UTC, datetime

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of


@pytest.mark.parametrize(
    ("header", "date", "clock"),
    [
        ("date,event_time", "07/30/2017", "%I:%M:%S %p"),
        ("SHOP_DATE,SHOP_HOUR", "20170730", "%H"),
        ("ERDAT,ERZET", "20170730", "%H%M%S"),
        ("saledate,at", "30.07.2017", "%H:%M:%S"),
        ("Dato,Tid", "30.07.2017", "%H.%M.%S"),
        ("Data,Ora", "30.07.2017", "%H.%M"),
        ("fecha,hora", "2017-07-30", "%H"),
        ("Txn Date,Txn Time", "30-Jul-2017", "%H%M"),
        ("VIEW_DATE,START_TIME", "20170730", "%H%M"),
        ("Order Date,Order Time", "20170730", "%H%M%S"),
        ("day,start", "20170730", "%H%M"),
        ("Datum,Uhrzeit", "30.07.2017", "%H.%M Uhr"),
        ("Datum,Beginn", "30.07.2017", "%H:%M Uhr"),
        ("Datum,Uhrzeit", "30.07.2017", "%H Uhr %M"),
        ("date,heure", "30/07/2017", "%Hh%M"),
        ("date,heure", "30/07/2017", "%Hh"),
        ("date,heure", "30/07/2017", "%H:%M h"),
        ("日付,時刻", "2017/07/30", "%H時%M分"),
    ],
)
def test_a_time_of_day_beside_a_date(read: ReadText, header: str, date: str, clock: str) -> None:
    hours = [datetime(2017, 7, 30, n * 5 % 24, n * 7 % 60, n % 60, tzinfo=UTC) for n in range(50)]
    rows = "".join(f"{n % 5},{n % 7},{date},{h.strftime(clock)}\n" for n, h in enumerate(hours))
    times = [row[2] for row in rows_of(read(f"user_id,item_id,{header}\n{rows}"))]
    step = 1 if "%S" in clock else 60 if "%M" in clock else 3600
    assert times == [int(hour.timestamp()) // step * step for hour in hours]


def timed(read: ReadText, header: str, cells: list[str]) -> list[int]:
    """The seconds since the date of each row, of a file with a date and these cells beside it."""
    rows = "".join(f"{n % 5},{n % 7},2017-07-30,{cell}\n" for n, cell in enumerate(cells))
    times = read(f"user_id,item_id,date,{header}\n{rows}").rows.times
    assert times is not None
    return [int(time) - 1_501_372_800 for time in times]


@pytest.mark.parametrize(
    ("header", "per_day"),
    [
        ("minute_of_day", 1440),
        ("second_of_day", 86_400),
        ("ms_of_day", 86_400_000),
        ("minutes since midnight", 1440),
        ("hour_of_day", 24),
    ],
)
def test_what_is_counted_since_midnight_is_a_time_of_day(
    read: ReadText, header: str, per_day: int
) -> None:
    counts = [n * 7919 % per_day for n in range(60)]
    wanted = [n * 86_400 // per_day for n in counts]
    found = timed(read, header, list(map(str, counts)))
    per_second = 1000 if per_day > 86_400 else 1
    base = 1_501_372_800 * (per_second - 1)
    assert [(time - base) // per_second for time in found] == wanted


def test_times_of_day_in_digits_may_lack_zeros(read: ReadText) -> None:
    cells = [str(n * 7 % 24 * 100 + n * 11 % 60) for n in range(60)]
    wanted = [n * 7 % 24 * 3600 + n * 11 % 60 * 60 for n in range(60)]
    assert timed(read, "Order Time", cells) == wanted


def test_stations_count_on_after_midnight(read: ReadText) -> None:
    cells = [f"{n % 24 + 2:02}{n * 7 % 60:02}" for n in range(60)]
    wanted = [(n % 24 + 2) * 3600 + n * 7 % 60 * 60 for n in range(60)]
    assert timed(read, "start", cells) == wanted


def test_hours_with_and_without_minutes(read: ReadText) -> None:
    assert timed(read, "heure", ["8h", "8h05", "14h"] * 20)[:3] == [28_800, 29_100, 50_400]


def test_the_start_is_the_time_of_day_and_not_the_end(read: ReadText) -> None:
    cells = [f"{n % 12 + 11}{n % 60:02},{n % 12 + 10}{n % 60:02}" for n in range(60)]
    assert timed(read, "end,start", cells)[:2] == [36_000, 39_660]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("order_id", [f"{n * 7 % 24}{n % 60:02}" for n in range(60)]),
        ("product_code", [f"{n * 7 % 14 + 10}{n % 60:02}" for n in range(60)]),
        ("watch_time", [f"{n * 7 % 14 + 10}{n % 60:02}" for n in range(60)]),
        ("start", [str(n * 37 % 2000 + 1000) for n in range(60)]),
        ("start", ["1200"] * 30 + ["1300"] * 30),
        ("minute_of_day", [str(n * 97) for n in range(60)]),
        ("duration", [f"{n % 24}h" for n in range(60)]),
        ("from", [str(1000 + n * 7 % 60) for n in range(60)]),
        ("room_in", [str(1001 + n % 39) for n in range(60)]),
        ("start,end", [f"{1000 + n % 40},{1001 + n * 7 % 40}" for n in range(60)]),
        ("finish_time", ["1803", "2145", "2230", "1915"] * 5),
        *(
            (f"{word}_time", [f"{n * 7 % 14 + 10}{n % 60:02}" for n in range(60)])
            for word in ("screen", "prep", "cook", "response", "read", "lead", "play")
        ),
        ("playtime", [f"{n * 7 % 14 + 10}{n % 60:02}" for n in range(60)]),
    ],
)
def test_other_numbers_beside_a_date_are_no_times_of_day(
    read: ReadText, header: str, cells: list[str]
) -> None:
    assert set(timed(read, header, cells)) == {0}


def test_pairs_of_a_number_and_a_value_are_no_times_of_day(read: ReadText) -> None:
    rows = "".join(f"{n % 5 + 1} {n % 7}:1 {n % 9 + 20}:1\n" for n in range(60))
    with pytest.raises(InputError, match="cannot tell which column"):
        read(rows, "train.libfm")


def test_hours_beside_a_date_that_are_none_in_a_later_row_are_not_read(read: ReadText) -> None:
    cells = [str(n % 24) for n in range(1200)]
    assert timed(read, "hour", cells)[5] == 18_000
    assert set(timed(read, "hour", [*cells, "1405"])) == {0}
