"""Files of seqrec, changed as somebody would who knows their format: checksums agree."""

import copy
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from tests.hostile import NASTY

# fmt: off
STRANGE_ARRAYS = [
    np.array(3), np.array(2.5), np.array("x"), np.zeros(0, np.int64), np.zeros(0, "<U1"),
    np.zeros((3, 3), np.int32), np.array([0, 2**63 - 1]), np.array([-1, 0, 5], np.int32),
    np.array([np.nan, np.inf], np.float32), np.array([True, False]), np.zeros((2, 2), "<U3"),
    np.array(["\x1b[31m", "", "x" * 300]), np.full(9, 1001), np.zeros((9, 0), np.float32),
    np.zeros((0, 5), np.int32), np.zeros((60,), np.int32), np.ones((60, 1), np.int32),
    np.zeros((60, 2), np.float32), np.zeros(9, np.complex64), np.zeros((2, 2, 2)),
    np.arange(9, dtype=">i8"), np.array([b"bytes"]), np.zeros(9, "<M8[s]"),
    np.zeros(200_000, np.int32), np.zeros((40, 3000), np.float32), np.array(["y" * 20_000]),
]
OTHER_KINDS = {"i": np.float32, "f": np.int32, "U": "<U1", "b": np.int32}
STRANGE_NUMBERS = [np.nan, np.inf, -np.inf, 1e38, -1e30, 1e-45, -0.0]
STRANGE_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 3, 2**31 - 1, 2**31, 2**63, -(2**70), 1e308, 0.5, 1e-300, "",
    "x", "one", "nan", "\x1b[31m", "\u202e\u2028", "a" * 3000, "../../etc/passwd", "/dev/zero", [],
    {}, [1], [[]], {"a": 1}, [0] * 50, "1_0", "٣", float("inf"), float("nan"), "data/toy.npz",
]
# fmt: on


def scrambled(content: bytes, chance: random.Random) -> bytes:
    """Bytes with up to four things done to them."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(changed))
        end = min(len(changed), at + chance.choice((0, 1, 1, 2, 4, 8, 40)))
        kind = chance.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at:end]
        elif kind == 2:
            changed[at:at] = changed[at : at + chance.randrange(200)]
        elif kind == 3 and chance.random() < 0.3:
            del changed[at:]
        else:
            changed[at:end] = chance.choice(NASTY)
    return bytes(changed)


def twisted_array(array: Any, chance: random.Random) -> Any:
    """Another array in the place of `array`: strange, or like it with other shape, type, values."""
    kind = chance.randrange(14)
    changed = array.copy()
    flat = changed.reshape(-1)
    at = chance.randrange(flat.size) if flat.size else 0
    if kind < 4 or not flat.size or not changed.ndim:
        return chance.choice(STRANGE_ARRAYS)
    if kind == 4:
        return changed[: len(changed) // 2]
    if kind == 5:
        return np.concatenate([changed, changed])
    if kind == 6:
        return changed[:0]
    if kind == 7 and changed.dtype.kind in "if":
        flat[at] = chance.choice((-1, 0, 1, 2))
    elif kind == 8 and changed.dtype.kind == "i":
        flat[at] = chance.choice((np.iinfo(changed.dtype).max, np.iinfo(changed.dtype).min))
    elif kind == 9 and changed.dtype.kind == "f":
        flat[at] = chance.choice(STRANGE_NUMBERS)
    elif kind == 10:
        return changed[::-1].copy()
    elif kind == 11:
        return changed[..., None].copy()
    elif kind == 12:
        changed[...] = flat[0]
    elif changed.dtype.kind == "U" and kind == 13:
        flat[at] = chance.choice(("", "\x1b[31m", "a", "\u202e", "dense", "sparse", "user"))
    else:
        return changed.astype(OTHER_KINDS.get(changed.dtype.kind, np.int8))
    return changed


def twisted_npz(content: bytes, chance: random.Random) -> bytes:
    """An npz of which one or two arrays are missing, added or others."""
    made = io.BytesIO()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    for name in chance.sample(sorted(kept), min(len(kept), chance.choice((1, 1, 1, 2)))):
        if chance.random() < 0.08:
            del kept[name]
        else:
            kept[name] = twisted_array(kept[name], chance)
    if chance.random() < 0.05:
        name = chance.choice(("column_0", "user_tags_9", "item_titles", "features_format", "more"))
        kept[name] = chance.choice(STRANGE_ARRAYS)
    np.savez(made, allow_pickle=False, **kept)
    return made.getvalue()


def strange(chance: random.Random) -> Any:
    """One of the strange values, which the caller may change."""
    return copy.deepcopy(chance.choice(STRANGE_VALUES))


def places_in(content: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in a structure, with each of its keys."""
    if isinstance(content, dict | list):
        for key in list(content) if isinstance(content, dict) else range(len(content)):
            yield content, key
            yield from places_in(content[key])


