"""From a name to files: folders, archives, parts, what is packed, what is none of ours."""

import io
import zipfile
from pathlib import Path

import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource, parse_place
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import rows_of

HEADER = "user,item,ts\n"
ROWS = [(1, 7, 1500000000), (2, 8, 1500000100), (1, 9, 1500000200)]
TEXT = HEADER + "".join(f"{u},{i},{t}\n" for u, i, t in ROWS)


def zipped(**members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "."), text)
    return packed.getvalue()


def test_reads_parts_in_natural_order(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    for number, row in ((10, ROWS[2]), (2, ROWS[1]), (1, ROWS[0])):
        (folder / f"part-{number}.csv").write_text(HEADER + ",".join(map(str, row)) + "\n")
    assert rows_of(read_log(TextSource(folder), Reading())) == ROWS
    assert rows_of(read_log(TextSource(folder / "part-*.csv"), Reading())) == ROWS
    first, *more = (folder / f"part-{number}.csv" for number in (1, 2, 10))
    assert rows_of(read_log(TextSource(first), Reading(more=tuple(more)))) == ROWS


def test_reads_files_in_the_order_of_the_dates_in_their_names(tmp_path: Path) -> None:
    for number, name in enumerate(("28-11-2023", "01-12-2023", "02-01-2024")):
        (tmp_path / f"{name}.csv").write_text(f"user,item\n1,{number}\n2,{number}\n")
    for place in (tmp_path, tmp_path / "*.csv"):
        log = read_log(TextSource(place), Reading())
        assert [item for _, item, *_ in rows_of(log)] == [0, 0, 1, 1, 2, 2]
        assert any("order of the dates" in note for note in log.findings.notes)


def test_lists_what_is_in_an_archive_of_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(events__csv=TEXT, items__csv="item,title\n7,A\n"))
    with pytest.raises(InputError, match="has 2 files of data") as caught:
        read_log(TextSource(tmp_path / "a.zip"), Reading())
    assert f"{tmp_path}/a.zip:events.csv" in caught.value.hint
    place = parse_place(f"{tmp_path}/a.zip:events.csv")
    assert rows_of(read_log(place, Reading())) == ROWS


def test_takes_the_parts_that_lie_beside_a_train_part(tmp_path: Path) -> None:
    for part, row in zip(("train", "valid", "test"), ROWS, strict=True):
        (tmp_path / f"x.{part}.csv").write_text(HEADER + ",".join(map(str, row)) + "\n")
    log = read_log(TextSource(tmp_path / "x.train.csv"), Reading())
    assert rows_of(log) == ROWS
    assert log.rows.parts is not None
    assert log.rows.parts.tolist() == [0, 1, 2]
    assert "lie beside it" in log.findings.notes[0]
    (tmp_path / "x.valid.csv").unlink()
    alone = read_log(TextSource(tmp_path / "x.train.csv"), Reading())
    assert rows_of(alone) == ROWS[:1]
    assert "--test" in alone.findings.notes[0]
    named = Reading(valid=tmp_path / "x.test.csv", test=tmp_path / "x.test.csv")
    assert len(rows_of(read_log(TextSource(tmp_path / "x.train.csv"), named))) == 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.mat", b"MATLAB 5.0 MAT-file", "is a MATLAB file"),
        ("a.feather", b"ARROW1\0\0", "is an Arrow or Feather file"),
        ("a.pkl", b"\x80\x04\x95 and so on", "is a Python pickle"),
        ("a.csv", b"<!DOCTYPE html><html>", "is a web page"),
        ("a.csv", b"user,item\n1,\x002\n", "line 2: a NUL byte"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"user,item\n", "has no interactions|has no rows"),
    ],
)
def test_says_what_is_none_of_ours(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_log(TextSource(tmp_path / name), Reading())
    assert caught.value.hint


def test_a_bad_byte_harms_only_who_uses_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("user,item,note\n1,a,£\n2,b,x\n".encode("latin-1"))
    log = read_log(TextSource(path), Reading())
    assert rows_of(log) == [(1, "a"), (2, "b")]
    path.write_bytes("user,item\n1,£\n2,b\n".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8") as caught:
        read_log(TextSource(path), Reading())
    assert "--encoding cp1252`" in caught.value.hint
    assert rows_of(read_log(TextSource(path), Reading(encoding="latin-1"))) == [(1, "£"), (2, "b")]
    with pytest.raises(InputError, match="there is no encoding `x`"):
        read_log(TextSource(path), Reading(encoding="x"))


def test_proposes_the_train_part_rather_than_what_lies_beside(tmp_path: Path) -> None:
    head = "user_id,item_id,time"
    for name, extra in (("dev", ",neg_items"), ("test", ",neg_items"), ("train", "")):
        rows = "".join(f"{n % 5},{n % 7},{n}{',[1]' * bool(extra)}\n" for n in range(40))
        (tmp_path / f"{name}.csv").write_text(f"{head}{extra}\n{rows}")
    (tmp_path / "item_meta.csv").write_text("item_id,category\n1,2\n")
    with pytest.raises(InputError, match="has 4 files of data") as caught:
        read_log(TextSource(tmp_path), Reading())
    assert "train.csv`" in caught.value.hint


def test_parts_whose_columns_are_in_another_order_are_told(tmp_path: Path) -> None:
    (tmp_path / "01.csv").write_text("card,plu,qty,date\n1,2,3,2023-01-01\n")
    (tmp_path / "02.csv").write_text("date,card,plu,qty\n2023-02-01,1,2,3\n")
    with pytest.raises(InputError, match="2 files of data") as caught:
        read_log(TextSource(tmp_path), Reading())
    assert "`01.csv` has the columns card, plu, qty, date, and `02.csv` date, card" in (
        caught.value.hint
    )
    (tmp_path / "02.csv").write_text("plu,name\n2,b\n")
    with pytest.raises(InputError, match="2 files of data") as caught:
        read_log(TextSource(tmp_path), Reading())
    assert caught.value.hint.startswith("name the one with the interactions")
