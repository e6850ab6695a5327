"""What is proposed where the columns cannot be told."""

import random
import re
from datetime import UTC, datetime, timedelta

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText
from tests.core.data.reading.test_choosing import ITEMS, USERS, table


@pytest.mark.parametrize(
    ("header", "row", "proposed"),
    [
        # What says no more than the user does is not proposed for the item.
        ("user,town_of_user,channel", "{u},t{u},c{i}", "user=user,item=channel"),
        # A column of one value mostly is not; what is called an id comes before what is not.
        ("user,conversion_id,campaign", "{u},-1,c{i}", "user=user,item=campaign"),
        ("id,depot,brand", "{u},d{i},b{i}", "user=id,item=depot"),
    ],
)
def test_proposes_what_may_be_right(read: ReadText, header: str, row: str, proposed: str) -> None:
    rows = "".join(row.format(u=n % 7, i=n * 5 % 11) + "\n" for n in range(60))
    with pytest.raises(InputError) as refused:
        read(header + "\n" + rows)
    assert f"--columns {proposed}`" in refused.value.hint


def test_of_many_columns_without_names_none_is_proposed(read: ReadText) -> None:
    with pytest.raises(InputError) as refused:
        read(table(USERS, ITEMS, *[[f"x{n * k % 11}" for n in range(60)] for k in range(3, 13)]))
    assert "if the file has interactions" in refused.value.hint


def test_of_two_as_likely_both_are_proposed_and_of_three_none(read: ReadText) -> None:
    rows = "".join(f"a{n % 7},b{n * 5 % 11},c{n * 7 % 13}\n" for n in range(60))
    with pytest.raises(InputError) as refused:
        read("alpha,beta\n" + re.sub(",c.*", "", rows))
    hint = refused.value.hint
    assert "--columns user=alpha,item=beta`; or, as likely:" in hint
    assert "--columns user=beta,item=alpha`" in hint
    with pytest.raises(InputError, match=r"`alpha` \(as in `a0`\), `beta` \(as in") as refused:
        read("alpha,beta,gamma\n" + rows)
    assert refused.value.hint.startswith("name them, as in `--columns user=…,item=…`")


def test_who_follows_whom_is_proposed(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n * 5 % 11}\n" for n in range(60))
    with pytest.raises(InputError) as refused:
        read("user_id,target_user_id,x\n" + rows.replace("\n", ",y\n"))
    assert "--columns user=user_id,item=target_user_id`" in refused.value.hint


