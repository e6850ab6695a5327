"""Recommendations for many users, part by part: what is done stays when the command is stopped."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.inference.export import check_output, write_recommendations
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.recommendation import STREAM_USERS, Recommended
from seqrec_cli.core.storage import files, foreign

# A part: seconds to minutes. Histories are scored in groups of STREAM_USERS, and a part has whole
# ones, so that parts of any size give the bytes of one.
PART_USERS = 24 * STREAM_USERS
COPY_BYTES = 1 << 20

# The recommendations for the users from one number to another, with their labels.
Between = Callable[[int, int], Iterator[tuple[Any, Recommended]]]


class Parts:
    """The parts of an output file, each complete or absent, in a hidden folder beside it.

    Attributes:
        resumed: how many parts an earlier command with the same facts has left.
    """

    def __init__(
        self,
        path: Path,
        facts: dict[str, Any],
        labels: Sequence[Any],
        known: NDArray[np.bool_],
        size: int | None = None,
    ) -> None:
        """`facts` are all that the output depends on, beside the users; `known`, bool (users,),
        says who has a history; a part has `size` of those, or PART_USERS.

        Raises:
            InputError: an unknown file extension.
            OutputError: the folder cannot be made.
        """
        check_output(path)
        self.path = path
        self.users = len(labels)
        size = size or PART_USERS
        self.starts = [0, *np.flatnonzero(known)[size::size].tolist()]
        self.folder = path.with_name(f".{path.name}.parts")
        told = json.dumps([facts, size, [str(label) for label in labels]])
        self.facts = {"sha256": hashlib.sha256(told.encode()).hexdigest()}
        if self.known_facts() != self.facts:
            self.remove()
            files.write_json(self.folder / "facts.json", self.facts)
        files.remove_leftovers(self.folder)
        self.resumed = len(self.starts) - len(self.missing())

    def known_facts(self) -> Any:
        """What an earlier command wrote here; None without one."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            return foreign.read_json(self.folder / "facts.json")
        return None

    def bounds(self) -> list[tuple[int, int]]:
        """The first user of each part, and the first of the next."""
        return list(zip(self.starts, [*self.starts[1:], self.users], strict=True))

    def missing(self) -> list[tuple[int, int]]:
        """Those of the parts that are not there."""
        return [(start, stop) for start, stop in self.bounds() if not self.part(start).exists()]

    def part(self, start: int) -> Path:
        return self.folder / f"{start:012}{self.path.suffix}"

    def write(
        self,
        between: Between,
        catalogue: Catalogue,
        advance: Callable[[int], None],
        *,
        safe: bool = False,
    ) -> int:
        """Write the parts that are missing, then the whole file; returns how many bytes it has.

        `safe` is as of `write_recommendations`.
        """
        for start, stop in self.bounds():
            if not self.part(start).exists():
                write_part(self.part(start), between(start, stop), catalogue, safe=safe)
            advance(stop)
        return self.join()

    def join(self) -> int:
        """Write the whole file of all parts, and remove them; returns how many bytes it has."""
        size = 0
        files.remove_leftovers(self.path.parent, self.path.name)
        with files.atomic_writer(self.path) as whole:
            for start in self.starts:
                with foreign.open_regular(self.part(start)) as part:
                    while content := part.read(COPY_BYTES):
                        size += whole.write(content)
        self.remove()
        return size

    def remove(self) -> None:
        """Remove the folder with all parts of ours."""
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                files.disk.unlink(path)
            files.disk.remove_folder(self.folder)


def write_part(
    path: Path, pairs: Iterable[tuple[Any, Recommended]], catalogue: Catalogue, *, safe: bool
) -> None:
    """Write the part of this name; that of the first users begins with the names of columns."""
    first = not int(path.stem)
    write_recommendations(path, pairs, catalogue, safe=safe, with_header=first)
