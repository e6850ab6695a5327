"""JSON that is safe to show in a terminal: characters that are not printable are escaped."""

import json
import re
from typing import Any

NOT_PLAIN = re.compile(r"[^\x20-\x7e\n]")


def to_json(content: Any, indent: int | None = None) -> str:
    """Escape control characters, direction marks and line separators, which a title may contain.

    Printable characters of all scripts stay as they are. Parsing the JSON gives `content` again.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    return NOT_PLAIN.sub(escaped, text)


def escaped(match: re.Match[str]) -> str:
    """The character itself if it is printable, else its JSON escape."""
    character = match[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]
