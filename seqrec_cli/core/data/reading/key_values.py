"""The form of the reviews of SNAP: a block of lines `review/userId: A3SGXH7A` for each of them."""

import json
import re
from dataclasses import replace
from itertools import chain

from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.landed import Landed, head_of
from seqrec_cli.core.data.reading.nested import json_relation
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.texts import Facts
from seqrec_cli.errors import InputError
from seqrec_cli.wording import counted

LARGEST_BLOCK = 4 << 20  # bytes
BLOCK = re.compile(rb"\w{1,40}/\w{1,40}: [^\n]*\n\w{1,40}/\w{1,40}: ")
KEY = re.compile(rb"(\w{1,40})/(\w{1,40}): ?")


def open_key_values(landed: Landed) -> Relation | None:
    """Blocks of lines, each with a key and a value; None for other text."""
    if not BLOCK.match(landed.head):
        return None
    place = str(landed.source)
    found = [[as_json(fact, landed.engine, place) for fact in part] for part in landed.facts]
    facts = [[fact for fact, _ in part] for part in found]
    strange = sum(lines for part in found for _, lines in part)
    landed.allow(facts)
    relation = json_relation(landed.source, facts, "newline_delimited", head_of(facts))
    if strange:
        note = f"{counted(strange, 'line')} between the blocks without a key: left out"
        relation = replace(relation, remarks=(*relation.remarks, note))
    return relation


def as_json(facts: Facts, engine: Engine, place: str) -> tuple[Facts, int]:
    """A copy with a line of JSON a block, and how many lines outside of blocks have no key.

    Within a block a line without a key goes on with the value before.

    Raises:
        InputError: a block is longer than any review.
    """
    record: dict[str, list[str]] = {}
    key, size, strange = "", 0, 0
    with facts.path.open("rb") as file, engine.folder.new_file(".json") as copy:
        for line in chain(file, [b""]):
            text, size = line.rstrip(b"\r\n"), size + len(line)
            if size > LARGEST_BLOCK:
                raise InputError(
                    f"`{place}` has a block of `key: value` lines of more than "
                    f"{LARGEST_BLOCK:,} bytes",
                    "put an empty line between two of them",
                )
            if match := KEY.match(text):
                key = f"{match[1].decode()}.{match[2].decode()}"
                record[key] = [text[match.end() :].decode("utf-8", "replace")]
            elif text.strip() and key:
                record[key].append(text.decode("utf-8", "replace"))
            else:
                size, strange = 0, strange + bool(text.strip())
                if not record:
                    continue
                joined = {name: " ".join(lines) for name, lines in record.items()}
                copy.write(json.dumps(joined).encode() + b"\n")
                record, key = {}, ""
    return Facts(copy.path, quotes=2, damaged=facts.damaged, size=copy.size), strange
