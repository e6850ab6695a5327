"""The named public datasets: source, checksum, licence, and how to get them."""

import contextlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seqrec_cli.core.data.interactions import Interactions, Reading, read_interactions
from seqrec_cli.core.data.reading.sources import TextSource, mode_of
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.downloads import (
    DownloadError,
    Opener,
    Received,
    download,
    fetch_small,
    file_md5,
    secure_open,
)
from seqrec_cli.core.storage.temporary import private_folder
from seqrec_cli.errors import InputError, OutputError

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
MOVIELENS_LICENCE = (
    "MovieLens, GroupLens Research: for research, not for redistribution or commerce; cite "
    "Harper & Konstan 2015, The MovieLens Datasets, ACM TiiS 5(4), doi:10.1145/2827872"
)


@dataclass(frozen=True)
class Wheel:
    """A package of the Python index that contains a dataset."""

    requirement: str
    filename: str
    sha256: str
    member: str


@dataclass(frozen=True)
class NamedDataset:
    """A public dataset with a name.

    Attributes:
        md5: of the archive; "" if the archive is republished from time to time.
        max_bytes: the largest size of the archive that is accepted.
        wheel: another source.
        min_user_count, min_item_count: the filters of the literature.
    """

    name: str
    url: str
    md5: str
    max_bytes: int
    wheel: Wheel | None = None
    licence: str = MOVIELENS_LICENCE
    min_user_count: int = 5
    min_item_count: int = 5

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]


def movielens(name: str, md5: str, megabytes: int, wheel: Wheel | None = None) -> NamedDataset:
    return NamedDataset(name, f"{GROUPLENS}/{name}.zip", md5, megabytes << 20, wheel)


RECBOLE = Wheel(
    "recbole==1.2.1",
    "recbole-1.2.1-py3-none-any.whl",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    "recbole/dataset_example/ml-100k/ml-100k.inter",
)
CATALOGUE = {
    dataset.name: dataset
    for dataset in (
        movielens("ml-100k", "0e33842e24a9c977be4e0107933c0723", 10, RECBOLE),
        movielens("ml-1m", "c4d9eecfca2ab87c1945afe126590906", 12),
        movielens("ml-20m", "cd245b17a1ae2cc31bb14903e1204af3", 400),
        movielens("ml-25m", "6b51fb2759a8657d3bfcbfc42b592ada", 500),
        movielens("ml-32m", "d472be332d4daa821edc399621853b57", 500),
        movielens("ml-latest-small", "", 10),
    )
}


@dataclass(frozen=True)
class Step:
    """A step of obtaining a dataset, in words."""

    message: str


@dataclass(frozen=True)
class Found:
    """A named dataset is available.

    Attributes:
        source: the file to read.
        address: its name in the manifest, the same on every machine.
        obtained: where it came from, in words.
        filtered: whether the filters of the literature are applied already.
    """

    source: TextSource
    address: str
    obtained: str
    filtered: bool = False


Event = Step | Received | Found
PackageFetcher = Callable[[str, Path], None]