def stays(row: str, count: int = 120) -> str:
    """Rows of made-up stays at a marina, by time; each of 9 boats comes to 23 berths."""
    at = [datetime(2021, 5, 1, 6, tzinfo=UTC) + timedelta(hours=5.1 * n) for n in range(count)]
    names = ("Olsen", "Bakker", "Moreau", "Silva", "Costa", "Fischer", "Novak", "Byrne", "Sato")
    draw = random.Random(7)
    lines = []
    for n in range(count):
        u, i = draw.randrange(9), draw.randrange(23)
        each = {"n": n, "u": u, "i": i, "at": at[n], "name": names[u], "v": n // 3, "quay": i // 6}
        lines.append(row.format(**each, many=draw.randrange(1, 6), spell=n // 2 % 31) + "\n")
    return "".join(lines)


@pytest.mark.parametrize(
    ("header", "row", "proposed"),
    [
        # A number of the row is nothing, and one of the visit is no item and no user.
        ("haul,skipper_mail,berth,eta", "{n:x}z,{name}@sea.org,B{i},{at}", "user=skipper_mail"),
        ("trip,skipper_mail,berth,eta", "T{v},{name}@sea.org,B{i},{at}", "item=berth"),
        # Nor are the visits of each user, which say whose they are.
        ("trip,skipper_mail,berth,eta", "{spell}-{u},{name}@sea.org,B{i},{at}", "item=berth"),
        # A time of day, an hour and a mark from 1 to 5 are nothing either.
        ("skipper_mail,seen,berth,eta", "{name}@sea.org,{at:%H:%M},B{i},{at:%F}", "item=berth"),
        ("skipper_mail,hour,berth,eta", "{name}@sea.org,{at:%H},B{i},{at}", "item=berth"),
        ("skipper_mail,how was it,berth", "{name}@sea.org,{many},B{i}", "item=berth"),
        # People rather than addresses of machines, and whose name it is.
        ("ip,full name,berth,eta", "10.0.0.{u},Al {name},B{i},{at}", "'user=full name,item=berth"),
        ("quay,berth,skipper,eta", "Q{quay},B{i},Jo {name},{at}", "user=skipper,item=berth"),
        # A number beside a name is of the same thing.
        ("pier,pier name,skipper,eta", "{i}1,Pier {i},Jo {name},{at}", "user=skipper,item=pier"),
    ],
)
def test_proposes_by_what_the_columns_say_of_each_other(
    read: ReadText, header: str, row: str, proposed: str
) -> None:
    with pytest.raises(InputError) as refused:
        read(f"{header}\n{stays(row)}")
    first, *others = refused.value.hint.split("; or, ")
    assert proposed in first
    assert not others


@pytest.mark.parametrize(
    ("header", "row", "time"),
    [
        ("tag,skipper_mail,berth,moored", "60{u}000000000{u},{name}@sea.org,B{i},{at}", "moored"),
        ("last edited,moored,skipper_mail,berth", "{at},{at:%F},{name}@sea.org,B{i}", "moored"),
        (
            "loaded,moored,skipper_mail,berth",
            "2022-01-01 10:11:12.5,{at},{name}@a.org,B{i}",
            "moored",
        ),
        ("published,skipper_mail,berth", "{at},{name}@sea.org,B{i}", "published"),
    ],
)
def test_the_time_that_is_proposed(read: ReadText, header: str, row: str, time: str) -> None:
    with pytest.raises(InputError) as refused:
        read(f"{header}\n{stays(row)}")
    assert f"user=skipper_mail,item=berth,time={time}`" in refused.value.hint


@pytest.mark.parametrize("clock", ["%H:%M", "%Hh%M", "%I:%M %p"])
def test_a_proposal_has_the_time_of_day_as_well(read: ReadText, clock: str) -> None:
    text = "day,seen,skipper_mail,berth\n" + stays(
        f"{{at:%d.%m.%Y}},{{at:{clock}}},{{name}}@a.org,B{{i}}"
    )
    with pytest.raises(InputError) as refused:
        read(text)
    assert "--columns user=skipper_mail,item=berth`" in refused.value.hint
    times = read(text, columns={"user": "skipper_mail", "item": "berth"}).rows.times
    assert times is not None
    assert int(times[1] - times[0]) == 18_360


def test_an_artist_yields_to_the_title(read: ReadText) -> None:
    with pytest.raises(InputError) as refused:
        read("artist,piece,hall,eta\n" + stays("A{quay},Song {i},H{u},{at}"))
    assert "item=piece" in refused.value.hint


def test_a_session_yields_to_a_person(read: ReadText) -> None:
    with pytest.raises(InputError) as refused:
        read("session_id,skipper_mail,berth,eta\n" + stays("S{v},{name}@sea.org,B{i},{at}"))
    assert "user=skipper_mail,item=berth" in refused.value.hint


def test_who_comes_once_is_proposed_before_how_long_they_stay(read: ReadText) -> None:
    rows = "".join(
        f"RF-{n // 6},ride {n * 7 % 11},{n * n % 59},{1_682_974_489 + 977 * n}\n" for n in range(90)
    )
    with pytest.raises(InputError) as caught:
        read("wristband,ride,queue_min,scanned_at\n" + rows)
    assert "--columns user=wristband,item=ride,time=scanned_at" in caught.value.hint
    rows = "".join(f"章节{n * 7 % 11},{n % 40 + 1}分{n % 50}秒,k{n % 9}\n" for n in range(90))
    with pytest.raises(InputError) as caught:
        read("章节视频,观看时长,证号\n" + rows)
    assert "观看时长" not in caught.value.hint


def test_what_is_surely_an_item_is_proposed_for_no_user(read: ReadText) -> None:
    rows = "".join(
        f"{n},D{n * 31 % 57},I{n * 7 % 23},{2023}-03-{n % 28 + 1:02},{n % 9}\n" for n in range(120)
    )
    with pytest.raises(InputError) as caught:
        read("Entry No.,Document No.,Item No.,Posting Date,Quantity\n" + rows)
    assert "user=Item No." not in caught.value.hint


@pytest.mark.parametrize("number", ["CPF", "DNI", "RUT"])
def test_of_a_name_and_a_number_what_tells_people_apart_is_proposed(
    read: ReadText, number: str
) -> None:
    """Three pairs of people have one name; an order tells them apart too, and is of one day."""
    names = ["Ann Lee", "Bo Ray", "Cy Fox", *(f"{a}a {b}o" for a in "DEFGH" for b in "IJK")]
    people = [(f"{n * 37:05}-x", names[n % len(names)]) for n in range(len(names) + 3)]
    rows = "".join(
        f"n{n // 2},{number_of},{name},thing {n * n % 17},{n % 28 + 1}\n"
        for n in range(120)
        for number_of, name in [people[n * 5 % 21]]
    )
    rows = re.sub(r",(\d+)\n", r",2023-01-\1\n", rows)
    with pytest.raises(InputError) as caught:
        read(f"nr,{number},Nombre,Articulo xyz,Fecha\n{rows}")
    assert f"user={number}," in caught.value.hint


@pytest.mark.parametrize("money", ["{} SAR", "€ {}.50", "{},00 zł", "$1,{}00"])
def test_amounts_of_money_are_not_proposed(read: ReadText, money: str) -> None:
    rows = "".join(f"u{n % 9};{money.format(n * n % 23 + 1)};x\n" for n in range(90))
    with pytest.raises(InputError) as caught:
        read(f"user_id;qwertz;asdf\n{rows}")
    assert "item=qwertz" not in caught.value.hint


def test_ids_of_letters_and_digits_are_no_amounts(read: ReadText) -> None:
    rows = "".join(f"CAT{n % 9:05};OUT{n * n % 23:05};x\n" for n in range(90))
    with pytest.raises(InputError) as caught:
        read(f"qwertz;sku;asdf\n{rows}")
    assert "user=qwertz" in caught.value.hint
