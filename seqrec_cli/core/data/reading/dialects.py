r"""How a delimited text is laid out: lines before the table, delimiter, quotes, header.

Everything here looks at the first lines alone, as Python sees them; the engine then reads the
whole file by it and says where a line is otherwise.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seqrec_cli.core.data.reading import aligned, vocabulary
from seqrec_cli.core.data.reading.options import SPELLED, Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.times import forms_of
from seqrec_cli.core.storage.text import is_digits
from seqrec_cli.errors import InputError

HEAD_BYTES = 1 << 18
LOOKED_AT = 100  # lines
MOST_ABOVE = 1000  # lines in which the columns may be listed
DELIMITERS = ("::", "\t", ",", ";", "|", "\x01", "\x02", "||", "~", "^")
UNQUOTED = ("\t", "::", "\x01", "\x02")  # text with these between values has no quotes, mostly
MOST_TITLES = 20  # lines above a header
MOST_JOINED = 50  # lines of one row
UNFIT = ('"', "\n", "\r")  # they mean something else in delimited text
LONGEST_DELIMITER = 4
LONGEST_NUMBER = 9  # digits of the number of a row, which a time has more of
CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}\b")
FIELDS = re.compile(r"fields[:\s]", re.IGNORECASE)
# A column of ARFF, and the columns in a dump of PostgreSQL.
ATTRIBUTE = re.compile(r"@(?i:attribute)\s+(?:'([^']+)'|\"([^\"]+)\"|(\S+))\s")
COPY = re.compile(r"COPY [\w.\"]+ \(([^()]+)\) FROM stdin;")
# What boxes are drawn with, as if by signs of ASCII.
BOXES = str.maketrans(
    {chr(code): "+" for code in range(0x2500, 0x2580)}
    | dict.fromkeys("=─━═", "-")
    | dict.fromkeys("│┃║", "|")
)
NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*")
# What a column is of, as ClickHouse and other databases write it below a header.
TYPE = re.compile(
    r"(?i)(?:(?:nullable|lowcardinality|array)\()*"
    r"(?:u?int(?:eger|[0-9]+)?|(?:big|small|tiny)int|float[0-9]*|double|real|bool(?:ean)?|text"
    r"|string|(?:fixedstring|varchar2?|char|character varying|number|numeric|decimal[0-9]*)"
    r"(?:\([0-9, ]*\))?|(?:date(?:time)?[0-9]*|timestamp)(?:\([^()]*\))?|uuid|ipv[46]"
    r"|enum[0-9]*\([^()]*\))\)*"
)


@dataclass(frozen=True)
class Dialect:
    r"""The layout of a delimited text.

    Attributes:
        delimiter: one to four characters; "" where each line is one value.
        skip: lines before the first row, the header among them.
        header: the names in the header, or ().
        width: values a line.
        quote: `"`, or "" where it is a character like any other.
        escape: what makes a quote inside quotes a character: `"` or `\`.
        loose: whether values lie between runs of spaces or tabs.
        ruled: whether it is a table as psql prints it, with a ruler under the header.
        comments: whether lines that begin with `#` come before the table.
        titles: lines above the header, as of a report, which are not read.
        typed: whether a line with the type of each column comes below the header.
        placed: where the columns are, if they stand below each other.
    """

    delimiter: str
    skip: int
    header: tuple[str, ...]
    width: int
    quote: str = '"'
    escape: str = '"'
    loose: bool = False
    ruled: bool = False
    comments: bool = False
    titles: int = 0
    typed: bool = False
    placed: aligned.Aligned | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each column: the header's, or its number from 1."""
        numbers = (str(number) for number in range(1, self.width + 1))
        if not self.header:
            return tuple(numbers)
        return tuple(label or number for label, number in zip(self.header, numbers, strict=True))


def lines_of(head: bytes) -> list[str]:
    """The first lines of a text, without a cut last one."""
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    whole = len(head) < HEAD_BYTES
    return lines if whole else lines[:-1] or lines


