"""What is proposed where the columns cannot be told."""

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


@pytest.mark.parametrize(
    ("header", "row", "proposed"),
    [
        ("user,event,invited,interested", "{u},{i},0,1", "user=user,item=event"),
        ("uri_stem,client_ip_v4", "/p/{i},10.0.0.{u}", "user=client_ip_v4,item=uri_stem"),
        ("session_nr,main_kind,model_b", "{u},{k},A{i}", "user=session_nr,item=model_b"),
        ("writer,review_body,link_to_film", "w{u},{t},m/{i}", "user=writer,item=link_to_film"),
    ],
)
def test_proposes_by_what_names_hint_at(
    read: ReadText, header: str, row: str, proposed: str
) -> None:
    many = [
        {"u": n % 9, "i": n * 7 % 25, "k": n * 7 % 25 % 4, "t": f"a long text of words {n}" * 4}
        for n in range(90)
    ]
    with pytest.raises(InputError) as refused:
        read(header + "\n" + "".join(row.format(**each) + "\n" for each in many))
    assert f"--columns {proposed}`" in refused.value.hint


def test_of_many_columns_without_names_none_is_proposed(read: ReadText) -> None:
    with pytest.raises(InputError) as refused:
        read(table(USERS, ITEMS, *[[f"x{n * k % 11}" for n in range(60)] for k in range(3, 13)]))
    assert "if the file has interactions" in refused.value.hint


def test_of_two_as_likely_both_are_proposed(read: ReadText) -> None:
    rows = "".join(f"a{n % 7},b{n * 5 % 11},c{n * 7 % 13}\n" for n in range(60))
    with pytest.raises(InputError) as refused:
        read("alpha,beta,gamma\n" + rows)
    hint = refused.value.hint
    assert "--columns user=alpha,item=beta`; or, as likely:" in hint
    assert "--columns user=beta,item=alpha`" in hint


def test_who_follows_whom_is_proposed(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n * 5 % 11}\n" for n in range(60))
    with pytest.raises(InputError) as refused:
        read("user_id,target_user_id,x\n" + rows.replace("\n", ",y\n"))
    assert "--columns user=user_id,item=target_user_id`" in refused.value.hint
