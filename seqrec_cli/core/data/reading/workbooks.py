"""Spreadsheets as texts: the sheet of a workbook that holds the log, a row a line.

calamine reads xlsx, xlsm, xlsb, xls and ods; it is in the extra `spreadsheets`.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from types import ModuleType
from typing import Any

from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.options import Reading, command
from seqrec_cli.core.data.reading.sources import WORKBOOKS, TextSource
from seqrec_cli.core.data.reading.texts import Facts
from seqrec_cli.errors import InputError, MissingExtra
from seqrec_cli.wording import counted, verb

SEPARATOR = "\x01"  # of cells: it is in none, so no quotes are needed
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how files of Excel began before 2007
ZIPPED = b"PK\x03\x04"
LARGEST = 1 << 28  # bytes, of the file and of what is packed in it
Cells = list[str]


def is_workbook(source: TextSource) -> bool:
    """Whether a file is a spreadsheet, by its name and then by its first bytes."""
    if source.workbook:
        return True
    named = source.filename.lower().endswith(WORKBOOKS)
    return named and source.head(8).startswith((OLD, ZIPPED))


def text_of_workbook(source: TextSource, engine: Engine) -> Facts:
    """A text with the rows of a workbook's log; its note says which sheets these are of.

    Sheets with the same names in their first full row are one log, read one after the other. Of
    several logs it is the one with the most rows. A line is a row of the sheet of this number,
    where one sheet is read.

    Raises:
        InputError: too large, damaged, protected by a password, no such sheet, or none with rows.
        MissingExtra: calamine is not installed.
    """
    sheets = {name: rows for name, rows in sheets_of(source) if any(map(any, rows))}
    if source.workbook:
        if source.member not in sheets:
            raise InputError(
                f"`{source.path}` has no sheet `{source.member}` with rows",
                f"it has {sheet_list([*sheets])}",
            )
        chosen, note = [source.member], ""
    else:
        if not sheets:
            raise InputError(f"`{source}` has no rows", "it must have a row for each interaction")
        chosen, note = sheets_of_log(source, sheets)
    first, *later = (sheets[name] for name in chosen)
    rows = first + [row for own in later for row in own[place_of_names(own) + 1 :]]
    kept = [
        place
        for place in range(max(map(len, rows)))
        if any(place < len(r) and r[place] for r in rows)
    ]
    quotes = 0
    with engine.folder.new_file(".txt") as copy:
        for row in rows:
            line = SEPARATOR.join(row[place] if place < len(row) else "" for place in kept)
            quotes += line.count('"')
            copy.write(f"{line}\n".encode() if any(row) else b"\n")
    return Facts(copy.path, quotes, damaged=False, size=copy.size, note=note)


def sheets_of_log(source: TextSource, sheets: dict[str, list[Cells]]) -> tuple[list[str], str]:
    """The sheets that are read, and a sentence on them where there are several."""
    names = {name: tuple(rows[place_of_names(rows)]) for name, rows in sheets.items()}
    sizes: Counter[tuple[str, ...]] = Counter()
    for name, rows in sheets.items():
        sizes[names[name]] += len(rows)
    best = max(sizes, key=lambda header: sizes[header])
    chosen = [name for name in sheets if names[name] == best]
    others = [name for name in sheets if names[name] != best]
    notes = [f"the rows of the sheets {sheet_list(chosen)} are read one after the other"]
    if others:
        which = "it" if len(others) == 1 else "the first of them"
        notes.append(
            f"{counted(len(others), 'sheet')} of the workbook {verb(len(others), 'is', 'are')} not "
            f"read, {sheet_list(others)}"
        )
        if not source.member:
            notes.append(f"to read {which}: `{command(f'{source}:{others[0]}', Reading())}`")
    return chosen, "; ".join(notes[len(chosen) == 1 :])


def sheet_list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:5]) + ", …" * (len(names) > 5)


def place_of_names(rows: Sequence[Cells]) -> int:
    """Which row has the names: the first with more than half of the cells that rows mostly have."""
    filled = [sum(map(bool, row)) for row in rows]
    usual = Counter(count for count in filled if count).most_common(1)[0][0]
    return next(place for place, count in enumerate(filled) if count > 0.5 * usual)


def sheets_of(source: TextSource) -> list[tuple[str, list[Cells]]]:
    """The names of all visible sheets and their rows, as texts, from the first row on."""
    calamine = load_calamine()
    content = bytes_of_workbook(source)
    found = []
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        for sheet in workbook.sheets_metadata:
            if sheet.visible != calamine.SheetVisibleEnum.Visible:
                continue
            if sheet.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            table = workbook.get_sheet_by_name(sheet.name)
            found.append((sheet.name, [[*map(as_written, row)] for row in table.iter_rows()]))
    except calamine.PasswordError:
        raise InputError(
            f"`{source}` is protected by a password", "save it without one, or export it as CSV"
        ) from None
    except calamine.CalamineError as error:
        raise InputError(
            f"`{source}` cannot be read as a spreadsheet: {' '.join(str(error).split())}",
            "save it again as .xlsx, or export it as CSV",
        ) from error
    return found


def load_calamine() -> ModuleType:
    """calamine, as Python knows it.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import python_calamine
    except ImportError:
        raise MissingExtra("python-calamine", "spreadsheets") from None
    return python_calamine


def bytes_of_workbook(source: TextSource) -> bytes:
    """The bytes of a workbook.

    Raises:
        InputError: more than `LARGEST`, as they are or unpacked.
    """
    with source.open() as file:
        content = file.read(LARGEST + 1)
    size = len(content)
    if content.startswith(ZIPPED) and size <= LARGEST:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            raise InputError(
                f"`{source}` is damaged: {error}", "save it again, or export it as CSV"
            ) from error
    if size > LARGEST:
        raise InputError(
            f"`{source}` has more than {LARGEST >> 20} MB unpacked", "export its sheet as CSV"
        )
    return content


def as_written(cell: Any) -> str:
    """A cell as one would write it in a text: whole numbers without a point, times as ISO 8601."""
    if isinstance(cell, str):
        return " ".join(cell.replace(SEPARATOR, " ").split())
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(cell)
