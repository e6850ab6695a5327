"""Every regular expression that meets foreign text takes time in proportion to the text.

They are found in the source, and so is how each is used. What is worst for one is made of its own
characters: runs of what it repeats, after beginnings of what it matches, before what it does not.
"""

import ast
import importlib
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import seqrec_cli
from seqrec_cli.core.data.reading import dates, identifiers, opening, rejects, strangers

PACKAGE = Path(seqrec_cli.__file__).parent
SIZE = 100_000  # characters
SECONDS = 1.0  # of computing
METHODS = {"match", "fullmatch", "search", "sub", "split", "findall", "finditer"}
# Expressions that are handed to `re` in a variable: where, and what they are.
IN_VARIABLES: dict[str, list[Any]] = {
    "rejects.py:pattern": [pattern for pattern, _ in rejects.REASONS],
    "strangers.py:pattern": [pattern for pattern, _ in strangers.TEXTS],
    "opening.py:UNDER_A_TABLE": [opening.UNDER_A_TABLE],
    "drawing.py:unwanted": [r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style.*?</style>"],
    "parts.py:CANONICAL": [identifiers.CANONICAL],
    "remote.py:shown": [re.escape("/tmp/seqrec-x/fetched")],
}
EVERYTHING = "0a A.-,:'\"/\n\t\\[](){}|;+eEé#%$_x"


@dataclass(frozen=True)
class Use:
    """An expression and a method that is called with foreign text."""

    place: str
    pattern: "re.Pattern[Any]"
    method: str

    def __str__(self) -> str:
        return f"{self.place}-{self.method}"

    def run(self, text: str) -> None:
        content = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        call = getattr(self.pattern, self.method)
        if self.method == "sub":
            call(b"" if isinstance(content, bytes) else "", content)
        elif self.method == "finditer":
            list(call(content))
        else:
            call(content)


def constants_of(node: ast.expr) -> list[str | bytes] | None:
    """The text, or the texts of both branches, that an argument may be."""
    if isinstance(node, ast.IfExp):
        both = [constants_of(node.body), constants_of(node.orelse)]
        return [text for texts in both if texts for text in texts]
    return [node.value] if isinstance(node, ast.Constant) else None  # type: ignore[list-item]


def uses_in(path: Path) -> Iterator[Use]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = importlib.import_module(".".join(parts))
    tree = ast.parse(path.read_text())
    compiled = {name: x for name, x in vars(module).items() if isinstance(x, re.Pattern)}
    local: dict[str, list[re.Pattern[Any]]] = {}
    for name, each in vars(module).items():
        if isinstance(each, list | tuple):
            flat = [p for entry in each for p in (entry if isinstance(entry, tuple) else (entry,))]
            for number, pattern in enumerate(p for p in flat if isinstance(p, re.Pattern)):
                yield Use(f"{path.name}:{name}-{number}", pattern, "search")
    for node in ast.walk(tree):
        made = isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if made and ast.unparse(node.value.func) == "re.compile":  # type: ignore[attr-defined]
            texts = constants_of(node.value.args[0]) or []  # type: ignore[attr-defined]
            local[ast.unparse(node.targets[0])] = [re.compile(t) for t in texts]  # type: ignore
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of, method = ast.unparse(node.func.value), node.func.attr
        place = f"{path.name}:{node.lineno}"
        if method not in METHODS:
            continue
        if of == "re":
            flags = next((ast.unparse(k.value) for k in node.keywords if k.arg == "flags"), "0")
            texts = constants_of(node.args[0])
            if texts is None:
                texts = IN_VARIABLES[f"{path.name}:{ast.unparse(node.args[0])}"]
            for text in texts:
                number = sum(int(getattr(re, f.strip()[3:])) for f in flags.split("|") if f != "0")
                yield Use(place, re.compile(text, number), method)
        elif of in compiled:
            yield Use(f"{place}-{of}", compiled[of], method)
        else:
            for number, pattern in enumerate(local.get(of, ())):
                yield Use(f"{place}-{of}-{number}", pattern, method)


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__main__.py"]
USES = [use for path in FILES for use in uses_in(path)]


def test_all_expressions_are_found() -> None:
    """As many as there are calls of `re` and of what it compiled, by a look at the text."""
    assert len(USES) > 50
    named = {use.place.split(":")[0] for use in USES}
    for path in FILES:
        text = path.read_text()
        if re.search(r"\bre\.(match|fullmatch|search|sub|split|findall|compile)\(", text):
            assert path.name in named, path.name


def members(items: Any) -> str:
    """Some characters of a class: those named, the ends of ranges, an example of categories."""
    found = ""
    negated = False
    for kind, value in items:
        if kind is sre.NEGATE:
            negated = True
        elif kind is sre.LITERAL:
            found += chr(value)
        elif kind is sre.RANGE:
            found += chr(value[0]) + chr(value[1])
        elif kind is sre.CATEGORY:
            name = str(value)
            examples = {"DIGIT": "0", "SPACE": " \n", "WORD": "a0_"}
            found += next(v for k, v in examples.items() if k in name) if "NOT" not in name else "-"
    if negated:
        return "".join(c for c in EVERYTHING if c not in found)
    return found


def pieces(tree: Any) -> Iterator[str]:
    """The characters that each part of an expression takes, repeated parts as a whole too."""
    for kind, value in tree:
        if kind is sre.LITERAL:
            yield chr(value)
        elif kind is sre.NOT_LITERAL:
            yield "".join(c for c in EVERYTHING if ord(c) != value)
        elif kind is sre.ANY:
            yield EVERYTHING
        elif kind is sre.IN:
            yield members(value)
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield from pieces(value[2])
            yield example(value[2])
        elif kind is sre.SUBPATTERN:
            yield from pieces(value[3])
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield from pieces(branch)
        elif kind in (sre.ASSERT, sre.ASSERT_NOT):
            yield from pieces(value[1])


def example(tree: Any, groups: dict[int, str] | None = None) -> str:
    """A text that an expression matches, or nearly."""
    groups = {} if groups is None else groups
    found = ""
    for kind, value in tree:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            found += example(value[2], groups) * max(1, value[0])
        elif kind is sre.SUBPATTERN:
            own = example(value[3], groups)
            groups[value[0] or 0] = own
            found += own
        elif kind is sre.BRANCH:
            found += example(value[1][0], groups)
        elif kind is sre.GROUPREF:
            found += groups.get(value, "")
        elif kind not in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            found += next(iter(pieces([(kind, value)])), "")[:1]
    return found


def worst_of(pattern: "re.Pattern[Any]", size: int = SIZE) -> Iterator[str]:
    text = pattern.pattern
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    tree = parser.parse(text, pattern.flags & ~re.UNICODE)
    whole = example(tree)
    parts = list(pieces(tree))
    pumps = {c for part in parts for c in part[:12]} | {part[:40] for part in parts if part}
    pumps |= {whole, " ", "0", "a"}
    starts = {"", *(whole[:n] for n in {1, len(whole) // 2, max(0, len(whole) - 1), len(whole)})}
    for pump in sorted(pumps - {""}):
        for start in sorted(starts):
            yield start + pump * (size // len(pump)) + "!\0"


class TooLong(Exception):
    """An expression that would not end."""


@pytest.mark.skipif(sys.platform == "win32", reason="no alarms there")
@pytest.mark.parametrize("use", USES, ids=str)
def test_an_expression_takes_linear_time(use: Use) -> None:
    def stop(*arguments: object) -> None:
        raise TooLong

    usual = signal.signal(signal.SIGVTALRM, stop)
    text = ""
    try:
        for text in worst_of(use.pattern):
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            use.run(text)
    except TooLong:
        pytest.fail(f"{use.pattern.pattern!r} takes too long for {text[:80]!r} and so on")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, usual)


@pytest.mark.parametrize("number", range(len(dates.PATTERNS)))
def test_no_cell_is_long_held_against_the_forms_of_dates(number: int) -> None:
    """Cells longer than `dates.LONGEST` are no dates: these expressions meet short ones alone."""
    pattern = dates.compiled_patterns()[number]
    for text in worst_of(pattern, dates.LONGEST):
        cell, start = text[: dates.LONGEST], time.process_time()
        dates.formats_of(cell)
        assert time.process_time() - start < SECONDS / 10, cell


@pytest.mark.parametrize("text", [r"[+-]?(?:[0-9]+\.?[0-9]*)", r"(a+)+b", r"\s*x\s*\s*y"])
def test_a_bad_expression_is_noticed(text: str) -> None:
    """The checks of this file find what they are for."""
    use = Use("here", re.compile(text), "fullmatch")
    with pytest.raises(pytest.fail.Exception, match="takes too long"):
        test_an_expression_takes_linear_time(use)
