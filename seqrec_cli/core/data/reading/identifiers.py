"""Ids of users and items as they come in, to codes 0, 1, ... in the order of the sorted ids."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.pieces import each_piece, on_cores, row_pieces
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.profiles import MISSING
from seqrec_cli.errors import InputError

LONGEST_ID = 1000  # characters
# A lookup table may have this many places for each interaction ...
PLACES_PER_ROW = 2
# ... or this many anyway.
PLACES_ANYWAY = 1 << 22
# What an array of texts may take anyway, and else how much more than the texts alone.
PADDED_ANYWAY = 64 << 20
MOST_PADDING = 16
# How many bytes the ids of all rows may have anyway, and else for each byte of the files.
SWOLLEN_ANYWAY = 512 << 20
MOST_SWOLLEN = 100
SPACES = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
CANONICAL = "0|-?[1-9][0-9]{0,18}"
FLOATED = "-?(0|[1-9][0-9]{0,18})\\.0+"
WITHOUT_FRACTION = "regexp_replace(id, '\\.0+$', '')"


def code_texts(engine: Engine, column: str, place: str) -> NDArray[Any]:
    """Number the texts in a column of the table `log`; the table `ids_COLUMN` has (id, code).

    Spaces around an id are no part of it; one that is missing has the code -1. Texts that are all
    whole numbers, spelled as one would (or all with `.0` behind, as pandas writes them), become
    int64.

    Returns the sorted ids, int64 or unicode (ids,).

    Raises:
        InputError: an id that is too long, or ids that would take the memory of many.
    """
    refuse_swollen(engine, column, place)
    table, clean = f"ids_{column}", f"clean_{column}"
    words = ", ".join(quoted(word) for word in MISSING)
    engine.run(
        f"CREATE TABLE {clean} AS "
        f"SELECT raw, CASE WHEN lower(id) NOT IN ({words}) THEN id END AS id "
        f"FROM (SELECT {column} AS raw, trim({column}, {SPACES}) AS id "
        f"FROM (SELECT DISTINCT {column} FROM log))"
    )
    ((count, longest, total, whole, floated),) = engine.rows(
        f"SELECT count(id), coalesce(max(length(id)), 0), coalesce(sum(length(id)), 0), "
        f"count_if(regexp_full_match(id, {quoted(CANONICAL)}) "
        "AND TRY_CAST(id AS BIGINT) IS NOT NULL), "
        f"count_if(regexp_full_match(id, {quoted(FLOATED)}) "
        f"AND TRY_CAST({WITHOUT_FRACTION} AS BIGINT) IS NOT NULL) FROM {clean}"
    )
    check_width(int(count), int(longest), int(total), place)
    if engine.value(f"SELECT count(*) FROM {clean} WHERE contains(id, chr(0))"):
        raise InputError(
            f"`{place}`: an id has a NUL character in it",
            "choose another column with --columns, or export the ids without it",
        )
    key = "id"
    if count and floated == count:
        key, whole = WITHOUT_FRACTION, count
    is_whole = count > 0 and whole == count
    if is_whole:
        key = f"CAST({key} AS BIGINT)"
    engine.run(
        f"CREATE TABLE {table} AS SELECT raw AS id, key, CASE WHEN key IS NULL THEN -1 ELSE "
        "CAST(dense_rank() OVER (ORDER BY key NULLS LAST) - 1 AS INTEGER) END AS code FROM "
        f"(SELECT raw, CASE WHEN id IS NOT NULL THEN {key} END AS key FROM {clean})"
    )
    found = engine.masked(
        f"SELECT any_value(key) AS key FROM {table} WHERE code >= 0 GROUP BY code ORDER BY code"
    )["key"]
    return np.ma.getdata(found).astype(np.int64 if is_whole else np.str_)


def refuse_swollen(engine: Engine, column: str, place: str) -> None:
    """Refuse ids that take many times the bytes of their files, before the memory for them is."""
    size = int(engine.value(f"SELECT coalesce(sum(strlen({column})), 0) FROM log"))
    if size > max(SWOLLEN_ANYWAY, MOST_SWOLLEN * engine.size):
        raise InputError(
            f"`{place}` holds ids of {size:,} bytes in a file of {engine.size:,}, which is no log "
            "of interactions but made to fill a memory",
            "choose other columns with --columns, or export it anew if you know where it is from",
        )


def check_width(count: int, longest: int, total: int, place: str) -> None:
    """Refuse texts whose array would be mostly padding: each takes as much as the longest."""
    if longest > LONGEST_ID:
        raise InputError(
            f"`{place}`: an id has {longest} characters, more than {LONGEST_ID}",
            "choose another column with --columns",
        )
    needed = 4 * longest * count
    if needed > PADDED_ANYWAY and needed > MOST_PADDING * 4 * total:
        raise InputError(
            f"`{place}`: the ids would take {needed:,} bytes, as the longest has {longest} "
            f"characters and there are {count:,}",
            "choose other columns with --columns, or shorten them",
        )


def code_numbers(column: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Codes int32 (rows,) and the sorted ids int64: row r has id ids[codes[r]]."""
    if not len(column):
        return column.astype(np.int32), np.empty(0, np.int64)
    low, high = bounds(column)
    if high - low < max(PLACES_PER_ROW * len(column), PLACES_ANYWAY):
        return code_dense(column, low, high)
    found = on_cores(lambda piece: np.unique(column[piece]), row_pieces(len(column)))
    ids = np.unique(np.concatenate(list(found)))
    return recoded(column, lambda numbers: np.searchsorted(ids, numbers)), ids.astype(np.int64)


def bounds(column: NDArray[Any]) -> tuple[int, int]:
    """The lowest and the highest number."""
    found = list(on_cores(lambda p: (column[p].min(), column[p].max()), row_pieces(len(column))))
    return int(min(low for low, _ in found)), int(max(high for _, high in found))


def code_dense(
    column: NDArray[Any], low: int, high: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Codes and ids by a table with a place for each number from low to high."""

    def places(numbers: NDArray[Any]) -> NDArray[np.int64]:
        return numbers.astype(np.int64) - low  # in int32 it might overflow

    seen = np.zeros(high - low + 1, bool)

    def mark(piece: slice) -> None:
        seen[places(column[piece])] = True

    each_piece(mark, len(column))
    ids = np.flatnonzero(seen)
    table = np.empty(len(seen), np.int32)
    table[ids] = np.arange(len(ids), dtype=np.int32)
    return recoded(column, lambda numbers: table[places(numbers)]), ids + low


def recoded(
    column: NDArray[Any], code: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[np.int32]:
    """Each number's code, int32 (rows,)."""
    codes = np.empty(len(column), np.int32)

    def fill(piece: slice) -> None:
        codes[piece] = code(column[piece])

    each_piece(fill, len(column))
    return codes


def compacted(
    codes: NDArray[np.int32], ids: NDArray[Any]
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Codes and ids without the ids that no row has any more."""
    seen = np.zeros(len(ids), bool)

    def mark(piece: slice) -> None:
        seen[codes[piece]] = True

    each_piece(mark, len(codes))
    if seen.all():
        return codes, ids
    table = np.cumsum(seen, dtype=np.int32) - 1
    return recoded(codes, lambda numbers: table[numbers]), ids[seen]
