"""Known files without a header, and what lies beside a log, by name."""

import zipfile
from pathlib import Path

import pytest

from seqrec_cli.core.data.reading.sources import parse_place
from tests.core.data.logs import ROWS, lines, read, rows_of, written
from tests.core.data.reading.samples import folder, parsed
from tests.core.data.reading.test_logs import COMMANDS


def test_reads_a_movielens_folder_and_its_zip(tmp_path: Path) -> None:
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ratings.dat").write_text(lines("::"))
    (folder / "movies.dat").write_bytes(
        "10::Misérables, Les (1995)::Drama\n99::X::Y\n".encode("latin-1")
    )
    archive = tmp_path / "ml-1m.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(folder / "ratings.dat", "ml-1m/ratings.dat")
        file.write(folder / "movies.dat", "ml-1m/movies.dat")
    for path in (folder, archive, folder / "ratings.dat"):
        log = read(path)
        assert rows_of(log) == ROWS
        assert log.item_titles is not None
        assert log.item_titles.tolist() == ["Misérables, Les (1995)", ""]


def test_reads_titles_of_an_inter(tmp_path: Path) -> None:
    written(
        tmp_path,
        "item_id:token\tmovie_title:token_seq\trelease_year:token\n10\tHeat\t1995\n",
        "a.item",
    )
    path = written(tmp_path, "user_id:token\titem_id:token\n1\t10\n1\t11\n", "a.inter")
    log = read(path)
    assert log.item_titles is not None
    assert log.item_titles.tolist() == ["Heat (1995)", ""]


def test_needs_no_room_for_the_name_of_a_file_with_titles(tmp_path: Path) -> None:
    content = "user_id:token\titem_id:token\n1\t10\n"
    log = read(written(tmp_path, content, "x" * 249 + ".inter"))  # `.item.gz` would be too long
    assert log.item_titles is None


@pytest.mark.skipif(not COMMANDS, reason="SEQREC_DATASETS is not set")
def test_names_a_file_beside_that_is_of_the_same_log(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqrec_cli.core.data.reading.log import read_log

    found = folder()
    assert found is not None
    monkeypatch.chdir(found / "two_files")
    places, reading = parsed("jan.csv")
    (note,) = read_log(parse_place(places[0]), reading).findings.notes
    assert "1 more file beside it has the same columns" in note
    assert "`seqrec prepare .`" in note
