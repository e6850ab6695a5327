"""SASRec's text: `user item` a line, ids counted from 1, each user's lines in time order."""

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading import parsing
from seqrec_cli.core.data.reading.identifiers import INT64
from seqrec_cli.core.data.reading.logs import Collector, Log
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import shortened
from seqrec_cli.errors import InputError


def read_user_item(source: TextSource) -> Log:
    """Read the text; clean blocks at once, others line by line.

    Raises:
        InputError: a line that is something else, with its number.
    """
    collector = Collector(source, has_times=False, has_ratings=False)
    for line, block in source.blocks():
        try:
            cells = parsing.cut(block, "\t" if b"\t" in block else " ", 2)
            users, items = parsing.integers(cells, 0), parsing.integers(cells, 1)
            if min(users.min(), items.min()) < 1:
                raise parsing.NotPlain
        except parsing.NotPlain:
            users, items = careful_pairs(source, block, line)
        collector.keep(len(users), None)
        collector.users.add_numbers(users)
        collector.items.add_numbers(items)
    return collector.finish({"user": "1", "item": "2"})


def careful_pairs(
    source: TextSource, block: bytes, line: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the lines of a block one by one, the first of them numbered `line`."""
    pairs = []
    for number, text in enumerate(block.split(b"\n"), start=line):
        words = text.split()
        if not words:
            continue
        place = f"`{source}`, line {number}"
        if len(words) != 2:
            raise InputError(
                f"{place}: {len(words)} values where `user item` is due",
                "if this is another kind of file, add `--format delimited`",
            )
        pairs.append(
            [parse_counted(place, *pair) for pair in zip(("user", "item"), words, strict=True)]
        )
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return columns[:, 0].copy(), columns[:, 1].copy()


def parse_counted(place: str, role: str, word: bytes) -> int:
    shown = shortened(word.decode("utf-8", "backslashreplace"), 30)
    if not word.removeprefix(b"-").isdigit():
        raise InputError(
            f"{place}: the {role} `{shown}` is not a whole number",
            "mend the line; for ids that are words, add `--format delimited`",
        )
    if len(word) > 20 or int(word) not in INT64:
        raise InputError(
            f"{place}: the {role} {shown} is beyond 2^63 - 1",
            "number the ids anew, or add `--format delimited`, where ids may be words",
        )
    if int(word) < 1:
        raise InputError(
            f"{place}: the {role} is {shown}, but ids count from 1",
            "number the ids from 1, or add `--format delimited`, where any id may be",
        )
    return int(word)
