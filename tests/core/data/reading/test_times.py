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
        ("Jul 30, 2017 @ 14:16:02.250", SECONDS * 1000 + 250, "milliseconds"),
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
        (f"LogAppendTime:{SECONDS}250", SECONDS * 1000 + 250, "milliseconds"),
        (f"ts={SECONDS}", SECONDS, "seconds"),
    ],
)
def test_reads_every_form(read: ReadText, text: str, stored: int, unit: str) -> None:
    log = read(f'user,item,date\n1,2,"{text}"\n1,3,"{text}"\n')
    assert rows_of(log) == [(1, 2, stored), (1, 3, stored)]
    assert log.rows.time_unit == unit


def test_fine_fractions_stay_apart(read: ReadText) -> None:
    fractions = [f"0.98373{n:04d}17{n % 7}" for n in range(500)]
    rows = [f"{n % 9},{n},{fraction}" for n, fraction in enumerate(fractions)]
    log = read("user,item,time\n" + "\n".join(rows))
    assert [time for _, _, time in rows_of(log)] == [int(f[2:]) for f in fractions]
    assert log.rows.time_unit == "1/1000000000000 of the source's"


def test_times_that_grow_from_fractions_of_one_have_room(read: ReadText) -> None:
    days = [f"{n * n / 700_000 + 1 / 3:.17f}" for n in range(30_000)]
    log = read("user,item,time\n" + "\n".join(f"{n % 9},{n},{d}" for n, d in enumerate(days)))
    times = [time for _, _, time in rows_of(log)]
    assert len(set(times)) == len(days)
    assert times == sorted(times)


def test_refuses_times_of_an_unknown_form_by_name(read: ReadText) -> None:
    with pytest.raises(InputError, match="are in no known time format") as caught:
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


def test_words_for_half_a_day_that_nobody_knows_are_not_read_past(read: ReadText) -> None:
    """`2:05 xx` and `2:05 yy` may be twelve hours apart; one word alone is no half of a day."""
    cells = [f"{n % 28 + 1}/6/2019 2:05 {'xx' if n % 2 else 'yy'}" for n in range(40)]
    assert forms_of(cells) == []
    assert forms_of([cell[:-2] + "Uhr" for cell in cells]) != []
    with pytest.raises(InputError, match="in no known time format"):
        read("user,item,date\n" + "".join(f"{n % 5},{n % 7},{c}\n" for n, c in enumerate(cells)))


def test_a_space_before_the_zone_is_read(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},{n * 7 % 23},2023-01-02 23:47:{n:02}.000 Z\n" for n in range(60))
    times = read("user,item,time\n" + rows).rows.times
    assert times is not None
    assert (times - times[0]).tolist() == list(range(60))
