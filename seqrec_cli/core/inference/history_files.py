"""Histories of people whom no dataset has, from a file, by the reader of `prepare`."""

from pathlib import Path

import numpy as np

from seqrec_cli.core.data.identity import positions
from seqrec_cli.core.data.ordering import (
    Rows,
    count_codes,
    exact_duplicates,
    order_rows,
    to_offsets,
)
from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.remote import fetched, is_remote
from seqrec_cli.core.data.reading.sources import parse_place
from seqrec_cli.core.data.reading.units import PER_SECOND
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.people import LARGEST_INPUT, NO_KNOWN_ITEM, People
from seqrec_cli.core.storage import foreign
from seqrec_cli.core.storage.temporary import private_folder
from seqrec_cli.errors import InputError
from seqrec_cli.wording import counted, verb


def read_people(source: str, catalogue: Catalogue, reading: Reading | None = None) -> People:
    """Read a log of people whom no dataset has, by the reader of `prepare`: user, item, time.

    Histories are in order of time, exact duplicates left out, as `prepare` does. The source is a
    path, an address such as `https://…`, or `-`, the standard input.

    Raises:
        InputError, MissingExtra: as `prepare`.
    """
    if is_remote(source):
        with fetched(source) as path:
            return people_of(path, catalogue, reading or Reading())
    if source != "-":
        return people_of(Path(source), catalogue, reading or Reading())
    try:
        content = foreign.read_standard_input(LARGEST_INPUT)
    except OSError as error:
        raise InputError(f"cannot read the standard input: {error.strerror}") from error
    suffix = ".jsonl" if content.lstrip()[:1] in (b"{", b"[") else ".csv"
    with private_folder() as folder:
        with folder.new_file(suffix) as copy:
            copy.write(content)
        return people_of(copy.path, catalogue, reading or Reading())


def people_of(path: Path, catalogue: Catalogue, reading: Reading) -> People:
    log = read_log(parse_place(str(path)), reading)
    loaded = log.rows
    items = positions(loaded.item_ids, catalogue.item_ids) + 1
    found = items[loaded.items].astype(np.int32)
    rows = Rows(loaded.users, found, loaded.times, lists=log.findings.lists)
    notes = [
        f"{counted(count, 'row')} dropped: {why}" for why, count in loaded.dropped.items() if count
    ]
    order_rows(rows)
    if rows.times is not None:
        again = exact_duplicates(rows)
        if again.any():
            notes.append(f"{counted(int(again.sum()), 'exact duplicate')} dropped")
            rows.take(~again)
    strange = rows.items == 0
    if strange.any():
        count, left = len(np.unique(loaded.items[items[loaded.items] == 0])), int(strange.sum())
        notes.append(
            f"{counted(left, 'interaction')} with {counted(count, 'item')} not in the catalogue "
            f"{verb(left, 'was', 'were')} left out"
        )
        rows.take(~strange)
    lengths = count_codes(rows.users, len(loaded.user_ids))
    labels, known = loaded.user_ids.tolist(), lengths > 0
    per_second = PER_SECOND.get(loaded.time_unit)
    seconds = None if rows.times is None or per_second is None else rows.times // per_second
    everybody = Sequences(to_offsets(lengths), rows.items, times=seconds)
    histories = everybody.take(np.flatnonzero(known))
    nobody = loaded.user_ids[~known].tolist()
    missing = {NO_KNOWN_ITEM: nobody} if nobody else {}
    return People(labels, histories, known, None, missing, rows.times, loaded.time_unit, notes)