def sniff(source: TextSource, head: bytes, reading: Reading) -> Dialect:
    """Tell the layout of a text by its first lines; what `reading` says is taken.

    Raises:
        InputError: empty, or a delimiter that cannot be one.
    """
    lines = lines_of(head)
    if not any(line.strip() for line in lines):
        raise InputError(f"`{source}` is empty", "it must have a line for each interaction")
    if listed := listed_above(lines):
        return listed
    if found := columns_below_names(source, lines, reading):
        return found
    if above := above_box(lines):
        found = sniff_lines(source, lines[above:], reading)
        return replace(found, skip=above + found.skip, titles=above)
    if titles := titles_above(lines, reading):
        found = sniff_lines(source, lines[titles:], reading)
        if found.header:
            return replace(found, skip=titles + found.skip, titles=titles)
    return sniff_lines(source, lines, reading)


def columns_below_names(
    source: TextSource, lines: Sequence[str], reading: Reading
) -> Dialect | None:
    """The layout of a table whose columns stand below each other, if it is one."""
    if reading.delimiter or reading.header is False:
        return None
    body = [line for line in lines if line.strip()][:LOOKED_AT]
    if guess_delimiter(body, body) not in ("", " "):
        return None
    found = aligned.below_ruler(lines)
    if found is None:
        found = aligned.below_names(lines, lambda first, rows: is_header(first, rows, reading))
    if found is not None or body[0].startswith(" "):  # as pandas prints, above its rows' names
        aligned.refuse_left_out(source, lines)
    if found is None:
        return None
    above = sum(bool(line.strip()) for line in lines[: found.header])
    layout = Dialect("\t", found.rows, found.names, len(found.names), quote="", escape="")
    return replace(layout, titles=above, placed=found)


def sniff_lines(source: TextSource, lines: Sequence[str], reading: Reading) -> Dialect:
    """Tell the layout of a text by its first lines, of which the table is all but comments."""
    skip, delimiter, noted = preamble(lines)
    delimiter = chosen_delimiter(reading) or delimiter
    body = [line for line in lines[skip:] if line.strip()][:LOOKED_AT]
    if not body:
        raise InputError(f"`{source}` has no rows", "it must have a line for each interaction")
    skip += next(n for n, line in enumerate(lines[skip:]) if line.strip())
    if lines[0].startswith("%%MatrixMarket"):  # the first line below says how large the matrix is
        skip, body, noted = skip + 1, body[1:] or body, ""
    if len(body) > 3 and is_ruler(body[0]):  # a box, as MySQL draws it
        skip, body = skip + 1, body[1:]
    if len(body) > 2 and is_ruler(body[1]):
        aligned.refuse_left_out(source, lines)
        bar = "│" if "│" in body[0] else "|"
        names = tuple(cell.strip() for cell in body[0].split(bar))
        return Dialect(bar, skip + 2, names, len(names), quote="", ruled=True)
    whole = joined_lines(body)
    delimiter = delimiter or guess_delimiter(body, whole)
    body = body if delimiter in UNQUOTED else whole
    quote, escape = quoting(body, delimiter)
    loose = delimiter in (" ", "\t") and not reading.delimiter and is_loose(body, delimiter)
    rows = [split(line, delimiter, quote, escape, loose) for line in body]
    width = usual_width(rows)
    while len(rows) > 2 and is_sparse(rows[-1], width):
        rows.pop()  # the total below a report
    remark = split(noted, delimiter, "", "", loose) if noted else []
    remark = remark if len(remark) == width else noted.split()
    header = find_header(body, rows, width, reading, remark)
    if header and len(header) != width:
        raise InputError(
            f"`{source}`, line {skip + 1}: {len(rows[0])} names, and most lines have {width} "
            "values",
            "name each column, put what has a delimiter inside in quotes, or use `--no-header` if "
            "it is no header",
        )
    first = tuple(cell.strip() for cell in rows[0])
    if header and first in (header[-len(first) :], header[: len(first)]):
        skip += 1
    below = rows[1] if header and len(rows) > 2 else []
    typed = 1 < len(below) == width and is_of_types(below)
    layout = delimiter, skip + typed, header, width, quote, escape
    return Dialect(*layout, loose=loose, comments=bool(noted), typed=typed)


