"""The form of the Netflix prize: `ITEM:`, and below it lines of user, rating, date."""

import re
from dataclasses import replace

from seqrec_cli.core.data.reading import delimited
from seqrec_cli.core.data.reading.dialects import Dialect, lines_of
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.landed import Landed
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.texts import Facts

NAMES = ("item", "user", "rating", "time")


def open_blocks(landed: Landed) -> Relation | None:
    """Blocks of an item's rows, each row with its item; None for other text."""
    if not looks_like_blocks(landed.head):
        return None
    facts = [[blocks_unfolded(fact, landed.engine) for fact in part] for part in landed.facts]
    landed.allow(facts)
    with facts[0][0].path.open("rb") as file:
        width = file.readline().count(b",") + 1
    dialect = Dialect(",", 0, (), width, quote="")
    relation = delimited.relation(landed.source, facts, dialect, "blocks")
    columns = tuple(
        replace(column, known=NAMES[n] if n < len(NAMES) else "")
        for n, column in enumerate(relation.columns)
    )
    return replace(relation, columns=columns, layout="blocks of an item's rows under `ITEM:`")


def blocks_unfolded(facts: Facts, engine: Engine) -> Facts:
    """A copy of blocks as in the Netflix prize, `ITEM:` above its lines, with the item in each."""
    current = b""
    with facts.path.open("rb") as file, engine.folder.new_file(".txt") as copy:
        for block in delimited.whole_lines(file):
            pieces = re.split(rb"^([^,\n:]+):[ \r]*\n", block, flags=re.MULTILINE)
            for number, piece in enumerate(pieces):
                if number % 2:
                    current = piece.strip()
                elif piece:
                    lines = piece.rstrip(b"\r\n").replace(b"\n", b"\n" + current + b",")
                    copy.write(current + b"," + lines + b"\n")
    return Facts(copy.path, facts.quotes, facts.damaged, copy.size)


def looks_like_blocks(head: bytes) -> bool:
    """Whether the lines after `ITEM:` are the rows of that item."""
    lines = [line for line in lines_of(head) if line.strip()][:200]
    if len(lines) < 2 or not re.fullmatch(r"[^,\s:]+:\s*", lines[0]):
        return False
    others = [line for line in lines if not re.fullmatch(r"[^,\s:]+:\s*", line)]
    widths = {line.count(",") for line in others}
    return len(widths) == 1 and widths != {0}