def twisted_value(content: Any, chance: random.Random) -> Any:
    """A structure with one or two values that are missing, added or others."""
    for _ in range(chance.choice((1, 1, 2))):
        places = list(places_in(content))
        if not places or chance.random() < 0.03:
            return strange(chance)
        inside, key = chance.choice(places)
        kind = chance.randrange(8)
        if kind == 0:
            del inside[key]
        elif kind == 1 and isinstance(inside, dict):
            inside[chance.choice(("more", "\x1b[31m", "a" * 400))] = strange(chance)
        elif kind == 2:
            inside[key] = chance.choice(places)[0]
            if is_circular(content):
                return strange(chance)
            content = json.loads(json.dumps(content))
        else:
            inside[key] = strange(chance)
    return content


def is_circular(content: Any) -> bool:
    try:
        json.dumps(content)
    except (ValueError, RecursionError):
        return True
    return False


def twisted_json(content: bytes, chance: random.Random) -> bytes:
    return json.dumps(twisted_value(json.loads(content), chance)).encode(errors="replace")


def twisted_lines(content: bytes, chance: random.Random) -> bytes:
    """JSON lines, of which some are others, twice there, or missing."""
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[chance.randrange(len(lines))])
    else:
        lines[at] = twisted_json(lines[at], chance) + b"\n"
    return b"".join(lines)


def twisted_yaml(content: bytes, chance: random.Random) -> bytes:
    changed = twisted_value(yaml.safe_load(content), chance)
    return yaml.safe_dump(changed, allow_unicode=True).encode(errors="replace")


def twisted_tensors(content: bytes, chance: random.Random, folder: Path) -> bytes:
    """A checkpoint whose tensors or facts are others, and whose checksum agrees."""
    path = folder / "twisted.safetensors"
    path.write_bytes(content)
    tensors, facts = load_tensors(path)
    if chance.random() < 0.6 and tensors:
        name = chance.choice(sorted(tensors))
        if chance.random() < 0.15:
            del tensors[name]
        else:
            array = twisted_array(tensors[name].numpy(), chance)
            if array.dtype.kind in "ifb" and array.dtype.isnative:
                tensors[name] = plain_tensor(array)
            else:
                tensors[name] = torch.zeros(3, dtype=torch.bfloat16)
    else:
        facts = twisted_value(facts, chance)
    save_tensors(path, tensors, facts)
    try:
        return path.read_bytes()
    finally:
        path.unlink()


def plain_tensor(array: Any) -> torch.Tensor:
    """A copy with the usual strides, which an array of one number need not have."""
    source = torch.from_numpy(array.copy())
    return torch.empty(source.shape, dtype=source.dtype).copy_(source)


def twisted(path: Path, chance: random.Random, folder: Path) -> bytes:
    """Another content for a file, by its kind; now and then only its bytes are others.

    Args:
        folder: where a temporary file may be.
    """
    content = path.read_bytes()
    kinds: dict[str, Callable[[bytes, random.Random], bytes]] = {
        ".npz": twisted_npz,
        ".json": twisted_json,
        ".jsonl": twisted_lines,
        ".yaml": twisted_yaml,
        ".safetensors": lambda content, chance: twisted_tensors(content, chance, folder),
    }
    if path.suffix not in kinds or chance.random() < 0.15:
        return scrambled(content, chance)
    return kinds[path.suffix](content, chance)


def reseal(path: Path, runs: Path) -> None:
    """Make the manifest of a dataset, and of its runs, agree with the npz."""
    manifest = path.with_suffix(".json")
    told = json.loads(manifest.read_bytes())
    before, now = told["npz_sha256"], files.sha256(path)
    manifest.write_text(json.dumps(told | {"npz_sha256": now}))
    for other in runs.glob("*/manifest.json"):
        if not other.parent.is_symlink():
            other.write_text(other.read_text().replace(before, now))
