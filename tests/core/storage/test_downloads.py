"""A download is whole and verified, or it is not there under its name."""

import email.message
import hashlib
import http.client
import io
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.storage.downloads import (
    DownloadError,
    HttpsOnly,
    Received,
    download,
    fetch_small,
    secure_open,
)
from seqrec_cli.errors import OutputError

URL = "https://example.org/a.zip"
CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Response(io.BytesIO):
    def __init__(self, content: bytes, status: int = 200, url: str = URL, **headers: str) -> None:
        super().__init__(content)
        self.status = status
        self.url = url
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Server:
    """Serves bytes from memory, and breaks off where it is told to."""

    def __init__(self, content: bytes = CONTENT, breaks_after: int = 0, ranges: bool = True):
        self.content, self.breaks_after, self.ranges = content, breaks_after, ranges
        self.requests: list[urllib.request.Request] = []

    def __call__(self, request: urllib.request.Request) -> Any:
        self.requests.append(request)
        asked = request.get_header("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        if asked and self.ranges and start >= len(self.content):
            headers = email.message.Message()
            raise urllib.error.HTTPError(request.full_url, 416, "no", headers, io.BytesIO())
        body = self.content[start:]
        headers = {"Content_Length": str(len(body))}
        if asked and self.ranges:
            headers["Content_Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        if self.breaks_after:
            body = body[: self.breaks_after]
        return Response(body, 206 if asked and self.ranges else 200, **headers)


def fetch(target: Path, server: Any, md5: str = MD5, most: int = 1 << 22) -> list[Received]:
    return list(download(URL, target, md5, most, server))


def test_downloads_and_verifies(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "a.zip"
    events = fetch(target, Server())
    assert target.read_bytes() == CONTENT
    assert events[-1] == Received(len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_goes_on_where_it_broke_off(tmp_path: Path, ranges: bool) -> None:
    target = tmp_path / "a.zip"
    with pytest.raises(DownloadError, match=r"broke off: 300000 of 1024000 bytes came") as caught:
        fetch(target, Server(breaks_after=300_000))
    assert "resumes where the download stopped" in caught.value.hint
    assert not target.exists()
    server = Server(ranges=ranges)
    events = fetch(target, server)
    assert server.requests[0].get_header("Range") == "bytes=300000-"
    assert events[0].done > (300_000 if ranges else 0)
    assert target.read_bytes() == CONTENT


def test_stops_when_nobody_listens_and_goes_on_later(tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    events = download(URL, target, MD5, 1 << 22, Server())
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert not target.exists()
    fetch(target, Server())
    assert target.read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has the MD5 .*, but {MD5} is expected"):
        fetch(tmp_path / "a.zip", Server(CONTENT[::-1]))
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_something_else_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="MD5"):
        fetch(tmp_path / "a.zip", Server())
    fetch(tmp_path / "a.zip", Server())
    (tmp_path / "b.zip.part").write_bytes(b"x" * (len(CONTENT) + 1))
    with pytest.raises(DownloadError, match="changed since"):
        fetch(tmp_path / "b.zip", Server())
    assert not (tmp_path / "b.zip.part").exists()


@pytest.mark.parametrize("announced", [True, False])
def test_refuses_what_is_too_large(tmp_path: Path, announced: bool) -> None:
    def opener(request: urllib.request.Request) -> Response:
        return Response(CONTENT, **({"Content_Length": str(len(CONTENT))} if announced else {}))

    with pytest.raises(DownloadError, match="at most 1000 are expected"):
        fetch(tmp_path / "a.zip", opener, most=1000)
    assert not (tmp_path / "a.zip").exists()


def test_refuses_addresses_that_are_not_https(tmp_path: Path) -> None:
    for url in ("http://example.org/a.zip", "file:///etc/passwd", "ftp://example.org/a"):
        with pytest.raises(DownloadError, match="not an https address"):
            list(download(url, tmp_path / "a", MD5, 1000, Server()))
        with pytest.raises(DownloadError, match="not an https address"):
            fetch_small(url, Server())


def test_refuses_a_redirect_to_http() -> None:
    class Redirecting(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            headers = http.client.HTTPMessage()
            headers["Location"] = "http://example.org/b.zip"
            response = urllib.request.addinfourl(io.BytesIO(), headers, URL, 302)
            response.msg = "Found"  # type: ignore[attr-defined]
            return response

    opener = urllib.request.build_opener(HttpsOnly, Redirecting)
    with pytest.raises(DownloadError, match=r"refused `http://example\.org/b\.zip`"):
        opener.open(urllib.request.Request(URL))


def test_refuses_an_answer_from_an_http_address(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="refused `http:"):
        fetch(tmp_path / "a.zip", lambda request: Response(CONTENT, url="http://example.org/a.zip"))


@pytest.mark.parametrize(
    "error",
    [urllib.error.URLError("no route"), TimeoutError("timed out"), http.client.BadStatusLine("x")],
)
def test_says_when_there_is_no_connection(tmp_path: Path, error: Exception) -> None:
    def opener(request: urllib.request.Request) -> Any:
        raise error

    with pytest.raises(DownloadError, match=r"cannot reach `https://example\.org/a\.zip`"):
        fetch(tmp_path / "a.zip", opener)


def test_says_when_the_server_refuses(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="answers 404"):
        fetch(tmp_path / "a.zip", lambda request: Response(b"", 404))


def test_says_when_the_connection_breaks_while_reading(tmp_path: Path) -> None:
    class Breaking(Response):
        def read(self, size: int | None = -1) -> bytes:
            raise http.client.IncompleteRead(b"")

    with pytest.raises(DownloadError, match="broke off"):
        fetch(tmp_path / "a.zip", lambda request: Breaking(b""))


def test_says_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(OutputError, match="cannot write"):
        fetch(tmp_path / "cache" / "a.zip", Server())


def test_a_second_download_of_the_same_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    events = download(URL, target, MD5, 1 << 22, Server())
    next(events)
    with pytest.raises(OutputError, match=r"a\.zip` is being written by process [0-9]+"):
        fetch(target, Server())
    list(events)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_fetches_small_files_only() -> None:
    assert fetch_small(URL, lambda request: Response(b"abc")) == b"abc"
    with pytest.raises(DownloadError, match="at most 10"):
        fetch_small(URL, lambda request: Response(b"x" * 11), most=10)


def test_the_real_opener_says_when_nobody_answers() -> None:
    with pytest.raises(urllib.error.URLError):
        secure_open(urllib.request.Request("https://localhost:1/"))