def cache_folder() -> Path:
    """The folder of downloads: SEQREC_CACHE, or the cache folder of this system."""
    if chosen := os.environ.get("SEQREC_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "seqrec"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "seqrec" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqrec"


def pip_download(requirement: str, folder: Path) -> None:
    """Download one package with pip, without installing anything.

    Raises:
        DownloadError: pip is missing, or cannot download it.
    """
    command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder)]
    command += ["--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DownloadError(f"pip cannot download {requirement}: {error}") from error
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DownloadError(f"pip cannot download {requirement}: {last}")


def obtain(
    dataset: NamedDataset,
    data_dir: Path,
    cache: Path | None = None,
    opener: Opener = secure_open,
    fetch_package: PackageFetcher = pip_download,
) -> Iterator[Event]:
    """Find a named dataset or download it; the last event is `Found`.

    It is searched as `NAME.txt` in `data_dir` (the text format of SASRec), and in the cache.

    Raises:
        InputError: not available; the hint names the file to download and where to put it.
        OutputError: the cache cannot be written.
    """
    cache = cache or cache_folder()
    text = data_dir / f"{dataset.name}.txt"
    if mode_of(text):
        yield Found(TextSource(text), str(text), f"the file {text}", filtered=True)
        return
    archive = cache / dataset.filename
    wheel = dataset.wheel
    if is_intact(archive, dataset.md5):
        yield found_archive(dataset, archive)
        return
    if wheel and wheel_is_intact(cache, wheel):
        yield found_wheel(cache, wheel)
        return
    reasons = []
    try:
        yield Step(f"downloading {dataset.url}")
        with naming_the_cache():
            yield from download(
                dataset.url, archive, checksum(dataset, opener), dataset.max_bytes, opener
            )
        if is_intact(archive, dataset.md5):
            yield found_archive(dataset, archive)
            return
        reasons.append(f"`{dataset.url}` is not a zip archive")
    except DownloadError as error:
        reasons.append(error.message)
    if wheel:
        try:
            yield Step(f"{reasons[-1]}; trying the copy in the package {wheel.requirement}")
            with naming_the_cache():
                keep_wheel(cache, wheel, fetch_package)
            yield found_wheel(cache, wheel)
            return
        except DownloadError as error:
            reasons.append(error.message)
    raise InputError(
        f"cannot get the dataset {dataset.name}: {'; '.join(reasons)}",
        f"download {dataset.url} and put it at `{archive}`, or put SASRec's text at `{text}`",
    )


@contextlib.contextmanager
def naming_the_cache() -> Iterator[None]:
    """Add to an error of writing how to choose another cache."""
    try:
        yield
    except OutputError as error:
        raise OutputError(
            error.message, f"{error.hint}: set `SEQREC_CACHE` to another folder for downloads"
        ) from error


def found_archive(dataset: NamedDataset, archive: Path) -> Found:
    return Found(TextSource(archive), dataset.url, "the archive of GroupLens")


def found_wheel(cache: Path, wheel: Wheel) -> Found:
    return Found(
        TextSource(cache / wheel.filename, wheel.member),
        f"{wheel.filename}:{wheel.member}",
        f"the copy in the package {wheel.requirement}",
    )


def is_intact(archive: Path, md5: str) -> bool:
    """Whether the archive exists and is the expected one."""
    # An unreadable file counts as missing: the download then reports the problem.
    with contextlib.suppress(OSError):
        if archive.is_file():
            return file_md5(archive) == md5 if md5 else zipfile.is_zipfile(archive)
    return False


def checksum(dataset: NamedDataset, opener: Opener) -> str:
    """The MD5 in the catalogue, or the one published beside the archive, or "".

    Without an MD5, https protects the download and the zip's checksums detect damage; the manifest
    records the SHA-256.
    """
    if dataset.md5:
        return dataset.md5
    try:
        content = fetch_small(f"{dataset.url}.md5", opener)
    except DownloadError:
        return ""
    match = re.search(rb"\b[0-9a-fA-F]{32}\b", content)
    return match[0].decode().lower() if match else ""


def wheel_is_intact(cache: Path, wheel: Wheel) -> bool:
    path = cache / wheel.filename
    with contextlib.suppress(OSError):
        return path.is_file() and files.sha256(path) == wheel.sha256
    return False


def keep_wheel(cache: Path, wheel: Wheel, fetch_package: PackageFetcher) -> None:
    """Download the wheel, verify it, and put it into the cache; none of its code is run."""
    with private_folder() as folder:
        fetch_package(wheel.requirement, folder.path)
        path = folder.path / wheel.filename
        if not wheel_is_intact(folder.path, wheel):
            actual = files.sha256(path) if path.is_file() else "no such file"
            raise DownloadError(
                f"the package {wheel.requirement} is not the one expected: SHA-256 {actual}"
            )
        files.write_bytes(cache / wheel.filename, path.read_bytes())


def read_public(dataset: NamedDataset, found: Found, reading: Reading) -> Interactions:
    """Read a named dataset that `obtain` found."""
    interactions = read_interactions(found.source, reading)
    origin = replace(
        interactions.origin,
        path=found.address,
        obtained=found.obtained,
        licence=dataset.licence,
    )
    users, items = interactions.user_attributes, interactions.item_attributes
    # Members of the archive have the same name on every machine.
    if not reading.items:
        origin = replace(origin, titles=origin.titles.rpartition(":")[2])
        items = items and replace(items, source=items.source.rpartition(":")[2])
    if not reading.users:
        users = users and replace(users, source=users.source.rpartition(":")[2])
    return replace(interactions, origin=origin, user_attributes=users, item_attributes=items)
