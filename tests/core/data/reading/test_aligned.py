"""Tables whose columns stand below each other are read as they were before they were printed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.dialects import sniff
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import parse_place
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of

START = datetime(2023, 5, 20, 9, 30, tzinfo=UTC)
NAMES = ("customer", "product", "created_at", "voucher")
THINGS = ("Old Map", "Tea", "Żółw z gipsu", "Blue Mug, large", "Ink")
EVENTS = [
    (f"c{n % 7 * 31}", THINGS[n * n % 5], START + timedelta(hours=5 * n), "X1" if n % 3 else "")
    for n in range(40)
]
Cells = Sequence[Sequence[str]]


def shown(stamp: str) -> list[list[str]]:
    return [[user, item, when.strftime(stamp), voucher] for user, item, when, voucher in EVENTS]


def widths_of(cells: Cells) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def printed(cells: Cells, gap: str, right: Sequence[bool], rule: str = "") -> str:
    """A table as programs print it, each column as wide as its widest value."""
    widths = widths_of(cells)
    lines = [
        gap.join(
            text.rjust(width) if to_the_right else text.ljust(width)
            for text, width, to_the_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    if rule:
        lines.insert(1, gap.join(rule * width for width in widths))
    return "\n".join(lines) + "\n"


def sqlite(cells: Cells) -> str:
    return printed(cells, "  ", [False] * len(cells[0]), "-")


def sqlcmd(cells: Cells) -> str:
    return printed(cells, " ", [True, False, False, False], "-") + "\n(40 rows affected)\n"


def rst(cells: Cells) -> str:
    text = printed(cells, "  ", [False] * len(cells[0]), "=")
    rule = text.split("\n")[1]
    return f"{rule}\n{text}{rule}\n"


def sqlplus(cells: Cells) -> str:
    """With the names again on each page."""
    head, rule, *rows = printed(cells, " ", [False] * len(cells[0]), "-").splitlines()
    pages = ["\n".join([head, rule, *rows[n : n + 14]]) for n in range(0, len(rows), 14)]
    return "\n" + "\n\n".join(pages) + "\n\n40 rows selected.\n"


def columns(cells: Cells) -> str:
    return printed(cells, "  ", [False] * len(cells[0]))


def pandas(cells: Cells) -> str:
    """With the numbers of the rows in front, values to the right, NaN for what is missing."""
    numbered = [
        ["", *cells[0]],
        *([str(n), *(c or "NaN" for c in row)] for n, row in enumerate(cells[1:])),
    ]
    return printed(numbered, " ", [False, True, True, True, True])


@pytest.mark.parametrize("printer", [sqlite, sqlcmd, rst, sqlplus, columns, pandas])
@pytest.mark.parametrize("stamp", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M"])
def test_reads_what_was_printed(
    read: ReadText, printer: Callable[[Cells], str], stamp: str
) -> None:
    log = read(printer([NAMES, *shown(stamp)]), "log.txt")
    seconds = 1 if stamp.endswith("%S") else 60
    expected = [
        (user, item, int(when.timestamp()) // seconds * seconds) for user, item, when, _ in EVENTS
    ]
    assert rows_of(log) == expected
    assert log.findings.layout.startswith("spaces between the values, a header")


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), short=st.booleans(), gap=st.sampled_from(["  ", "   "]))
def test_cells_are_what_they_were(
    data: st.DataObject, short: bool, gap: str, read: ReadText
) -> None:
    """Names shorter or longer than values, values with a space or missing, columns to each side."""
    words = st.text("aZéx_w", min_size=1, max_size=6)
    texts = st.builds(lambda a, b, two: f"{a} {b}" if two else a, words, words, st.booleans())
    rows = data.draw(
        st.lists(st.tuples(st.integers(0, 10**6), texts, words, texts), min_size=8, max_size=30)
    )
    right = data.draw(st.tuples(*[st.booleans()] * 4))
    names = ["user_id", "item", "kind", "what for"] if short else ["user_id", "item_id", "a", "b c"]
    cells = [names, *([str(u), i, k, w] for u, i, k, w in rows)]
    log = read(printed(cells, gap, right, data.draw(st.sampled_from(["-", "="]))), "log.txt")
    assert rows_of(log) == [(u, i) for u, i, _, _ in rows]


def test_a_name_of_the_rows_below_the_names(read: ReadText) -> None:
    """As pandas prints an index that is called something."""
    cells = shown("%Y-%m-%d %H:%M:%S")
    head, *rows = printed(
        [["", "customer", "product"], *([row[2], row[0], row[1]] for row in cells)],
        " ",
        [False, True, True],
    ).splitlines()
    log = read("\n".join([head, "ts".ljust(len(head)), *rows]) + "\n", "log.txt")
    assert rows_of(log) == [(u, i, int(when.timestamp())) for u, i, when, _ in EVENTS]


def test_a_table_as_r_prints_it(read: ReadText) -> None:
    """With the numbers of the rows in front and the types of the columns below the names."""
    cells = shown("%Y-%m-%d %H:%M:%S")
    numbered = [
        ["", "customer", "product", "at"],
        *([str(n), *row[:3]] for n, row in enumerate(cells, 1)),
    ]
    head, *rows = printed(numbered, " ", [True, False, False, False]).splitlines()
    types = "   <chr>    <chr>           <dttm>"
    text = "\n".join(["# A tibble: 40 × 3", head, types, *rows]) + "\n"
    log = read(text, "log.txt", columns={"item": "product"})
    assert rows_of(log) == [(u, i, int(when.timestamp())) for u, i, when, _ in EVENTS]
    with pytest.raises(InputError, match="line 44: rows were left out"):
        read(f"{text}# ℹ 60 more rows\n", "log.txt")


def test_plain_spaces_stay_what_they_are() -> None:
    """Where each space parts two values, columns that happen to stand below each other say
    nothing."""
    text = "user  item  ts\n" + "".join(f"{n % 3 + 10}  {n % 4 + 5} {1000 + n}\n" for n in range(9))
    found = sniff(parse_place("log.txt"), text.encode(), Reading())
    assert found.placed is None
    assert (found.header, found.loose) == (("user", "item", "ts"), True)


@pytest.mark.parametrize("dots", ["..     ...      ...", "|  …  |  …  |", "│ ·  │ ·  │"])
def test_rows_that_were_not_printed_are_missed(dots: str) -> None:
    bar = dots[0] if dots[0] in "|│" else " "
    rule = f"{bar}-----{bar}-----{bar}\n" if bar == "|" else "├─────┼─────┤\n"
    head = f"{bar} user {bar} item {bar}\n" + (rule if bar.strip() else "")
    rows = "".join(f"{bar}  {n % 3} {bar}  {n % 4} {bar}\n" for n in range(9))
    text = f"{head}{rows}{dots}\n{rows}"
    line = text.split("\n").index(dots) + 1
    with pytest.raises(InputError, match=f"line {line}: rows were left out") as caught:
        sniff(parse_place("log.txt"), text.encode(), Reading())
    assert "df.to_csv" in (caught.value.hint or "")


def test_a_value_that_reaches_into_the_next_column_is_refused(read: ReadText) -> None:
    cells = [*NAMES], *shown("%Y-%m-%d %H:%M:%S")
    lines = sqlite(cells).splitlines()
    lines[30] = lines[30].replace("  ", "xx")
    with pytest.raises(InputError, match="line 31: a value reaches into the column beside it"):
        read("\n".join(lines) + "\n", "log.txt")


@pytest.mark.parametrize(
    "text",
    [
        'user,item,note\nu1,i1,"fine\n--- ---\nvery nice"\n' + "u2,i3,ok\n" * 9,  # within quotes
        "user item day\n"
        + "".join(f"u{n % 9} i{n % 7} 2024-03-01 08:{n + 10}\n" for n in range(40)),
    ],
)
def test_other_texts_are_not_aligned(text: str) -> None:
    assert sniff(parse_place("log.txt"), text.encode(), Reading(header=None)).placed is None
