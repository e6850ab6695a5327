"""Where named datasets are looked for, in which order, and what is said when they are nowhere."""

import errno
import hashlib
import io
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.data import public as datasets
from seqrec_cli.core.data.interactions import Reading
from seqrec_cli.core.data.public import (
    CATALOGUE,
    Found,
    NamedDataset,
    Step,
    Wheel,
    cache_folder,
    obtain,
    read_public,
)
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.downloads import DownloadError, Received
from seqrec_cli.errors import InputError, OutputError

INTER = "user_id:token\titem_id:token\n1\t10\n1\t11\n"
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\n10\tHeat\t1995\n11\tUp\t2009\n"


def archive(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), content)
    return buffer.getvalue()


ZIP = archive(
    x__u_data="1\t10\t3\t100\n1\t11\t4\t101\n", x__u_item="10|Heat (1995)\n11|Up (2009)\n"
)
WHEEL = archive(pack__x_inter=INTER, pack__x_item=ITEM)
NAMED = NamedDataset("x", "https://example.org/x.zip", hashlib.md5(ZIP).hexdigest(), 1 << 20)
WITH_WHEEL = replace(
    NAMED,
    wheel=Wheel("pack==1", "pack.whl", hashlib.sha256(WHEEL).hexdigest(), "pack/x.inter"),
)


class Response(io.BytesIO):
    status, url, headers = 200, "https://example.org/x.zip", {}


class Net:
    """Serves some addresses, and knows what it was asked for."""

    def __init__(self, **served: bytes) -> None:
        self.served, self.asked = served, []  # type: ignore[var-annotated]

    def __call__(self, request: Any) -> Response:
        name = request.full_url.rpartition("/")[2]
        self.asked.append(name)
        if name.replace(".", "_") not in self.served:
            raise OSError("no route to host")
        return Response(self.served[name.replace(".", "_")])


def packages(content: bytes | None) -> Any:
    def fetch(requirement: str, folder: Path) -> None:
        assert requirement == "pack==1"
        if content is None:
            raise DownloadError("pip cannot fetch pack==1: no index")
        (folder / "pack.whl").write_bytes(content)

    return fetch


def find(
    dataset: NamedDataset, tmp_path: Path, net: Net, package: bytes | None = None
) -> tuple[Found, list[Any]]:
    *events, found = obtain(dataset, tmp_path / "data", tmp_path / "cache", net, packages(package))
    assert isinstance(found, Found)
    return found, events


