"""JSON that any terminal may show: characters that are not printed are escaped."""

import json
import re
from typing import Any

NOT_PLAIN = re.compile(r"[^\x20-\x7e\n]")


def to_json(content: Any, indent: int | None = None) -> str:
    """JSON in which controls, direction marks and line separators of a file's titles are escaped.

    Letters of all scripts stay as they are; what is read back is the same.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    return NOT_PLAIN.sub(escaped, text)


def escaped(match: re.Match[str]) -> str:
    """A character as it is if it is printed, else as JSON escapes it."""
    character = match[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]
