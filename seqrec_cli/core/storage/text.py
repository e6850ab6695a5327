"""Texts: JSON that is safe to show in a terminal, and numbers as people write them."""

import json
import re
from typing import Any

NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?"
)
NOT_PLAIN = re.compile(r"[^\x20-\x7e\n]")


def is_digits(text: str) -> bool:
    """Whether a text is one or more of the digits 0 to 9.

    `str.isdigit`, `int` and `float` also accept the digits of other scripts, and the last two 1_0.
    """
    return text.isascii() and text.isdigit()


def is_number(text: str) -> bool:
    """Whether a text is a finite number in decimal digits, without spaces."""
    return NUMBER.fullmatch(text) is not None


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
