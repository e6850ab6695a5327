"""What the name and the values of a column say of whether it is the user or the item."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText
from tests.core.data.reading.test_proposing import stays


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


def test_measures_and_texts_are_not_proposed(read: ReadText) -> None:
    with pytest.raises(InputError) as refused:
        read("draught,nights,fee\n" + stays("{u}.5,{many},{i}"))
    assert refused.value.hint.startswith("name them, as in `--columns user=…,item=…`")
    assert "`draught` (as in `" in refused.value.message


@pytest.mark.parametrize(
    ("header", "row", "proposed"),
    [
        # Mail and paths are of people and things, whatever the columns are called.
        ("a,b,eta", "/quay/{i},{name}@sea.org,{at}", "user=b,item=a,time=eta"),
        (
            "did you sail far this year,berth,skipper",
            "{many}x,B{i},Jo {name}",
            "user=skipper,item=berth",
        ),
        # A place in a list and a kind of the row are neither.
        ("skipper,hit_index,berth", "Jo {name},{many}1,B{i}", "user=skipper,item=berth"),
        ("skipper,nights,berth", "Jo {name},{many},B{i}", "user=skipper,item=berth"),
    ],
)
def test_what_values_say(read: ReadText, header: str, row: str, proposed: str) -> None:
    with pytest.raises(InputError) as refused:
        read(f"{header}\n{stays(row)}")
    assert f"--columns {proposed}`" in refused.value.hint.partition("; or, ")[0]


@pytest.mark.parametrize("sign", ["#", "-", ""])
def test_a_number_behind_a_word_for_a_person_is_a_user(read: ReadText, sign: str) -> None:
    rows = "".join(f"g{n % 8},USER{sign}{n % 9},{n * 7 % 25}\n" for n in range(90))
    with pytest.raises(InputError) as refused:
        read("one_code,own_code,film\n" + rows)
    assert "--columns user=own_code,item=film`" in refused.value.hint
    assert "as likely" not in refused.value.hint


def test_what_comes_once_is_not_proposed_beside_what_comes_back(read: ReadText) -> None:
    rows = "".join(f"u{n % 9},x{max(n, 2)},{n * 7 % 25}\n" for n in range(90))
    with pytest.raises(InputError) as refused:
        read("writer,visit,code\n" + rows)
    assert "--columns user=writer,item=code`" in refused.value.hint
    assert "as likely" not in refused.value.hint
