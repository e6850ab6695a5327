"""DuckDB as the embedded engine: opened for named files alone, with bounds on memory and disk.

Whatever a file holds, the engine opens no other file, loads no extension and writes nowhere but
into a private folder, which is gone when the engine is closed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.pieces import each_piece
from seqrec_cli.core.storage.memory import available_cores, total_memory
from seqrec_cli.core.storage.temporary import PrivateFolder, private_folder
from seqrec_cli.errors import InputError

Answer = TypeVar("Answer")

SMALL_FILE = 64 << 20
SMALL_MEMORY = 384 << 20  # what a small file may take, before anything is known of it
LARGE_MEMORY_SHARE = 0.6  # of the machine's memory; beyond it the engine spills to disk
LARGEST_SPILL = "400GB"
CONFIG = {
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


class Engine:
    """A connection to an in-memory database, and the private folder beside it."""

    def __init__(self, folder: PrivateFolder) -> None:
        self.folder = folder
        self.size = 0  # bytes of the files that may be read
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._worker = ThreadPoolExecutor(max_workers=1)

    def allow(self, paths: Iterable[Path]) -> None:
        """Open the database for these files, and for good no others."""
        paths = list(paths)
        self.size = size = sum(path.stat().st_size for path in paths)
        memory = SMALL_MEMORY if size <= SMALL_FILE else int(total_memory() * LARGE_MEMORY_SHARE)
        spill = self.folder.path / "spill"
        config: dict[str, Any] = CONFIG | {
            "memory_limit": f"{memory >> 20}MiB",
            "threads": str(available_cores()),
            "temp_directory": str(spill),
            "max_temp_directory_size": LARGEST_SPILL,
            "home_directory": str(spill),
        }
        self.disconnect()
        self._connection = duckdb.connect(config=config)
        # The zone is a setting of the session; without it a time would depend on the machine.
        self._connection.execute("SET TimeZone = 'UTC'")
        listed = ", ".join(quoted(str(path)) for path in paths)
        self._connection.execute(f"SET allowed_paths = [{listed}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def close(self) -> None:
        # A signal may have come just as a query was handed over: then nobody else interrupts it.
        last = self._worker.submit(lambda: None)
        while self._connection is not None and not last.done():
            self._connection.interrupt()
            wait([last], timeout=0.05)
        self._worker.shutdown()
        self.disconnect()

    def disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        assert self._connection is not None, "the engine is opened by `allow`"
        return self._connection

    def run(self, sql: str) -> None:
        """Run a statement without a result."""
        self.answer(lambda: self.connection.execute(sql))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.answer(lambda: self.connection.execute(sql).fetchall())

    def answer(self, work: Callable[[], Answer]) -> Answer:
        """What `work` returns, which asks the engine.

        It runs in a thread of its own: Python sees a signal in the main thread alone, and not while
        that waits inside the engine. An exception of a signal interrupts the query.
        """
        future = self._worker.submit(work)
        try:
            return future.result()
        finally:
            # More than once: an interruption before the query has begun is forgotten.
            while not future.done():
                self.connection.interrupt()
                wait([future], timeout=0.05)

    def value(self, sql: str) -> Any:
        """The single value of a query of one row and one column."""
        return self.rows(sql)[0][0]

    def arrays(self, sql: str) -> dict[str, NDArray[Any]]:
        """The columns of a query as arrays; of numbers without missing values."""
        return {name: np.ma.getdata(column) for name, column in self.masked(sql).items()}

    def numbers_of(self, table: str, names: Sequence[str], rows: int) -> dict[str, NDArray[Any]]:
        """Columns of a table as arrays (rows,); of numbers without missing values.

        They come piece by piece on all cores: a large result as a whole lies in the memory twice.
        """
        listed = ", ".join(names)
        kinds = self.arrays(f"SELECT {listed} FROM {table} LIMIT 0")
        columns = {key: np.empty(rows, column.dtype) for key, column in kinds.items()}

        def fetch(piece: slice) -> None:
            with self.connection.cursor() as cursor:
                found = cursor.execute(
                    f"SELECT {listed} FROM {table} "
                    f"WHERE rowid >= {piece.start} AND rowid < {piece.stop}"
                ).fetchnumpy()
            for key, values in found.items():
                columns[key][piece] = np.ma.getdata(values)

        each_piece(fetch, rows)
        return columns

    def masked(self, sql: str) -> dict[str, NDArray[Any]]:
        """The columns of a query as arrays, masked where a value is missing."""
        return self.answer(lambda: self.connection.execute(sql).fetchnumpy())


@contextmanager
def opened_engine() -> Iterator[Engine]:
    """An engine with a private folder; both are gone afterwards.

    Raises:
        InputError: what the engine refuses, in its first sentence.
    """
    with private_folder() as folder:
        engine = Engine(folder)
        try:
            yield engine
        except duckdb.OutOfMemoryException as error:
            raise InputError(
                f"reading needs more memory than it may take: {first_sentence(error)}",
                "check that the file is what it seems: a small one takes little",
            ) from error
        finally:
            engine.close()


def first_sentence(error: Exception) -> str:
    """What the engine says, without its advice on options that we do not have."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """A text as the name of a column in SQL."""
    return '"' + text.replace('"', '""') + '"'
