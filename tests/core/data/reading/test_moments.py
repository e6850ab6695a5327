"""The column that holds the time, by its content."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.errors import InputError
from tests.core.data.logs import read, written
from tests.core.data.reading.conftest import ReadText, rows_of
from tests.core.data.reading.test_times import MINUTE, SECONDS


@pytest.mark.parametrize(
    ("times", "stored", "unit"),
    [
        (["978300760", "978300761"], [978300760, 978300761], "seconds"),
        (["978300760.0", "978300761"], [978300760, 978300761], "seconds"),
        (["978300760000", "978300761000"], [978300760000, 978300761000], "milliseconds"),
        (["978300760.5", "978300761"], [978300760500, 978300761000], "milliseconds"),
        (["978300760.123456", "978300761"], [978300760123456, 978300761000000], "microseconds"),
        (["-5", "3"], [-5, 3], "as in the source"),
        (["1e3", "3"], [1000, 3], "as in the source"),
        (["1970-01-02", "1970-01-01T00:00:01Z"], [86400, 1], "seconds"),
        (["1970-01-01 00:00:01.250", "1970-01-01T01:00:00+01:00"], [1250, 0], "milliseconds"),
        (["1969-12-31T23:59:59.999999", "1970-01-01"], [-1, 0], "microseconds"),
    ],
)
def test_reads_times(tmp_path: Path, times: list[str], stored: list[int], unit: str) -> None:
    content = "user,item,time\n" + "".join(f"1,{n},{time}\n" for n, time in enumerate(times))
    log = read(written(tmp_path, content))
    assert log.timestamps is not None
    assert log.timestamps.dtype == np.int64
    assert log.timestamps.tolist() == stored
    assert log.origin.time_unit == unit


def test_knows_a_time_without_header(tmp_path: Path) -> None:
    log = read(written(tmp_path, "1,2,2024-05-31\n1,3,2024-06-01\n"))
    assert log.origin.columns == {"user": "1", "item": "2", "time": "3"}


@pytest.mark.parametrize(
    ("header", "row", "stored"),
    [
        ("date,time", "2017-07-30,14:16:02", SECONDS),
        ("date,hourmin", "20170730,1416", MINUTE),
        ("date,hour", "2017-07-30,14", SECONDS - SECONDS % 3600),
        ("date,hour,minute", "2017-07-30,14,16", MINUTE),
        ("day,minute,hour,second", "20170730,16,14,2", SECONDS),
        ("date,start_hr,start_min,start_sec", "2017-07-30,14,16,2", SECONDS),
        ("date,hh,mm,ss", "30.07.2017,14,16,02", SECONDS),
        ("date,hour,second", "2017-07-30,14,2", SECONDS - SECONDS % 3600),
        ("date,hour,watch_min", "2017-07-30,14,16", SECONDS - SECONDS % 3600),
        ("date,hour,min", "2017-07-30,14,90", SECONDS - SECONDS % 3600),
        ("y_year,y_month,y_day,y_hour,y_minute", "2017,7,30,14,16", MINUTE),
        ("day,time_ms", f"2017-07-30,{SECONDS}007", SECONDS * 1000 + 7),
        ("Year,Month,Day,Time", "2017,07,30,14:16:02", SECONDS),
        ("year,month,day,hour", "2017.0,7.0,30.0,14.0", SECONDS - SECONDS % 3600),
        ("Jahr,Monat,Tag", "2017,Juli,30", SECONDS - SECONDS % 86_400),
        ("Year,Quarter,Month,Day", "2017,Q3,July,30", SECONDS - SECONDS % 86_400),
        ("année,mois", "2017,07", SECONDS - SECONDS % 86_400 - 29 * 86_400),
        ("Day of Visit Date", '"July 30, 2017"', SECONDS - SECONDS % 86_400),
    ],
)
def test_puts_columns_together_and_takes_the_finest(
    read: ReadText, header: str, row: str, stored: int
) -> None:
    log = read(f"user,item,{header}\n1,2,{row}\n1,3,{row}\n")
    assert rows_of(log)[0] == (1, 2, stored)


def test_a_day_of_a_study_is_a_time_beside_an_hour(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n * 7 % 23},{n % 28 + 1},{n % 24}\n" for n in range(60))
    log = read(f"user,item,day,hour\n{rows}")
    assert log.columns["time"] == "day"


def test_a_day_of_a_month_that_is_not_told_is_no_time(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n * 7 % 23},{n % 12 + 1},{n % 28 + 1}\n" for n in range(60))
    with pytest.raises(InputError, match="the values of `day`, such as `1`, are in no known"):
        read(f"user,item,month,day\n{rows}")


@pytest.mark.parametrize("name", ["year_of_birth", "price", "duration", "category_id"])
def test_numbers_that_are_no_times_are_none(read: ReadText, name: str) -> None:
    log = read(f"user,item,{name}\n1,2,1987\n1,3,1500\n2,2,1990\n")
    assert log.rows.times is None
    assert "no column looks like a time" in log.findings.order


def test_a_time_of_day_without_a_name_belongs_to_the_date(read: ReadText) -> None:
    rows = "".join(f"{n % 5},{n % 7},2021-03-14,{n // 6:02}:{n % 60:02}:09\n" for n in range(60))
    times = read(rows).rows.times
    assert times is not None
    assert int(times[7]) == 1_615_680_000 + 3600 + 7 * 60 + 9


def test_the_format_that_is_proposed_for_a_date_keeps_its_time_of_day(read: ReadText) -> None:
    text = "user,item,date,time\n" + "".join(
        f"1,{n},0{n % 9 + 1}/0{n % 8 + 1}/2021,{n % 24}:05\n" for n in range(60)
    )
    with pytest.raises(InputError) as refused:
        read(text)
    assert "--time-format %d/%m/%Y`" in refused.value.hint
    times = read(text, time_format="%d/%m/%Y").rows.times
    assert times is not None
    assert set((times % 3600).tolist()) == {300}
    assert len(set((times % 86_400).tolist())) == 24


@pytest.mark.parametrize("text", ["43674.25", "1566317940.5"])
def test_times_may_have_a_decimal_comma(read: ReadText, text: str) -> None:
    points = read(f"user;item;date\n1;2;{text}\n1;3;{text}\n").rows.times
    commas = read(f"user;item;date\n1;2;{text}\n1;3;{text}\n".replace(".", ",")).rows.times
    assert points is not None
    assert commas is not None
    assert points.tolist() == commas.tolist()


def test_years_of_another_calendar_are_no_dates_of_ours(read: ReadText) -> None:
    rows = "".join(f"{n % 5},{n % 7},{n % 28 + 1}/03/2563\n" for n in range(60))
    with pytest.raises(InputError, match="no known time format"):
        read("user,item,date\n" + rows)


@pytest.mark.parametrize("value", ["{n}", "W{n}"])
def test_parts_of_a_day_are_no_times(read: ReadText, value: str) -> None:
    """`time` of context-aware sets: 1 to 4, or words; what a user counts on is one all the same."""
    words = ["morning", "noon", "evening"]
    cells = [str(n * 7 % 3 + 1) if value == "{n}" else words[n * 7 % 3] for n in range(60)]
    log = read(
        "user,item,time\n"
        + "".join(f"{n % 5},{n},{c}\n{n % 5},{n},{c}\n" for n, c in enumerate(cells))
    )
    assert "time" not in log.columns
    assert any("`--columns time=time`" in note for note in log.findings.notes)
    steps = "".join(f"{u},{n % 3},{n}\n" for u in range(12) for n in range(1, 5))
    assert read("user,item,time\n" + steps).columns["time"] == "time"


def test_a_date_of_watching_is_no_duration(read: ReadText) -> None:
    rows = "".join(
        f"{n % 5},{n % 7},2021-04-{n % 28 + 1:02} 0{n % 9}:10:00,202104{n % 28 + 1:02}\n"
        for n in range(40)
    )
    log = read("user_id,video_id,watch_start_time,pt_d\n" + rows)
    assert log.columns["time"] == "watch_start_time"


def test_orders_are_in_the_order_of_their_number(read: ReadText) -> None:
    rows = "".join(
        f"{n},{u},{n * 7 % 23 + k},{k + 1},{n + 1}\n"
        for u in range(6)
        for n in range(9)
        for k in range(3)
    )
    log = read("order_id,user_id,product_id,add_to_cart_order,order_number\n" + rows)
    assert log.columns["time"] == "order_number"
    # Where it numbers all orders of a shop it may be anything.
    many = "".join(f"{u},{n * 7 % 23},{5000 - n}\n" for n in range(60) for u in range(2))
    assert "time" not in read("user_id,product_id,order_number\n" + many).columns


@pytest.mark.parametrize("point", [",", "."])
def test_days_of_a_spreadsheet_are_times(read: ReadText, point: str) -> None:
    rows = "".join(f"{44927 + n * 3 % 50}{point}{n + 10};{n % 7};{n * 7 % 23}\n" for n in range(60))
    log = read("Data;user;item\n" + rows)
    assert log.columns["time"] == "Data"
    assert log.rows.times is not None
    assert len(set(log.rows.times.tolist())) == 60


def test_a_number_of_the_size_of_a_time_comes_after_dates(read: ReadText) -> None:
    rows = "".join(
        f"{2_000_000_000_000_000 + n * 7},u{n % 7},{n * 7 % 23},2023-01-{n % 28 + 1:02}\n"
        for n in range(60)
    )
    assert read("nr,user,item,fecha de venta\n" + rows).columns["time"] == "fecha de venta"


def test_a_count_since_an_epoch_is_a_time_whatever_its_unit(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},i{n % 11},{28_071_000 + 13 * n}\n" for n in range(60))
    assert read("user_id,item_id,minuta_epoch\n" + rows).columns["time"] == "minuta_epoch"


@pytest.mark.parametrize("later", ["_loaded_at", "delivered_at", "processing_time", "ingested_at"])
def test_what_was_done_later_is_not_the_time_though_it_is_finer(read: ReadText, later: str) -> None:
    rows = [
        (
            f"u{n % 7},i{n % 11}",
            f"2023-11-{1 + n % 28:02}",
            f"2023-12-{1 + n * 5 % 28:02} 10:{n:02}",
        )
        for n in range(60)
    ]
    both = "".join(f"{ids},{date},{moment}\n" for ids, date, moment in rows)
    alone = "".join(f"{ids},{moment}\n" for ids, _, moment in rows)
    for text, column in (
        (f"event_date,{later}\n{both}", "event_date"),
        (f"{later}\n{alone}", later),
    ):
        taken = {t.role: t.column for t in read(f"user,item,{text}").findings.taken}
        assert taken["time"] == column


def test_minutes_that_are_not_always_there_are_left_out(read: ReadText) -> None:
    rows = "".join(
        f"u{n % 7},i{n % 11},2023-11-{1 + n % 28:02},{n % 24},{n % 60 if n % 9 else ''}\n"
        for n in range(90)
    )
    log = read(f"user,item,date,hour,minute\n{rows}")
    assert len(log.rows.users) == 90
    assert "minute" in log.findings.unused


def test_of_the_same_moments_the_finer_are_taken(read: ReadText) -> None:
    seconds = [SECONDS + n * 37 for n in range(60)]
    moments = [datetime.fromtimestamp(each, UTC).strftime("%Y/%m/%d %H:%M") for each in seconds]
    pairs = enumerate(zip(seconds, moments, strict=True))
    rows = "".join(f"{n % 5},{n % 7},{each},{moment}\n" for n, (each, moment) in pairs)
    assert read(f"user,item,uts,utc_time\n{rows}").columns["time"] == "uts"


def test_a_finer_number_that_is_of_other_moments_is_not(read: ReadText) -> None:
    rows = "".join(
        f"{n % 5},{n % 7},{SECONDS + n * 7919 % 100_000},2017/07/30 14:{n:02}\n" for n in range(60)
    )
    assert read(f"user,item,ref,utc_time\n{rows}").columns["time"] == "utc_time"


@pytest.mark.parametrize("taken", ["borrowed_on", "issuedate"])
def test_a_timestamp_of_the_return_is_not_that_of_the_loan(read: ReadText, taken: str) -> None:
    def row(n: int) -> str:
        lent, back = (
            f"2023-{n % 9 + month:02}-{n % 27 + 1:02} {n % 24:02}:00:01" for month in (1, 3)
        )
        return f"{n % 5},{n % 7},{back},{back},{lent}\n"

    rows = "".join(map(row, range(60)))
    assert read(f"member,isbn,returned_on,timestamp,{taken}\n{rows}").columns["time"] == taken


def test_a_timestamp_beside_a_return_of_another_day_is_the_time(read: ReadText) -> None:
    rows = "".join(
        f"{n % 5},{n % 7},2023-03-{n % 27 + 1:02},2023-01-{n % 27 + 1:02},2022-01-{n % 9 + 1:02}\n"
        for n in range(60)
    )
    log = read(f"member,isbn,returned_on,timestamp,printed\n{rows}")
    assert log.columns["time"] == "timestamp"
