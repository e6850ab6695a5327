"""The query that reads a log takes dates, ratings and lists as the rows say."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of


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


def test_words_and_truths_may_be_ratings(read: ReadText) -> None:
    text = "user,item,event,ok\n1,a,view,true\n1,b,buy,false\n"
    log = read(text, columns={"rating": "event"}, rating_values={"view": 1, "buy": 3})
    assert log.rows.ratings is not None
    assert log.rows.ratings.tolist() == [1, 3]
    log = read(text, columns={"rating": "ok"}, min_rating=1)
    assert [row[1] for row in rows_of(log)] == ["a"]
    with pytest.raises(InputError, match="not a number") as caught:
        read(text, columns={"rating": "event"})
    assert "--rating-values" in caught.value.hint
