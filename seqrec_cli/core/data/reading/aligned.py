"""Tables whose columns stand below each other, with spaces between, as databases, shells and
pandas print them.

A value may have spaces inside and may be missing, so such a line is cut at places, not at spaces.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import Facts
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

RULER = re.compile(r" *(?:-+|=+)(?: +(?:-+|=+))+ *")
UNDER = re.compile(
    r"\(?[0-9]+ rows?(?: selected| affected)?\.?\)?|\[[0-9]+ rows x [0-9]+ columns\]"
)
LEFT_OUT = re.compile(
    r"[ |│┆]*(?:\.{2,3}|[…·])(?:[ |│┆]+(?:\.{2,3}|[…·]))+[ |│┆]*"
    r"|only showing top [0-9]+ rows?|# .{1,3} (?:with )?[0-9,]+ more rows?.*"  # Spark, R
)
TIBBLE = "# A tibble: "  # above the names, as R prints a table; the types of columns are below
TYPES = re.compile(r" *<[a-z]{1,8}>(?: +<[a-z]{1,8}>)+ *")
MOST_ABOVE = 20  # lines above the line under the names

Rows = Sequence[Sequence[str]]
Span = tuple[int, int]


@dataclass(frozen=True)
class Aligned:
    """Columns of fixed places.

    Attributes:
        names: of the columns; the first is "" where pandas has the rows' own names.
        cuts: where each column but the first begins, in characters; a space is before it.
        rows: which line is the first row, from 0.
        header: which line has the names.
    """

    names: tuple[str, ...]
    cuts: tuple[int, ...]
    rows: int
    header: int


def below_ruler(lines: Sequence[str]) -> Aligned | None:
    """The layout of a table with dashes under each name, or None."""
    if any("\t" in line for line in lines):
        return None
    rulers = [place for place, line in enumerate(lines) if RULER.fullmatch(line)]
    under = [p for p in rulers if 0 < p <= MOST_ABOVE and p - 1 not in rulers]
    if not under or not lines[under[0] - 1].strip():
        return None
    header, below = lines[under[0] - 1], [line for line in lines[under[0] + 1 :] if is_row(line)]
    spans = [match.span() for match in re.finditer(r"[-=]+", lines[under[0]])]
    cuts = cuts_of([header, *below], spans)
    names = cut_at(header, cuts)
    if not below or not all(names):
        return None
    return Aligned(names, tuple(cuts), under[0] + 1, under[0] - 1)


def below_names(
    lines: Sequence[str], is_header: Callable[[Sequence[str], Rows], bool]
) -> Aligned | None:
    """The layout of a table whose columns end or begin below each other, or None.

    None too where each space parts two values: then a line has as many words as there are names.
    pandas prints the rows' own names in front, and what these are called below the header.
    """
    places = [
        place for place, line in enumerate(lines) if is_row(line) and not line.startswith(TIBBLE)
    ]
    if len(places) < 3 or any("\t" in line for line in lines) or lines[places[0]][:1] in "#%":
        return None
    header, first = lines[places[0]], lines[places[1]]
    called = first.strip() if is_name_of_rows(header, first) else ""
    rows = [lines[place] for place in places[1 + bool(called) :]]
    header = called + header[len(called) :]
    spans = named_spans(header, rows)
    words, named = {len(row.split()) for row in rows}, len(header.split())
    single = words == {named} or (words == {named + 1} and len(spans) != named)
    if len(spans) < 2 or (single and header[: spans[0][1]].strip() and not called):
        return None
    cuts = cuts_of([header, *rows], spans)
    names, cells = cut_at(header, cuts), [cut_at(row, cuts) for row in rows]
    columns = zip(*cells, strict=True)
    if any(stand_apart(name, own) for name, own in zip(names, columns, strict=True)):
        return None
    unnamed = not names[0]
    if not all(names[1:]) or not is_header(names[unnamed:], [row[unnamed:] for row in cells]):
        return None
    place = places[1 + bool(called)]
    return Aligned(names, tuple(cuts), place, places[0])


def stand_apart(name: str, cells: Sequence[str]) -> bool:
    """Whether a name has as many words as all cells below it, as if each were a column."""
    several = len(name.split())
    return several > 1 and all(len(cell.split()) == several for cell in cells)


def is_row(line: str) -> bool:
    """Whether a line is one of the table: no ruler, no types, no count of the rows, not empty."""
    text = line.strip()
    return bool(text) and not any(form.fullmatch(text) for form in (RULER, UNDER, TYPES))


def is_name_of_rows(header: str, line: str) -> bool:
    """Whether a line is what pandas calls the rows: one word, where the header has none."""
    word = line.rstrip()
    return " " not in word and not any(map(str.isdigit, word)) and not header[: len(word)].strip()


def named_spans(header: str, rows: Sequence[str]) -> list[Span]:
    """From where to where columns are, by places that all lines leave.

    What has no name is a piece of the column beside it, as the date of a moment is; in front of all
    it is the rows' own names if no two are alike.
    """
    pieces = [match.span() for match in re.finditer("x+", outline([header, *rows]))]
    spans: list[Span] = []
    waiting = -1  # where pieces begin that belong to the next name
    for place, (start, end) in enumerate(pieces):
        behind = pieces[place + 1 : place + 2]
        if header[start:end].strip():
            spans.append((start if waiting < 0 else waiting, end))
            waiting = -1
        elif place == 0 and len({row[:end].strip() for row in rows}) == len(rows):
            spans.append((start, end))
        elif spans and not (behind and is_nearer(header, behind[0], (start, end), spans[-1])):
            spans[-1] = spans[-1][0], end
        else:
            waiting = start if waiting < 0 else waiting
    return spans


def is_nearer(header: str, behind: Span, piece: Span, before: Span) -> bool:
    """Whether a piece without a name belongs to the column behind it, not to the one before it.

    As far from both, it does if the name behind it does not stand above the beginning.
    """
    gap, other = behind[0] - piece[1], piece[0] - before[1]
    return gap < other or (gap == other and not header[behind[0] : behind[0] + 1].strip())


def cuts_of(lines: Sequence[str], spans: Sequence[Span]) -> list[int]:
    """Where the columns but the first begin, of which the names leave the places between `spans`.

    Values that end below each other cannot grow to the right, so the next column may to the left.
    """
    drawn, cuts = outline(lines), []
    for (_, end), (start, _) in pairwise(spans):
        first, last = drawn.find(" ", end, start), drawn.rfind(" ", end, start)
        straight = all(line[first - 1 : first].strip() for line in lines)
        cuts.append(start if first < 0 else 1 + (first if straight else last))
    return cuts


def outline(lines: Sequence[str]) -> str:
    """A sign for each place: a space where all lines leave it, `x` where one has a character."""
    drawn = bytearray(b" " * max(map(len, lines)))
    for line in lines:
        for match in re.finditer("[^ ]+", line):
            drawn[match.start() : match.end()] = b"x" * len(match[0])
    return drawn.decode()


def cut_at(line: str, cuts: Sequence[int]) -> tuple[str, ...]:
    """The values of a line, without the spaces around them."""
    return tuple(line[start:end].strip() for start, end in pairwise((0, *cuts, len(line) + 1)))


def refuse_left_out(source: TextSource, lines: Sequence[str]) -> None:
    """Refuse a table of which the middle was not printed.

    Raises:
        InputError: a line has dots alone.
    """
    for number, line in enumerate(lines, 1):
        if LEFT_OUT.fullmatch(line):
            raise InputError(
                f"`{source}`, line {number}: rows were left out here when the table was printed",
                "write all rows as CSV, in pandas by `df.to_csv('log.csv')`",
            )


def cut_lines(source: TextSource, facts: Facts, engine: Engine, layout: Aligned) -> Facts:
    """A copy of a text with a tab between its columns, and nothing where a line is no row.

    Raises:
        InputError: a value stands in two columns.
    """
    with (
        facts.path.open(encoding="utf-8", errors="replace", newline="\n") as file,
        engine.folder.new_file(".txt") as copy,
    ):
        header = ""
        for number, line in enumerate(file):
            text = line.rstrip("\r\n")
            header = text if number == layout.header else header
            kept = number >= layout.rows and is_row(text) and text != header
            if kept and any(text[cut - 1 : cut].strip() for cut in layout.cuts):
                raise InputError(
                    f"`{source}`, line {number + 1}: a value reaches into the column beside it: "
                    f"`{shortened(' '.join(text.split()))}`",
                    "export the table as CSV",
                )
            cells = "\t".join(cut_at(text.replace("\t", " "), layout.cuts)) if kept else ""
            copy.write(f"{cells}\n".encode())
    return Facts(copy.path, facts.quotes, facts.damaged, copy.size)