def is_of_types(cells: Sequence[str]) -> bool:
    """Whether all cells of a line are types of columns."""
    return all(TYPE.fullmatch(cell.strip()) for cell in cells)


def chosen_delimiter(reading: Reading) -> str:
    """The delimiter that the user named, or ""."""
    delimiter = SPELLED.get(reading.delimiter, reading.delimiter)
    if delimiter and (delimiter in UNFIT or len(delimiter.encode()) > LONGEST_DELIMITER):
        raise InputError(
            f"`{reading.delimiter}` cannot be a delimiter",
            f"name one of up to {LONGEST_DELIMITER} characters, or tab, comma, semicolon, pipe, "
            "space: `--delimiter ';'`",
        )
    return delimiter


def preamble(lines: Sequence[str]) -> tuple[int, str, str]:
    """What comes before the table: lines to skip, a delimiter from `sep=;`, a comment with names.

    It is the one that says so, as `#fields` of Zeek and `#Fields:` of web servers, or the last.
    """
    skip, noted, fields = 0, "", ""
    if match := re.fullmatch(r'"?sep=(.)"?', lines[0].strip("\r\n ") or " "):
        return 1, match[1], ""
    for line in lines:
        if line.startswith("#") or line.startswith("%"):
            noted = line.lstrip("#% ").strip()
            if match := FIELDS.match(noted):
                fields = noted[match.end() :].strip()
        elif line.strip():
            break
        skip += 1
    return (skip, "", fields or noted) if noted else (0, "", "")


def above_box(lines: Sequence[str]) -> int:
    """How many lines are above a table with lines drawn around it, as what was typed for it."""
    for place, line in enumerate(lines[1 : MOST_TITLES + 1], 1):
        if is_ruler(line) and lines[place - 1].strip()[:1] in ("|", "│"):
            first = place - 1 - (place > 1 and is_ruler(lines[place - 2]))
            return first if any(each.strip() for each in lines[:first]) else 0
    return 0


