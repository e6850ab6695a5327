"""Streams of bytes: packed or not, of a file or a member, never more than they may be."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.sources import (
    TextSource,
    check_source,
    is_tar,
    member_names,
    natural,
    parse_place,
)
from seqrec_cli.errors import InputError

TEXT = b"1,2\n" * 1000


def whole(source: TextSource) -> bytes:
    with source.blocks() as blocks:
        return b"".join(blocks)


@given(
    st.lists(st.integers(0, 10**9), max_size=9), st.sampled_from(["part-{}", "{}", "p{:05}-c000"])
)
def test_numbers_in_names_sort_as_numbers(numbers: list[int], form: str) -> None:
    names = [form.format(number) for number in numbers]
    assert sorted(names, key=natural) == [form.format(number) for number in sorted(numbers)]


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_names_can_be_sorted(one: str, other: str) -> None:
    assert (natural(one) < natural(other)) or (natural(one) >= natural(other))


@pytest.mark.parametrize("name", ["²", "٣", "1" * 5000, "a1²b" + "0" * 5000])
def test_odd_numbers_in_names_are_no_trouble(name: str) -> None:
    assert natural(name) == natural(name)


def test_a_place_is_a_file_before_it_is_a_member(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    assert parse_place(f"{tmp_path}/a.zip:b.csv") == TextSource(tmp_path / "a.zip", "b.csv")
    assert str(parse_place(f"{tmp_path}/a.zip:b.csv")) == f"{tmp_path}/a.zip:b.csv"
    (tmp_path / "a.zip:b.csv").write_bytes(b"")
    assert parse_place(f"{tmp_path}/a.zip:b.csv") == TextSource(tmp_path / "a.zip:b.csv")
    assert parse_place("nowhere:b.csv") == TextSource(Path("nowhere:b.csv"))


def test_a_packed_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(TEXT))
    source = TextSource(path)
    assert source.packing() == "gz"
    assert whole(source) == TEXT
    assert source.head(3) == b"1,2"
    assert TextSource(tmp_path / "b.csv.gz").filename == "b.csv"


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_members_of_tar_are_streams(tmp_path: Path, packing: str) -> None:
    """Links, devices and folders in it are no files, whatever they are called."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, kind, target in (
            ("passwd.csv", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard.csv", tarfile.LNKTYPE, "../../etc/passwd"),
            ("zero.csv", tarfile.CHRTYPE, ""),
            ("pipe.csv", tarfile.FIFOTYPE, ""),
            ("folder.csv", tarfile.DIRTYPE, ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
        entry = tarfile.TarInfo("../../out.csv")
        entry.size = len(TEXT)
        archive.addfile(entry, io.BytesIO(TEXT))
    assert is_tar(path)
    assert member_names(path) == ["../../out.csv"]
    assert whole(TextSource(path, "../../out.csv")) == TEXT
    with pytest.raises(InputError, match=r"there is no `passwd\.csv` in"):
        TextSource(path, "passwd.csv").head()
    assert [each.name for each in tmp_path.iterdir()] == ["a.tar"]


def test_a_file_beside_is_found_in_a_folder_and_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("ml/u.data", "")
        archive.writestr("ml/u.item", "")
    (tmp_path / "u.item").write_text("")
    assert TextSource(tmp_path / "u.data").sibling("u.item") == TextSource(tmp_path / "u.item")
    assert TextSource(tmp_path / "u.data").sibling("u" * 300) is None
    member = TextSource(tmp_path / "a.zip", "ml/u.data")
    assert member.sibling("u.item") == TextSource(tmp_path / "a.zip", "ml/u.item")
    assert member.sibling("u.user") is None


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_a_device_is_no_source(path: str) -> None:
    if Path(path).exists():
        with pytest.raises(InputError, match="is not a regular file"):
            check_source(Path(path))
