"""The layout of a text is told by its first lines."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.dialects import Dialect, lines_of, looks_numeric, sniff, split
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import parse_place
from seqrec_cli.errors import InputError

PLACE = parse_place("log.csv")


@pytest.mark.parametrize(
    ("text", "delimiter", "skip", "header"),
    [
        ("user,item\n1,2\n", ",", 1, ("user", "item")),
        ("1,2\n3,4\n", ",", 0, ()),
        ("a;b\n1,5;2\n1,7;3\n", ";", 1, ("a", "b")),
        ("1::2::3\n4::5::6\n", "::", 0, ()),
        ("1 2\n3 4\n", " ", 0, ()),
        ("user\titem\n1\tToy Story, The\n", "\t", 1, ("user", "item")),
        ("sep=;\nuser;item\n1;2\n", ";", 2, ("user", "item")),
        ("# made by x\n# user,item\n1,2\n3,4\n", ",", 2, ("user", "item")),
        ("\n\nuser,item\n1,2\n", ",", 3, ("user", "item")),
        ("user,item,note\n1,2,a\n3,4,a\n", ",", 1, ("user", "item", "note")),
        ('"a","user","item"\n"1",1,2\n', ",", 1, ("a", "user", "item")),
        ("user\titem\nUInt64\tLowCardinality(String)\n1\tx\n2\ty\n", "\t", 2, ("user", "item")),
        ("user,item,at\nbigint,varchar(9),timestamp\n1,x,3\n", ",", 2, ("user", "item", "at")),
        ("user,item\n1,String\n2,Date\n", ",", 1, ("user", "item")),
    ],
)
def test_tells_a_layout(text: str, delimiter: str, skip: int, header: tuple[str, ...]) -> None:
    found = sniff(PLACE, text.encode(), Reading())
    assert (found.delimiter, found.skip, found.header) == (delimiter, skip, header)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 999), st.text("ab é", min_size=1, max_size=5), st.integers(0, 9)),
        min_size=3,
        max_size=20,
    ),
    delimiter=st.sampled_from(["\t", ",", ";", "|", "::", "\x01"]),
    quoted=st.booleans(),
)
def test_finds_the_delimiter_that_was_used(
    rows: list[tuple[int, str, int]], delimiter: str, quoted: bool
) -> None:
    mark = '"' if quoted else ""
    lines = ["user", "item", "rating"], *([str(u), f"{mark}{i}{mark}", str(r)] for u, i, r in rows)
    text = "".join(delimiter.join(line) + "\n" for line in lines)
    found = sniff(PLACE, text.encode(), Reading())
    assert (found.delimiter, found.width) == (delimiter, 3)
    assert found.header == ("user", "item", "rating")


@given(st.lists(st.text("ab,;\"' \n", max_size=6), min_size=1, max_size=5))
def test_cuts_a_line_as_it_was_written(cells: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    assert split(written.getvalue().removesuffix("\n"), ",") == cells


@pytest.mark.parametrize(
    ("delimiter", "message"),
    [("12345", "`12345` cannot be a delimiter"), ('"', "cannot be"), ("\n", "cannot be")],
)
def test_refuses_what_cannot_be_a_delimiter(delimiter: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sniff(PLACE, b"1,2\n", Reading(delimiter=delimiter))


@pytest.mark.parametrize("content", [b"", b"\n", b" \n \n", b"\xef\xbb\xbf"])
def test_nothing_is_empty(content: bytes) -> None:
    with pytest.raises(InputError, match=r"`log\.csv` is empty"):
        sniff(PLACE, content, Reading())


@given(st.binary(max_size=120))
def test_any_bytes_have_a_layout_or_none(content: bytes) -> None:
    try:
        found = sniff(PLACE, content, Reading())
    except InputError:
        return
    assert found.width == len(found.names) > 0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_numbers(number: float) -> None:
    assert looks_numeric(str(number))
    assert looks_numeric(f" {number:.3f} ")
    assert not looks_numeric(f"{number}x")


def test_a_last_line_that_is_cut_does_not_count() -> None:
    assert lines_of(b"a\r\nb\rc") == ["a", "b", "c"]
    assert lines_of(b"x" * 10 + b"\n" + b"y" * (1 << 18)) == ["x" * 10]


@pytest.mark.parametrize("first", [b"a,b", b"a,b,c,d,e,f,g"])
def test_a_header_of_another_width_than_the_rows_is_refused(first: bytes) -> None:
    head = first + b"\n1,2,3,4,5\n6,7,8,9,1\n"
    with pytest.raises(InputError, match=f"line 1: {first.count(b',') + 1} names, and most lines"):
        sniff(PLACE, head, Reading(header=True))


N4 = ("nr", "user", "item", "n")
N5 = ("Who", "What", "n", "sum", "day")


@pytest.mark.parametrize(
    ("head", "header", "skip"),
    [
        ("user,item,features\n1,2,.1,.2,.3\n1,3,.1,.2,.3\n", ("user", "item", "features"), 1),
        ("%%MatrixMarket matrix\n3 4 2\n1 2 5\n3 4 1\n", (), 2),
        ("#Version: 1\n#Fields: user item\n1\t2\n3\t4\n", ("user", "item"), 2),
        (
            "% of ratings\n@relation r\n@attribute user numeric\n@attribute 'the item' {a, b}\n\n"
            "@DATA\n1,a\n2,b\n",
            ("user", "the item"),
            6,
        ),
        (
            'SET x = 0;\nCOPY public.e (user_id, "item") FROM stdin;\n1\t2\n3\t4\n\\.\n',
            ("user_id", "item"),
            2,
        ),
        ("| user | item |\n|:-----|-----:|\n| 1 | 2 |\n| 3 | 4 |\n", ("user", "item"), 2),
        ("Sales;;;\n2023;;;\n;;;\nnr;user;item;n\n1;a;x;1\n2;b;y;2\n;;;\nTotal;;;3\n", N4, 4),
        ("Sales\n\nBy customer, all\nnr,user,item,n\n1,a,x,1\n2,b,y,2\n1,b,x,3\n", N4, 4),
        ("Sales\tof 2023\n\n\nWho\tWhat\tn\tsum\tday\nann\tx\t1\t2\t3\nbob\ty\t2\t4\t5\n", N5, 4),
        ("sep=;\nSales;;\nuser;item;n\na;x;1\nb;y;2\n", ("user", "item", "n"), 3),
        ("user,item,n\na,x,1\nb,y,2\nTotal,,3\n", ("user", "item", "n"), 1),
        ("a,,\nann,x,y\nbob,x,z\nann,w,v\n", (), 0),
        ("+---+---+\n| user | item |\n+---+---+\n| 1 | 2 |\n+---+---+\n", ("user", "item"), 3),
    ],
)
def test_finds_names_wherever_they_are(head: str, header: tuple[str, ...], skip: int) -> None:
    dialect = sniff(PLACE, head.encode(), Reading())
    assert tuple(name for name in dialect.header if name) == header
    assert dialect.skip == skip


def test_json_in_cells_is_not_cut() -> None:
    line = 'u1\t{"user": "u1", "item": 3, "time": 4}\n'
    assert sniff(PLACE, (line * 5).encode(), Reading()).delimiter == "\t"


def layout(text: str) -> Dialect:
    return sniff(PLACE, text.encode(), Reading())


def test_a_name_may_come_twice_in_a_header() -> None:
    rows = "\n".join(f"{n},m{n % 7},x{n % 5},{n}" for n in range(30))
    found = layout(f"Duration,Email,Topic,Duration\n{rows}")
    assert found.header == ("Duration", "Email", "Topic", "Duration")
    rows = "\n".join(("email,topic,email", "user,email,topic", "topic,user,email") * 10)
    assert layout(f"user,topic,user\n{rows}").header == ()


def test_single_quotes_around_delimiters_are_quotes() -> None:
    rows = "\n".join(f"{n},'Notary, box {n}',study" for n in range(30))
    found = layout(f"N.,Box,Why\n{rows}")
    assert (found.quote, found.header, found.width) == ("'", ("N.", "Box", "Why"), 3)
    rows = "\n".join(f"{n},the '{n}s, and on',study" for n in range(30))
    assert layout(f"N.,Box,Why\n{rows}").quote == '"'


@pytest.mark.parametrize(
    "text",
    [
        "member,title,watched\nMueller, Sam,T25,2023-01-02\nDoe, Jo,T05,2023-01-02\n",
        "user_id,movie,price,watched\nu1,T8,1,10,2023-01-04\nu2,T9,2,11,2023-01-06\n",
        "item,user,kind\n2023-01-02,i5,u1,x\n2023-01-03,i7,u2,y\n",  # no names of rows
    ],
)
def test_fewer_names_than_values_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"line 1: \d names, and most lines have \d values"):
        sniff(PLACE, text.encode(), Reading())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("user,item,kind\n7,u1,i5,x\n9,u2,i7,y\n", ("1", "user", "item", "kind")),  # as R has them
        ('"user","item"\n"b 1","u1",5\n"b 2","u2",7\n', ("1", "user", "item")),
        ("user,item\nu1,i5,,\nu2,i7,,\n", ("user", "item", "3", "4")),
        ("user item day\nu1 i5 2023-01-02 9:30\nu2 i7 2023-01-02 9:31\n", (*N4[1:3], "day", "4")),
    ],
)
def test_fewer_names_than_values_where_it_is_clear_what_they_are_of(
    text: str, names: tuple[str, ...]
) -> None:
    assert sniff(PLACE, text.encode(), Reading()).names == names
