"""The editions of MovieLens, as folders, zip archives, or just their file of ratings."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from seqrec_cli.core.reading.sources import TextSource, mode_of
from seqrec_cli.core.reading.tables import Table
from seqrec_cli.errors import InputError

FOUR = {"user": 0, "item": 1, "rating": 2, "time": 3}
TABLES: Mapping[str, Table | None] = MappingProxyType(
    {
        "u.data": Table("\t", 4, (), FOUR, quoted=False),  # type: ignore[arg-type]
        "ratings.dat": Table("::", 4, (), FOUR, quoted=False),  # type: ignore[arg-type]
        "ratings.csv": None,  # has a header
    }
)
TITLES = {"u.data": "u.item", "ratings.dat": "movies.dat", "ratings.csv": "movies.csv"}
LOGS = tuple(TABLES)


@dataclass(frozen=True)
class Edition:
    """A log, its layout where there is no header to tell it, and where the titles are."""

    log: TextSource
    table: Table | None
    titles: TextSource | None


def find(place: TextSource) -> Edition:
    """Find the log in a folder or an archive, and the titles beside it.

    Raises:
        InputError: no such log, or a damaged archive.
    """
    if not place.member and place.path.is_dir():
        return find_in_folder(place.path)
    if not place.member and place.path.suffix == ".zip":
        return find_in_archive(place.path)
    name = place.filename
    if name not in TABLES:
        raise InputError(
            f"`{place}` is not a file of MovieLens", f"those are called {', '.join(LOGS)}"
        )
    return Edition(place, TABLES[name], place.sibling(TITLES[name]))


def find_in_folder(path: Path) -> Edition:
    for name in LOGS:
        for file in (path / name, path / f"{name}.gz"):
            if mode_of(file):
                return find(TextSource(file))
    raise InputError(
        f"the folder `{path}` has none of {', '.join(LOGS)}",
        "name the file with the interactions instead of the folder",
    )


def find_in_archive(path: Path) -> Edition:
    """Find the log in a zip archive, which is read where it is and never unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise InputError(
            f"`{path}` is a damaged zip archive: {error}",
            "it was cut short or altered on its way: fetch or make it again",
        ) from error
    # The shallowest, where a name is there more than once.
    by_name = {
        member.rpartition("/")[2]: member
        for member in sorted(members, key=lambda member: (-member.count("/"), member))
    }
    for name, table in TABLES.items():
        if name in by_name:
            log = TextSource(path, by_name[name])
            return Edition(log, table, log.sibling(TITLES[name]))
    raise InputError(
        f"the archive `{path}` has none of {', '.join(LOGS)}",
        "unpack it and name the file with the interactions",
    )
