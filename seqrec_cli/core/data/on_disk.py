"""Tasks that this process does itself, one after the other, with all cores; the rows that one gives
to another lie on the disk in between, so that memory has those of one task alone."""

import contextlib
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqrec_cli.core.data.ordering import COLUMNS, Rows
from seqrec_cli.core.storage import files, foreign
from seqrec_cli.core.storage.mapped import map_npz, write_npz
from seqrec_cli.core.storage.temporary import PrivateFolder, private_folder


class KeptRows:
    """Rows in a file, which goes with the last who knows of it."""

    def __init__(self, folder: PrivateFolder, rows: Rows) -> None:
        columns = {name: getattr(rows, name) for name in COLUMNS}
        with folder.new_file(".npz") as copy:
            there = {name: each for name, each in columns.items() if each is not None}
            write_npz(copy.file, there, aligned=True)
        self.path = copy.path
        self.gone = weakref.finalize(self, remove_quietly, copy.path)

    def load(self) -> Rows:
        """The rows, mapped: they cannot be written to."""
        with foreign.open_regular(self.path) as file:
            columns: dict[str, Any] = dict(map_npz(self.path, file))
            return Rows(**columns)


def remove_quietly(path: Path) -> None:
    """Remove a file, if it can be; what stays goes with its folder."""
    with contextlib.suppress(OSError):
        files.disk.unlink(path)


@dataclass(frozen=True)
class DiskTask:
    """A function whose rows are kept in a folder; `remote` does it at once, as if handed over."""

    folder: PrivateFolder
    work: Callable[..., Any]
    results: int = 1

    def remote(self, *arguments: Any) -> Any:
        """Do it; its result, or the list of its results."""
        made = self.work(*(loaded(each) for each in arguments))
        if self.results == 1:
            return self.kept(made)
        return [self.kept(each) for each in made]

    def kept(self, value: Any) -> Any:
        """Rows in a file, anything else as it is."""
        return KeptRows(self.folder, value) if isinstance(value, Rows) else value


def loaded(value: Any) -> Any:
    """What a task is given for what another has made."""
    return value.load() if isinstance(value, KeptRows) else value


class DiskTasks:
    """Tasks of this process."""

    name = "disk"

    def __init__(self, folder: PrivateFolder) -> None:
        self.folder = folder

    def task(self, work: Callable[..., Any], results: int = 1) -> DiskTask:
        """A function as a task with that many results; its `remote` does it."""
        return DiskTask(self.folder, work, results)

    def put(self, value: Any) -> Any:
        """A value that many tasks are given."""
        return value

    def get(self, results: Any) -> Any:
        """The result of a task, or of several."""
        return [loaded(each) for each in results] if isinstance(results, list) else loaded(results)


@contextlib.contextmanager
def opened_disk() -> Iterator[DiskTasks]:
    """Tasks of this process, with a private folder while the block runs.

    Raises:
        OutputError: none can be made, or the disk is full.
    """
    with private_folder() as folder:
        yield DiskTasks(folder)
