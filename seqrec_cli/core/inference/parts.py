"""Recommendations for many users, part by part: what is done stays when the command is stopped."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seqrec_cli.core.inference.export import check_output, write_recommendations
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.recommendation import Recommended
from seqrec_cli.core.storage import files, foreign

PART_USERS = 50_000  # a part: seconds to minutes
COPY_BYTES = 1 << 20

# The recommendations for the users from one number to another, with their labels.
Between = Callable[[int, int], Iterator[tuple[Any, Recommended]]]


class Parts:
    """The parts of an output file, each complete or absent, in a hidden folder beside it.

    Attributes:
        resumed: how many parts an earlier command with the same facts has left.
    """

    def __init__(self, path: Path, facts: dict[str, Any], labels: Sequence[Any]) -> None:
        """`facts` are all that the output depends on, beside the users.

        Raises:
            InputError: an unknown file extension.
            OutputError: the folder cannot be made.
        """
        check_output(path)
        self.path = path
        self.users = len(labels)
        self.folder = path.with_name(f".{path.name}.parts")
        told = json.dumps([facts, PART_USERS, [str(label) for label in labels]])
        self.facts = {"sha256": hashlib.sha256(told.encode()).hexdigest()}
        if self.known_facts() != self.facts:
            self.remove()
            files.write_json(self.folder / "facts.json", self.facts)
        files.remove_leftovers(self.folder)
        self.resumed = sum(self.part(start).exists() for start in self.starts())

    def known_facts(self) -> Any:
        """What an earlier command wrote here; None without one."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            return foreign.read_json(self.folder / "facts.json")
        return None

    def starts(self) -> range:
        """The first user of each part."""
        return range(0, self.users, PART_USERS)

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
        for start in self.starts():
            stop = min(start + PART_USERS, self.users)
            if not self.part(start).exists():
                write_recommendations(
                    self.part(start),
                    between(start, stop),
                    catalogue,
                    safe=safe,
                    with_header=start == 0,
                )
            advance(stop)
        size = 0
        files.remove_leftovers(self.path.parent, self.path.name)
        with files.atomic_writer(self.path) as whole:
            for start in self.starts():
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
