"""The editions of MovieLens, as folders, zip archives, or just their file of ratings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from seqrec_cli.core.data.reading.sources import TextSource, member_names, mode_of
from seqrec_cli.core.data.reading.tables import Table
from seqrec_cli.errors import InputError

FOUR = {"user": 0, "item": 1, "rating": 2, "time": 3}
TABLES: Mapping[str, Table | None] = MappingProxyType(
    {
        "u.data": Table("\t", 4, (), FOUR, quoted=False),  # type: ignore[arg-type]
        "ratings.dat": Table("::", 4, (), FOUR, quoted=False),  # type: ignore[arg-type]
        "ratings.csv": None,  # has a header
    }
)
ITEMS = {"u.data": "u.item", "ratings.dat": "movies.dat", "ratings.csv": "movies.csv"}
USERS = {"u.data": "u.user", "ratings.dat": "users.dat"}
LOGS = tuple(TABLES)


@dataclass(frozen=True)
class Edition:
    """A log, its layout where there is no header to tell it, and where items and users are."""

    log: TextSource
    table: Table | None
    items: TextSource | None
    users: TextSource | None

    @classmethod
    def of(cls, log: TextSource) -> "Edition":
        """The edition that a log called as in MovieLens is of."""
        name = log.filename
        users = log.sibling(USERS[name]) if name in USERS else None
        return cls(log, TABLES[name], log.sibling(ITEMS[name]), users)


def find(place: TextSource) -> Edition:
    """Find the log in a folder or an archive, and the items and users beside it.

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
    return Edition.of(place)


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
    members = [name for name in member_names(path) if not name.endswith("/")]
    # The shallowest, where a name is there more than once.
    by_name = {
        member.rpartition("/")[2]: member
        for member in sorted(members, key=lambda member: (-member.count("/"), member))
    }
    for name in LOGS:
        if name in by_name:
            return Edition.of(TextSource(path, by_name[name]))
    raise InputError(
        f"the archive `{path}` has none of {', '.join(LOGS)}",
        "unpack it and name the file with the interactions",
    )
