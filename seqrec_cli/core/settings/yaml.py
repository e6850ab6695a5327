"""YAML of plain values, read strictly, with line numbers."""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from seqrec_cli.core.storage import foreign
from seqrec_cli.errors import ConfigError

Key = tuple[str, ...]
ROOT: Key = ()
# YAML 1.1 also reads 1_0 as 10, 010 as 8, 0x10 as 16 and 1:30 as 90.
WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
LARGEST_SETTINGS = 1 << 20  # bytes of a file


def read_settings_text(path: Path, what: str, hint: str) -> str:
    """The text of a file of settings.

    Raises:
        ConfigError: `what` cannot be read, with the `hint`; or it is no UTF-8.
    """
    try:
        return foreign.read_text(path, LARGEST_SETTINGS, follow=True)
    except OSError as error:
        raise ConfigError(f"cannot read {what}: {error.strerror}", hint) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"`{path}` is not UTF-8 text, byte {error.start}", "save it as UTF-8"
        ) from None


@functools.lru_cache(maxsize=16)
def nodes_of(text: str) -> yaml.Node | None:
    """What a text is made of, not to be changed; a command reads a run's experiment several times,
    and this is nearly all of its time."""
    return yaml.compose(text, Loader=yaml.SafeLoader)


def read_yaml(text: str, source: str, places: dict[Key, str]) -> Any:
    """Read YAML strictly, noting in `places` where each key stands."""
    try:
        node = nodes_of(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"`{source}`{line}: not YAML: {problem}", "fix that line") from None
    return {} if node is None else build(node, source, ROOT, places, set())


def build(node: yaml.Node, source: str, key: Key, places: dict[Key, str], seen: set[int]) -> Any:
    """Turn a YAML node into plain values, refusing duplicate keys, tags and aliases."""
    line = node.start_mark.line + 1
    if id(node) in seen:  # a few aliases can stand for a billion values
        raise ConfigError(f"`{source}`, line {line}: has an alias", "write out what it stands for")
    seen.add(id(node))
    if len(key) > 8:
        raise ConfigError(
            f"`{source}`, line {line}: nested too deeply", "see `seqrec configs sasrec`"
        )
    if isinstance(node, yaml.SequenceNode):
        children = enumerate(node.value)
        return [build(child, source, (*key, str(i)), places, seen) for i, child in children]
    if not isinstance(node, yaml.MappingNode):
        return scalar(node, source)
    content: dict[str, Any] = {}
    for name_node, child in node.value:
        name = str(name_node.value)
        line = name_node.start_mark.line + 1
        if name in content:
            raise ConfigError(
                f"`{source}`, line {line}: the key `{name}` is there twice", "remove one of them"
            )
        places[(*key, name)] = f"`{source}`, line {line}"
        content[name] = build(child, source, (*key, name), places, seen)
    return content


def scalar(node: yaml.Node, source: str) -> Any:
    """One YAML value; only plain ones (text, numbers, true, false, null)."""
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError):
        value = ...
    odd = type(value) is int and not WHOLE.fullmatch(node.value)
    if odd or (type(value) is float and ("_" in node.value or ":" in node.value)):
        raise ConfigError(
            f"`{source}`, line {node.start_mark.line + 1}: `{node.value}` would be read as {value}",
            f"write {value}, or put quotes around it if it is text",
        )
    if not isinstance(value, str | int | float | bool | None):
        line = node.start_mark.line + 1
        raise ConfigError(
            f"`{source}`, line {line}: `{node.value}` is not a plain value",
            "write text or a number",
        )
    return value


def apply_override(content: dict[str, Any], override: str, places: dict[Key, str]) -> Key:
    """Set one `key.key=value`, whose value is read as YAML; returns the key."""
    name, equals, value = override.partition("=")
    if not equals or not name or not value.strip():
        raise ConfigError(f"override `{override}` has no value", "write `--set KEY=VALUE`")
    key = tuple(name.strip().split("."))
    source = f"`--set {override}`"
    part = content
    for step in key[:-1]:
        inner = part.setdefault(step, {})
        if inner is None:
            inner = part[step] = {}
        if not isinstance(inner, dict):
            raise ConfigError(
                f"{source}: `{step}` has no settings inside", "see the experiment file"
            )
        part = inner
    for earlier in [place for place in places if place[: len(key)] == key]:
        del places[earlier]
    part[key[-1]] = read_yaml(value, f"--set {override}", {})
    places[key] = source
    return key


def nearest(
    wrong: str, known: Sequence[str], synonyms: Mapping[str, Sequence[str]] | None = None
) -> str:
    """A hint: the nearest known names, or all of them.

    A name in the wrong part comes first, then what it is called elsewhere, then what is spelled
    alike.
    """
    close = meant(wrong, known, synonyms or {})
    close = close or difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    if not close:  # a part of the name
        tail, by_tail = tail_of(wrong), names_by_tail(known)
        close = [by_tail[m] for m in difflib.get_close_matches(tail, by_tail, n=1, cutoff=0.6)]
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"


def meant(wrong: str, known: Sequence[str], synonyms: Mapping[str, Sequence[str]]) -> list[str]:
    """The known names with this one behind their part, or with what it is called elsewhere
    (`synonyms`, by name without its part)."""
    tail, by_tail = tail_of(wrong), names_by_tail(known)
    return [by_tail[name] for name in (tail, *synonyms.get(tail, ())) if name in by_tail]


def tail_of(name: str) -> str:
    """A name without its part, in lower case."""
    return name.rpartition(".")[2].lower()


def names_by_tail(known: Sequence[str]) -> dict[str, str]:
    """Names by what they are without their part; the first of each."""
    return {name.rpartition(".")[2]: name for name in reversed(known)}
