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
    ],
)
def test_a_time_of_day_beside_a_date(read: ReadText, header: str, date: str, clock: str) -> None:
    hours = [datetime(2017, 7, 30, n * 5 % 24, n * 7 % 60, n % 60, tzinfo=UTC) for n in range(50)]
    rows = "".join(f"{n % 5},{n % 7},{date},{h.strftime(clock)}\n" for n, h in enumerate(hours))
    times = [row[2] for row in rows_of(read(f"user_id,item_id,{header}\n{rows}"))]
    step = {"%H": 3600, "%H.%M": 60}.get(clock, 1)
    assert times == [int(hour.timestamp()) // step * step for hour in hours]


def test_pairs_of_a_number_and_a_value_are_no_times_of_day(read: ReadText) -> None:
    rows = "".join(f"{n % 5 + 1} {n % 7}:1 {n % 9 + 20}:1\n" for n in range(60))
    with pytest.raises(InputError, match="cannot tell which column"):
        read(rows, "train.libfm")
