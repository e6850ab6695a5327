"""The version of a file format: read first, so that a newer file is refused with one message."""

from collections.abc import Mapping
from typing import Any

from seqrec_cli.errors import SeqRecError


def check_version(
    content: Mapping[str, Any],
    known: int,
    what: str,
    error: type[SeqRecError],
    *,
    key: str = "manifest_version",
    made_by: str = "seqrec_version",
) -> int:
    """The format version that a manifest states, or 1 if it states none.

    Args:
        known: the newest version that this seqrec reads.
        what: how the message names the file.
        made_by: the key of the seqrec version in the manifest.

    Raises:
        error: the version is newer than `known`, or not a version.
    """
    version = content.get(key, 1)
    if type(version) is not int or version < 1:
        raise error(f"{what} has the invalid format version `{version}`", "write it again")
    if version > known:
        maker = content.get(made_by)
        name = f"seqrec {maker}" if isinstance(maker, str) and maker else "a newer seqrec"
        raise error(
            f"{what} was made by {name}: its format has version {version}, and this seqrec reads "
            f"versions up to {known}",
            "update seqrec",
        )
    return version
