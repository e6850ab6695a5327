"""Requests to the service that are bent at random: right ones, with something else in some place.

What is wrong in one is told by the service's own OpenAPI, and by JSON and HTTP themselves. Making
one takes a thousandth of the time that a draw from the description takes.
"""

import copy
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

import jsonschema_rs

JSON = "application/json"
# By path, bodies that are right; the shop's run has these users and items.
RIGHT: dict[str, list[dict[str, Any]]] = {
    "/recommend": [
        {"user": "u1", "k": 5},
        {"history": ["item 03", "Thing 7 (1907)", "gone"], "seen": "include", "why": True},
        {"many": [{"user": "u2"}, {"history": ["item 05"]}], "only": "price < 20", "k": 3},
        {"user": "u3", "exclude": ["item 01", "gone"], "only": ["item 02", "item 04"]},
    ],
    "/similar": [{"item": "item 05", "k": 7}, {"item": "Thing 3 (1903)", "exclude": "in_stock"}],
    "/score": [
        {"user": "u1", "items": ["item 03", "gone"]},
        {"history": ["item 03", "item 31"], "items": ["item 09"]},
    ],
}
QUERIES = ["query=thing", "query=item&most=5"]
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1001, 2**31, 2**63, 10**40, 0.5, -0.0, 1e308),
    *("", " ", "u1", "\x00", "\u202e", "💥", "\ud800", "x" * 1001, "y" * 30_000, "1", "NaN"),
    *(
        "price <",
        "price < 1; drop table cells",
        "item in (select 1)",
        "1=1 --",
        "*",
        "../items.csv",
    ),
    *("read_text('/etc/passwd') = ''", "repeat(item, 1000000000) = ''", "title ~ '(a+)+$'"),
    *([], {}, [[]], [None], [{}], {"a": 1}, ["item 01"] * 300),
    [f"item {n}" for n in range(1_100)],
]
NOISE = [
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"NaN",
    b"Infinity",
    b",",
    b"]",
    b"}",
    b'"',
    b"\\u",
    b"//",
]
PATHS = ["/recommended", "//score", "/", "/%00", "/metrics/x", "/items/1"]
METHODS = ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]


@dataclass(frozen=True)
class Bent:
    """A request, and whether it is against the description, JSON or HTTP; None: nobody can say."""

    method: str
    address: str
    body: bytes | None
    kind: str
    malformed: bool | None

    def in_words(self) -> str:
        """How it looks."""
        return f"{self.method} {self.address} [{self.kind}] {(self.body or b'')[:300]!r}"


class Bender:
    """Makes requests, the same ones for the same number."""

    def __init__(self, description: dict[str, Any], number: int) -> None:
        self.draw = random.Random(number)
        self.checks = {path: validator_of(description, path) for path in RIGHT}

    def request(self) -> Bent:
        """The next one."""
        if self.draw.random() < 0.1:
            return self.query()
        path = self.draw.choice(list(RIGHT))
        value = json.loads(json.dumps(self.draw.choice(RIGHT[path])))
        for _ in range(self.draw.choice((0, 1, 1, 1, 2, 3))):
            value = self.bend(value)
        body = json.dumps(value, ensure_ascii=self.draw.random() < 0.5)
        content = body.encode("utf-8", "surrogatepass")
        if self.draw.random() < 0.2:
            content = self.spoil(content)
        malformed = self.is_against(path, content)
        return self.send(path, content, malformed)

    def send(self, path: str, content: bytes, malformed: bool | None) -> Bent:
        """A request with this body, and now and then to the wrong place, or by the wrong means."""
        chance = self.draw.random()
        if chance < 0.02:
            kind = self.draw.choice(("text/plain", "", "application/xml", "multipart/form-data"))
            return Bent("POST", path, content, kind, malformed=True)
        if chance < 0.04:
            return Bent(self.draw.choice(METHODS), path, content, JSON, malformed=True)
        if chance < 0.06:
            return Bent("POST", self.draw.choice(PATHS), content, JSON, malformed=True)
        return Bent("POST", path, content, JSON, malformed)

    def query(self) -> Bent:
        """A search for items."""
        text = self.draw.choice(QUERIES)
        if self.draw.random() < 0.8:
            key = self.draw.choice(("query", "most", "more", ""))
            value = str(self.draw.choice(ODD))[:5_000].encode("utf-8", "replace")
            text += f"&{key}={quote(value)}" if self.draw.random() < 0.5 else ""
            text = text if "&" in text else f"{key}={quote(value)}"
        return Bent("GET", f"/items?{text}", None, "", malformed=not is_right_query(text))

    def bend(self, value: Any) -> Any:
        """The value with something else somewhere in it."""
        places = list(places_in(value)) if isinstance(value, dict | list) else []
        if not places or self.draw.random() < 0.05:
            return copy.deepcopy(self.draw.choice(ODD))
        holder, key = self.draw.choice(places)
        ways: list[Callable[[], None]] = [
            lambda: holder.__setitem__(key, copy.deepcopy(self.draw.choice(ODD))),
            lambda: holder.__delitem__(key),
            lambda: holder.__setitem__(key, [holder[key]]),
            lambda: holder.__setitem__(key, {"value": holder[key]}),
            lambda: holder.__setitem__(key, str(holder[key])),
        ]
        if isinstance(holder, dict):
            ways.append(lambda: holder.__setitem__(self.draw.choice(("K", "users", "")), 1))
        else:
            ways.append(lambda: holder.extend([holder[key]] * self.draw.choice((1, 300, 10_001))))
        self.draw.choice(ways)()
        return value

    def spoil(self, content: bytes) -> bytes:
        """The bytes with something else among them."""
        at = self.draw.randrange(len(content) + 1)
        end = at + self.draw.choice((0, 0, 1, 5, len(content)))
        if self.draw.random() < 0.02:
            return b"[" * 100_000
        return content[:at] + self.draw.choice([b"", *NOISE]) + content[end:]

    def is_against(self, path: str, content: bytes) -> bool | None:
        """Whether a body is no JSON, or not as the description has it."""
        try:
            value = json.loads(content.decode("utf-8"), parse_constant=not_json)
        except (ValueError, RecursionError):
            return True
        try:
            return not self.checks[path].is_valid(value)
        except (ValueError, TypeError, UnicodeError):
            return None  # a number or a text that the checker cannot hold


def is_right_query(text: str) -> bool:
    """Whether the parameters of /items are right as they stand in an address, where the text `30`
    is that number."""
    pairs = parse_qsl(text, keep_blank_values=True)
    given = {"most": "10"} | dict(pairs)
    return (
        len(pairs) == len({name for name, _ in pairs})
        and set(given) == {"query", "most"}
        and 1 <= len(given["query"]) <= 200
        and re.fullmatch("[1-9]|[1-4][0-9]|50", given["most"]) is not None
    )


def places_in(value: Any) -> Any:
    """Each place in a value: what holds it, and the key or number."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list) and value[key]:
            yield from places_in(value[key])


def validator_of(description: dict[str, Any], path: str) -> Any:
    """What tells whether a body is as the description has it."""
    body = description["paths"][path]["post"]["requestBody"]["content"][JSON]["schema"]
    return jsonschema_rs.validator_for({**body, "components": description["components"]})


def not_json(text: str) -> Any:
    raise ValueError(text)