def titles_above(lines: Sequence[str], reading: Reading) -> int:
    """How many lines are above the header of a report: its title, its dates, empty rows; else 0."""
    body = [(number, line) for number, line in enumerate(lines) if line.strip()][:LOOKED_AT]
    below = [line for _, line in body[min(MOST_TITLES, len(body) // 2) :]]
    delimiter = chosen_delimiter(reading) or guess_delimiter(below, below)
    if delimiter in ("", " ") or reading.header is False:
        return 0
    rows = [split(line, delimiter, *quoting(below, delimiter)) for _, line in body]
    width = usual_width(rows[-len(below) :])
    for place, row in enumerate(rows[:MOST_TITLES]):
        if not is_sparse(row, width):
            others = [other for other in rows[place + 1 :] if not is_sparse(other, width)]
            titled = place > 0 and len(row) == width and is_header(row, others, reading)
            return body[place][0] if titled else 0
    return 0


def is_sparse(row: Sequence[str], width: int) -> bool:
    """Whether a row is no row of the table: a title, which has one cell or two of many, or none."""
    filled = sum(bool(cell.strip()) for cell in row)
    return filled < 2 <= width or (filled == 2 and width > 3)


def listed_above(lines: Sequence[str]) -> Dialect | None:
    """The layout of a table whose columns are listed above it: in ARFF, in a dump of PostgreSQL."""
    names: list[str] = []
    for number, line in enumerate(lines[:MOST_ABOVE]):
        if match := ATTRIBUTE.match(line):
            names.append(next(name for name in match.groups() if name))
        elif names and line.strip().lower() == "@data":
            body = [each for each in lines[number + 1 :] if each.strip()][:LOOKED_AT]
            return Dialect(",", number + 1, tuple(names), len(names), *quoting(body, ","))
        elif match := COPY.fullmatch(line):
            names = [name.strip(' "') for name in match[1].split(",")]
            return Dialect("\t", number + 1, tuple(names), len(names), quote="", ruled=True)
    return None


def is_ruler(line: str) -> bool:
    """Whether it is the line under a header as psql or Markdown draws it: `----+----`, `|---|`."""
    text = line.translate(BOXES).strip()
    drawn = set(text) <= set("-+|: ") and text.count("-") > 2
    return drawn and ("+" in text or text.startswith("|"))


def joined_lines(lines: Sequence[str]) -> list[str]:
    """The lines with those put together that a quoted line end cuts."""
    found: list[str] = []
    waiting = ""
    for line in lines:
        waiting = f"{waiting}\n{line}" if waiting else line
        if waiting.replace('\\"', "").count('"') % 2 == 0:
            found.append(waiting)
            waiting = ""
        elif waiting.count("\n") > MOST_JOINED:
            return list(lines)  # then it is no quote at all
    return found or list(lines)


def guess_delimiter(body: Sequence[str], whole: Sequence[str]) -> str:
    """The delimiter that cuts most of the first lines alike, or "".

    `whole` are the same lines, those put together that a quoted line end cuts.
    """
    best, most = "", (0.0, 0)
    for delimiter in DELIMITERS:
        lines = body if delimiter in UNQUOTED else whole
        if not any(delimiter in line for line in lines[:3]):
            continue
        quote, escape = quoting(lines, delimiter)
        if any(is_cut_json(c) for line in lines[:3] for c in split(line, delimiter, quote, escape)):
            continue
        widths = Counter(len(split(line, delimiter, quote, escape)) for line in lines)
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
        share = count / len(lines)
        if width > 1 and (share, width) > most:
            best, most = delimiter, (share, width)
    if best and (most[0] >= 0.5 or best == ","):
        return best
    # Spaces are in titles and dates too: only where there is nothing else.
    return " " if all(len(line.split()) > 1 for line in body[:3]) and not best else best


def is_cut_json(cell: str) -> bool:
    """Whether a cell holds the start of a JSON object without its end."""
    return cell.count('{"') > cell.count("}")


def quoting(lines: Sequence[str], delimiter: str) -> tuple[str, str]:
    r"""Whether `"` quotes, and what escapes it: (quote, escape), both "" where it does not.

    Tab-separated text and the like has no quotes unless every value of some column is quoted.
    """
    marked = [line for line in lines if '"' in line]
    if not marked:
        single = sum(line.count("'") for line in lines) >= 2 * (len(lines) - 1) > 0
        single = single and (
            has_quoted_column(lines, delimiter, "'") or holds_delimiters(lines, delimiter, "'")
        )
        return ("'", "'") if single else ('"', '"')
    if delimiter in UNQUOTED and not has_quoted_column(lines, delimiter):
        return "", ""
    escaped = sum(line.count('\\"') for line in marked)
    doubled = sum(len(re.findall(r'[^,;|\t]""', line)) for line in marked)
    return '"', "\\" if escaped > doubled else '"'


def holds_delimiters(lines: Sequence[str], delimiter: str, quote: str) -> bool:
    """Whether lines have one width with such quotes alone, as there are delimiters inside."""
    plain = {len(line.split(delimiter)) for line in lines if delimiter}
    return len(plain) > 1 == len({len(split(line, delimiter, quote, quote)) for line in lines})


def has_quoted_column(lines: Sequence[str], delimiter: str, quote: str = '"') -> bool:
    rows = [line.split(delimiter) if delimiter else [line] for line in lines]
    columns = zip(*[row for row in rows if len(row) == len(rows[0])], strict=False)
    return any(
        all(len(cell) > 1 and cell[0] == cell[-1] == quote for cell in column) for column in columns
    )


def is_loose(lines: Sequence[str], delimiter: str) -> bool:
    """Whether values lie between runs of spaces: cut at each one, lines would differ in width."""
    if delimiter == "\t":
        return False
    return any("  " in line or "\t" in line or line != line.strip() for line in lines)


def split(
    line: str, delimiter: str, quote: str = '"', escape: str = '"', loose: bool = False
) -> list[str]:
    """Cut one line for a look at it."""
    if not delimiter:
        return [line]
    if loose:
        return line.split()
    if not quote or quote not in line or len(delimiter) > 1:
        return line.split(delimiter)
    doubled = escape == quote
    reader = csv.reader(
        line.splitlines(keepends=True),
        delimiter=delimiter,
        quotechar=quote,
        doublequote=doubled,
        escapechar=None if doubled else escape,
    )
    try:
        return next(reader, [])
    except csv.Error:
        return line.split(delimiter)


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """How many values most lines have; the first line's where as many have that."""
    widths = Counter(map(len, rows))
    most = max(widths.values())
    return len(rows[0]) if widths[len(rows[0])] == most else widths.most_common(1)[0][0]


def find_header(
    body: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    reading: Reading,
    noted: Sequence[str],
) -> tuple[str, ...]:
    """The names of the columns: from the first line, or from the last comment before it.

    `rows` are the lines of `body`, cut.
    """
    first = tuple(cell.strip() for cell in rows[0])
    if reading.header is False:
        return ()
    if reading.header:
        return ("",) * (len(first) == width - 1) + first
    if len(first) == width and is_header(first, rows[1:], reading):
        return first
    if len(first) == width - 1 and are_names_of_rows([row[0] for row in rows[1:]], body[1:]):
        if is_header(first, [row[1:] for row in rows[1:]], reading):
            return ("", *first)  # as R writes it, with the names of the rows in front
    elif 1 < len(first) < width and is_header(first, rows[1:], reading):
        if all(is_without_name(row, len(first)) for row in rows[1:]):
            return (*first, *[""] * (width - len(first)))
        return first  # which is refused
    if noted and len(noted) == width and not any(map(looks_numeric, noted)):
        return tuple(name.strip() for name in noted)
    return ()


def are_names_of_rows(cells: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether first cells are what R calls its rows: numbers of them, or words in quotes; none
    comes twice."""
    numbers = all(is_digits(cell) and len(cell) < LONGEST_NUMBER for cell in cells)
    return (numbers or all(line[:1] in "\"'" for line in lines)) and len({*cells}) == len(cells)


def is_without_name(row: Sequence[str], named: int) -> bool:
    """Whether what a row has beyond the names is nothing, the time of day of a date before, or the
    other numbers of a vector."""
    more = [cell.strip() for cell in row[named:]]
    if len(more) < 2:
        return not any(more) or CLOCK.match(more[0]) is not None
    return not any(more) or all(map(looks_numeric, row[named - 1 :]))


def is_header(first: Sequence[str], others: Sequence[Sequence[str]], reading: Reading) -> bool:
    """Whether the first line holds names: known or chosen ones, or words above something else."""
    chosen = [name for name in reading.columns.values() if not is_digits(name)]
    if any(name in first for name in chosen):
        return True
    if any(looks_numeric(cell) or forms_of([cell]) for cell in first) or "" in first[1:-1]:
        return False
    known = sum(vocabulary.is_known(name) for name in {*first})
    if len(set(first)) < len(first):  # as a table joined with another
        return known > 1 and not any(name in row for name in first for row in others)
    if known > 1:
        return True
    columns = [
        [row[place].strip() for row in others if place < len(row) and row[place].strip()]
        for place in range(len(first))
    ]
    if any(column and all(map(looks_numeric, column)) for column in columns):
        return True
    if any(name in column for name, column in zip(first, columns, strict=True)):
        return False  # a value that comes again
    if known:
        return True
    return any(
        shapes_differ(name, column) for name, column in zip(first, columns, strict=True) if column
    )


def shapes_differ(name: str, column: Sequence[str]) -> bool:
    """Whether all values of a column look alike, and the first line's otherwise."""
    shapes = {shape(cell) for cell in column}
    return len(shapes) == 1 and len(column) > 1 and shape(name) not in shapes


def shape(cell: str) -> str:
    """What a cell is made of: runs of letters as a, of digits as 9."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"[0-9]+", "9", cell))


def looks_numeric(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
