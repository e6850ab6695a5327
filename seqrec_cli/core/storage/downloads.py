"""Downloads: https only, capped in size, resumable, verified before they are renamed."""

import contextlib
import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from seqrec_cli.core.storage import files, locks
from seqrec_cli.core.storage.text import is_digits
from seqrec_cli.errors import OutputError, SeqRecError

TIMEOUT = 15  # seconds without a byte
CHUNK = 1 << 18

# Sends a request and returns the response, as `OpenerDirector.open` does.
Opener = Callable[[urllib.request.Request], Any]


class DownloadError(SeqRecError):
    """A file could not be downloaded; the caller may try another source."""


@dataclass(frozen=True)
class Received:
    """Bytes downloaded so far, and in total (None: the server does not say)."""

    done: int
    total: int | None


class HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https addresses and refuses others."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        require_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def require_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise DownloadError(f"refused `{url}`, which is not an https address")


def secure_open(request: urllib.request.Request) -> Any:
    """Open an https request, following redirects to https only."""
    return urllib.request.build_opener(HttpsOnly).open(request, timeout=TIMEOUT)


def download(
    url: str, target: Path, md5: str, max_bytes: int, opener: Opener = secure_open
) -> Iterator[Received]:
    """Download `url` to `target`, resuming an earlier attempt.

    The bytes go to `target` + `.part`. That file stays when the connection breaks, and is renamed
    to `target` once it is complete and its MD5 is right; "" for `md5` skips that check.

    Raises:
        DownloadError: no connection, too large, interrupted, or the checksum is wrong.
        OutputError: the folder cannot be written, the disk is full, or another process downloads
            the same file.
    """
    require_https(url)
    part = target.with_name(f"{target.name}.part")
    lock = target.with_name(f".{target.name}.lock")
    wait = "wait until that download is done"
    with locks.exclusive(lock, OutputError, f"`{target}`", wait):
        try:
            yield from receive(url, part, max_bytes, opener)
            if md5 and (actual := file_md5(part)) != md5:
                files.disk.unlink(part)
                raise DownloadError(
                    f"the file from `{url}` has the MD5 {actual}, but {md5} is expected",
                    "try again; if that does not help, the file on the server has changed",
                )
            files.disk.rename(part, target)
            files.disk.sync_folder(target.parent)
        except OSError as error:
            raise files.cannot_write(part, error) from error


def receive(url: str, part: Path, max_bytes: int, opener: Opener) -> Iterator[Received]:
    """Download the bytes that `part` does not have yet."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "seqrec"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with connection(url, request, opener) as response:
        if done and response.status == 416:  # the server has no bytes after `done`
            files.disk.unlink(part)
            raise DownloadError(f"`{url}` has changed since its first part came", "try again")
        if response.status not in (200, 206):
            raise DownloadError(f"`{url}` answers {response.status}")
        require_https(response.url)
        resumed = response.status == 206 and starts_at(response.headers, done)
        if not resumed:
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and is_digits(length) else None
        if total is not None and total > max_bytes:
            raise too_large(url, total, max_bytes)
        if not resumed:
            files.disk.unlink(part)
        with files.disk.append(part) as file:
            while content := read(url, response):
                done += len(content)
                if done > max_bytes:
                    raise too_large(url, done, max_bytes)
                file.write(content)
                yield Received(done, total)
            files.disk.sync(file)
    if total is not None and done < total:
        raise broke_off(url, f"{done} of {total} bytes came")


@contextlib.contextmanager
def connection(url: str, request: urllib.request.Request, opener: Opener) -> Iterator[Any]:
    """The response to a request, closed at the end; an error status is a response too."""
    try:
        response = opener(request)
    except urllib.error.HTTPError as error:
        response = error  # has everything that a response has
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"cannot reach `{url}`: {reason}") from error
    with contextlib.closing(response):
        yield response


def read(url: str, response: Any) -> bytes:
    try:
        return cast(bytes, response.read(CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise broke_off(url, str(error)) from error


def broke_off(url: str, reason: str) -> DownloadError:
    return DownloadError(
        f"the download of `{url}` broke off: {reason}",
        "run the command again: it resumes where the download stopped",
    )


def too_large(url: str, size: int, most: int) -> DownloadError:
    return DownloadError(f"`{url}` sends {size} bytes or more, but at most {most} are expected")


def starts_at(headers: Any, start: int) -> bool:
    """Whether a partial response begins at byte `start`."""
    match = re.match(r"bytes ([0-9]+)-", headers.get("Content-Range") or "")
    return match is not None and int(match[1]) == start


def fetch_small(url: str, opener: Opener = secure_open, most: int = 1 << 16) -> bytes:
    """Download a small file into memory.

    Raises:
        DownloadError: it cannot be downloaded, or has more than `most` bytes.
    """
    require_https(url)
    with connection(url, urllib.request.Request(url), opener) as response:
        if response.status != 200:
            raise DownloadError(f"`{url}` answers {response.status}")
        content = cast(bytes, response.read(most + 1))
    if len(content) > most:
        raise too_large(url, len(content), most)
    return content


def file_md5(path: Path) -> str:
    """The MD5 of a file. It detects damage; https protects against forgery."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()
