"""The form of the reviews of SNAP: a block of lines `review/userId: A3SGXH7A` for each of them."""

import json
import re

from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.landed import Landed, head_of
from seqrec_cli.core.data.reading.nested import json_relation
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.texts import Facts

BLOCK = re.compile(rb"\w{1,40}/\w{1,40}: [^\n]*\n\w{1,40}/\w{1,40}: ")
KEY = re.compile(rb"(\w{1,40})/(\w{1,40}): ?")


def open_key_values(landed: Landed) -> Relation | None:
    """Blocks of lines, each with a key and a value; None for other text."""
    if not BLOCK.match(landed.head):
        return None
    facts = [[as_json(fact, landed.engine) for fact in part] for part in landed.facts]
    landed.allow(facts)
    return json_relation(landed.source, facts, "newline_delimited", head_of(facts))


def as_json(facts: Facts, engine: Engine) -> Facts:
    """A copy with a line of JSON a block; a line without a key goes on with the value before."""
    record: dict[str, str] = {}
    key = ""
    with facts.path.open("rb") as file, engine.folder.new_file(".json") as copy:
        for line in file:
            text = line.rstrip(b"\r\n")
            match = KEY.match(text)
            if match:
                key = f"{match[1].decode()}.{match[2].decode()}"
                record[key] = text[match.end() :].decode("utf-8", "replace")
            elif text.strip() and key:
                record[key] += " " + text.decode("utf-8", "replace")
            elif record:
                copy.write(json.dumps(record).encode() + b"\n")
                record, key = {}, ""
        if record:
            copy.write(json.dumps(record).encode() + b"\n")
    return Facts(copy.path, quotes=2, damaged=facts.damaged, size=copy.size)
