"""Logs in spreadsheets: the sheet that has them, cells as one would write them, errors in words.

The workbooks are written here, part by part, as ECMA-376 and OpenDocument say, so that no library
is its own oracle.
"""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from seqrec_cli.core.data.reading import workbooks
from seqrec_cli.core.data.reading.log import Log, read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource, parse_place
from seqrec_cli.errors import InputError, MissingExtra
from tests.core.data.reading.conftest import rows_of

pytest.importorskip("python_calamine")

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEADER = ("Customer", "Product", "Ordered")
START = datetime(2023, 5, 20, 9, 30, tzinfo=UTC)
EVENTS = [(f"c{n % 7}", f"Mug, no. {n * n % 5}", START + timedelta(hours=n)) for n in range(40)]
Rows = Sequence[Sequence[Any]]


def days_since_1900(moment: datetime) -> float:
    """As Excel counts days, from the 30th of December 1899."""
    return (moment - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1)


def cell_xml(value: Any) -> str:
    if isinstance(value, datetime):
        return f'<c s="1"><v>{days_since_1900(value)!r}</v></c>'
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value!r}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else "<c/>"


def write_xlsx(path: Path, sheets: Mapping[str, Rows], hidden: Sequence[str] = ()) -> None:
    states = {name: ' state="hidden"' if name in hidden else "" for name in sheets}
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"{states[name]}/>'
            for n, name in enumerate(sheets, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        + f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }
    for n, rows in enumerate(sheets.values(), 1):
        inner = "".join(
            f'<row r="{place}">{"".join(map(cell_xml, row))}</row>'
            for place, row in enumerate(rows, 1)
            if row
        )
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{inner}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)


def write_ods(path: Path, rows: Rows) -> None:
    def cell(value: Any) -> str:
        if isinstance(value, datetime):
            kind = f'office:value-type="date" office:date-value="{value:%Y-%m-%dT%H:%M:%S}"'
            return f"<table:table-cell {kind}/>"
        text = f"<text:p>{escape(str(value))}</text:p>"
        return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'

    urn = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{n}="{urn}:{n}:1.0"' for n in ("office", "table", "text"))
    inner = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0"></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="Log">{inner}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )


def log_in(path: Path, sheet: str = "", **reading: Any) -> Log:
    return read_log(TextSource(path, sheet), Reading(**reading))


def expected(events: Sequence[tuple[str, str, datetime]] = EVENTS) -> list[tuple[str, str, int]]:
    return [(user, item, int(when.timestamp())) for user, item, when in events]


def test_reads_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_xlsx(path, {"Sales": [HEADER, *EVENTS]})
    log = log_in(path)
    assert rows_of(log) == expected()
    assert (log.form, log.findings.layout) == ("spreadsheet", "a spreadsheet, a header")
    assert not log.findings.notes


def test_reads_open_document(tmp_path: Path) -> None:
    path = tmp_path / "log.ods"
    write_ods(path, [HEADER, *EVENTS])
    assert rows_of(log_in(path)) == expected()


def test_reads_a_report_with_its_total_and_empty_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [("", *row[:2], "", row[2]) for row in (HEADER, *EVENTS)]
    write_xlsx(path, {"1": [("Sales of May",), (), *rows]})
    assert rows_of(log_in(path)) == expected()


def test_cells_are_as_one_would_write_them(tmp_path: Path) -> None:
    """Whole numbers, as Excel keeps each number as one with a fraction; a line end in a cell."""
    path = tmp_path / "log.xlsx"
    rows = [
        (n % 7 + 1000.0, f"Old\nMap {n % 5}", 4000000000000.0 + n % 3, n % 2 == 0)
        for n in range(40)
    ]
    write_xlsx(path, {"a": [("user_id", "title", "ean", "gift"), *rows]})
    log = log_in(path, columns={"item": "ean"}, where=("gift = 'true'",))
    assert rows_of(log) == [(int(u), int(ean)) for u, _, ean, gift in rows if gift]
    titled = log_in(path, columns={"item": "title"})
    assert [row[1] for row in rows_of(titled)] == [f"Old Map {n % 5}" for n in range(40)]


def test_sheets_of_the_same_columns_are_one_log(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    sheets = {"May": [HEADER, *EVENTS[:25]], "June": [("Sales",), HEADER, *EVENTS[25:]]}
    write_xlsx(path, {**sheets, "Notes": [("to do", "by"), ("a", "b")]})
    log = log_in(path)
    assert rows_of(log) == expected()
    (note,) = log.findings.notes
    assert note.startswith("the rows of the sheets `May`, `June` are read one after the other")
    assert note.endswith(f"to read it: `seqrec prepare {path}:Notes`")
    one = parse_place(f"{path}:June")
    assert rows_of(read_log(one, Reading())) == expected(EVENTS[25:])
    with pytest.raises(InputError, match="has no sheet `July` with rows") as caught:
        log_in(path, "July")
    assert "`May`, `June`, `Notes`" in caught.value.hint


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_xlsx(path, {"old": [HEADER, *EVENTS, *EVENTS], "new": [HEADER, *EVENTS]}, hidden=["old"])
    assert rows_of(log_in(path)) == expected()


def test_a_row_is_named_by_its_number_in_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [HEADER, *EVENTS]
    rows[17] = ("", *rows[17][1:])
    write_xlsx(path, {"a": [(), (), *rows]})
    with pytest.raises(InputError, match="line 20: the user in `Customer` is empty"):
        log_in(path)


def test_workbooks_in_a_folder_and_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    write_xlsx(folder / "2023-05.xlsx", {"a": [HEADER, *EVENTS[:20]]})
    write_xlsx(folder / "2023-06.xlsx", {"b": [HEADER, *EVENTS[20:]]})
    assert rows_of(log_in(folder)) == expected()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    assert rows_of(log_in(tmp_path / "all.zip")) == expected()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 and so on", "is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "cannot be read as a spreadsheet"),
    ],
)
def test_a_damaged_workbook_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / ("log.xlsx" if content.startswith(b"PK") else "log.xls")
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        log_in(path)
    assert "CSV" in caught.value.hint


def test_an_archive_of_something_else_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log.csv", "user,item\n1,2\n")
    with pytest.raises(InputError, match="cannot be read as a spreadsheet"):
        log_in(path)


def test_what_would_be_too_large_unpacked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.xlsx"
    write_xlsx(path, {"a": [HEADER, *EVENTS]})
    monkeypatch.setattr(workbooks, "LARGEST", 3000)
    with pytest.raises(InputError, match="has more than 0 MB unpacked"):
        log_in(path)


def test_empty_sheets_are_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_xlsx(path, {"a": [], "b": [("", "")]})
    with pytest.raises(InputError, match="has no rows"):
        log_in(path)


def test_says_which_package_reads_workbooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.xlsx"
    write_xlsx(path, {"a": [HEADER, *EVENTS]})
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(MissingExtra, match="python-calamine") as caught:
        log_in(path)
    assert "spreadsheets" in caught.value.hint
