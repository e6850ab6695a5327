"""RecBole's atomic files: tab-separated, with a typed header such as `user_id:token`."""

from collections.abc import Mapping

from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import (
    Role,
    Table,
    cannot_tell,
    find_columns,
    guess_by_name,
)
from seqrec_cli.errors import InputError

LOG_ROLES: tuple[Role, ...] = ("user", "item", "time", "rating")


def lay_out(
    source: TextSource,
    chosen: Mapping[Role, str],
    needed: tuple[Role, ...] = ("user", "item"),
    roles: tuple[Role, ...] = LOG_ROLES,
) -> Table:
    """Read the typed header of an atomic file."""
    lines = source.head()
    if not lines or not lines[0].strip():
        raise InputError(f"`{source}` is empty", "it must begin with a header")
    fields = lines[0].split("\t")
    if not all(":" in name for name in fields):
        raise InputError(
            f"`{source}`, line 1: not the header of a RecBole file, as in `user_id:token`",
            "for any other delimited text, add `--format delimited`",
        )
    names = tuple(name.partition(":")[0] for name in fields)
    columns = find_columns(source, chosen, names, names) if chosen else guess_by_name(names, roles)
    if missing := [role for role in needed if role not in columns]:
        raise cannot_tell(source, names, True, missing, needed)
    return Table("\t", len(names), names, columns, quoted=False)


def types_of(source: TextSource) -> dict[str, str]:
    """The type of each column of an atomic file: token, token_seq, float, float_seq."""
    fields = source.head()[0].split("\t")
    return {name: kind for name, _, kind in (field.partition(":") for field in fields)}


def users_beside(log: TextSource) -> TextSource | None:
    """The `.user` of an `.inter`, if it is there."""
    name = log.filename.removesuffix(".inter")
    return log.sibling(f"{name}.user") or log.sibling(f"{name}.user.gz")


def titles_beside(log: TextSource) -> TextSource | None:
    """The `.item` of an `.inter`, if it is there and has titles."""
    name = log.filename.removesuffix(".inter")
    source = log.sibling(f"{name}.item") or log.sibling(f"{name}.item.gz")
    if source is None:
        return None
    names = [field.partition(":")[0] for line in source.head()[:1] for field in line.split("\t")]
    return source if len(guess_by_name(names, ("item", "title"))) == 2 else None