def test_takes_the_text_in_the_data_folder_first(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("1 1\n")
    net = Net()
    found, events = find(NAMED, tmp_path, net)
    assert found.source.path == tmp_path / "data" / "x.txt"
    assert found.filtered
    assert (events, net.asked) == ([], [])


def test_downloads_once_and_then_takes_the_cache(tmp_path: Path) -> None:
    net = Net(x_zip=ZIP)
    found, events = find(NAMED, tmp_path, net)
    assert isinstance(events[0], Step)
    assert isinstance(events[-1], Received)
    again, events = find(NAMED, tmp_path, net)
    assert again == found
    assert (events, net.asked) == ([], ["x.zip"])


def test_a_damaged_cache_is_fetched_anew(tmp_path: Path) -> None:
    net = Net(x_zip=ZIP)
    path = find(NAMED, tmp_path, net)[0].source.path
    path.write_bytes(ZIP[:-1] + b"x")
    find(NAMED, tmp_path, net)
    assert path.read_bytes() == ZIP
    assert net.asked == ["x.zip", "x.zip"]


def test_reads_the_archive_where_it_is(tmp_path: Path) -> None:
    found, _ = find(NAMED, tmp_path, Net(x_zip=ZIP))
    log = read_public(NAMED, found, Reading())
    assert log.item_titles is not None
    assert log.item_titles.tolist() == ["Heat (1995)", "Up (2009)"]
    assert log.origin.path == "https://example.org/x.zip"
    assert log.origin.titles == "x/u.item"
    assert log.origin.sha256 == hashlib.sha256(ZIP).hexdigest()
    assert "Harper & Konstan" in log.origin.licence
    assert str(tmp_path) not in repr(log.origin)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["x.zip"]


def test_falls_back_on_the_wheel(tmp_path: Path) -> None:
    found, events = find(WITH_WHEEL, tmp_path, Net(), WHEEL)
    assert "cannot reach `https://example.org/x.zip`" in events[-1].message
    assert "pack==1" in events[-1].message
    assert found.obtained == "the copy in the package pack==1"
    log = read_public(WITH_WHEEL, found, Reading())
    assert log.item_titles is not None
    assert log.item_titles.tolist() == ["Heat (1995)", "Up (2009)"]
    assert log.origin.path == "pack.whl:pack/x.inter"
    net = Net()
    assert find(WITH_WHEEL, tmp_path, net)[0] == found
    assert net.asked == []


def test_refuses_another_wheel(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the one expected: SHA-256"):
        find(WITH_WHEEL, tmp_path, Net(), WHEEL + b"x")
    assert not (tmp_path / "cache" / "pack.whl").exists()


def test_says_what_to_fetch_and_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find(WITH_WHEEL, tmp_path, Net())
    message, hint = caught.value.message, caught.value.hint
    assert message.startswith("cannot get the dataset x: cannot reach `https://example.org/x.zip`")
    assert "pip cannot fetch pack==1: no index" in message
    assert "download https://example.org/x.zip and put it at" in hint
    assert str(tmp_path / "cache" / "x.zip") in hint
    assert str(tmp_path / "data" / "x.txt") in hint


@pytest.mark.parametrize("net", [Net(x_zip=ZIP), Net()], ids=["archive", "wheel"])
def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, net: Net
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.disk, "sync_folder", refuse)
    with pytest.raises(OutputError, match="cannot write") as caught:
        find(WITH_WHEEL, tmp_path, net, WHEEL)
    assert caught.value.hint.startswith("check the permissions of")
    assert "`SEQREC_CACHE`" in caught.value.hint


@pytest.mark.parametrize("call", ["stat", "open"])
def test_a_cache_that_cannot_be_searched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    find(NAMED, tmp_path, Net(x_zip=ZIP))

    def refuse(path: Path, *args: Any, **options: Any) -> Any:
        if path.parent.name == "cache":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return original(path, *args, **options)

    original = getattr(Path, call)
    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(OutputError, match="Permission denied") as caught:
        find(WITH_WHEEL, tmp_path, Net(x_zip=ZIP))
    assert "check the permissions of" in caught.value.hint
    assert "`SEQREC_CACHE`" in caught.value.hint


def test_takes_a_checksum_published_beside_the_archive(tmp_path: Path) -> None:
    unknown = replace(NAMED, md5="")
    published = f"MD5 (x.zip) = {'0' * 32}\n".encode()
    with pytest.raises(InputError, match="has the MD5"):
        find(unknown, tmp_path, Net(x_zip=ZIP, x_zip_md5=published))
    find(unknown, tmp_path, Net(x_zip=ZIP, x_zip_md5=f"{NAMED.md5}  x.zip\n".encode()))


def test_does_without_a_checksum_where_none_is_published(tmp_path: Path) -> None:
    unknown = replace(NAMED, md5="")
    with pytest.raises(InputError, match="is not a zip archive"):
        find(unknown, tmp_path, Net(x_zip=b"<html>"))
    find(unknown, tmp_path, Net(x_zip=ZIP))


def test_pip_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(DownloadError, match="pip cannot download pack==1"):
        datasets.pip_download("pack==1", tmp_path)


def test_the_cache_is_where_the_system_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("SEQREC_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert cache_folder() == Path("/c/seqrec")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "seqrec"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "seqrec"
    monkeypatch.setenv("SEQREC_CACHE", "/d")
    assert cache_folder() == Path("/d")


def test_the_catalogue_is_complete() -> None:
    assert list(CATALOGUE) == ["ml-100k", "ml-1m", "ml-20m", "ml-25m", "ml-32m", "ml-latest-small"]
    for name, dataset in CATALOGUE.items():
        assert dataset.url == f"https://files.grouplens.org/datasets/movielens/{name}.zip"
        assert len(dataset.md5) == (0 if name == "ml-latest-small" else 32)
        assert "redistribution" in dataset.licence


def test_files_knows_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
