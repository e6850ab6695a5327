"""Tensors in safetensors files, with a checksum."""

import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from seqrec_cli.core.storage import files, foreign
from seqrec_cli.core.storage.memory import in_words, total_memory
from seqrec_cli.errors import ConfigError, RunError

# What safetensors calls each dtype, in the order in which it writes them.
DTYPES = {
    torch.int64: "I64",
    torch.float64: "F64",
    torch.complex64: "C64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}

SMALL_MODEL = 1 << 22  # numbers that any run may allocate
TRAINING_BYTES = 16  # of a weight: itself, its gradient, and Adam's two moments


class AllocationLimit(TorchFunctionMode):
    """Limits what torch allocates to about the size of the given tensors.

    A stranger's experiment may ask for a model of any size. Weights of that size make the
    stranger's file as large, so a model is never built much larger than its file.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.left = SMALL_MODEL + 2 * sum(tensor.numel() for tensor in tensors.values())

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.left -= numbers_made(func, args)
        if self.left < 0:
            raise ValueError("the experiment asks for a model larger than the weights")
        return func(*args, **(kwargs or {}))


class MemoryLimit(TorchFunctionMode):
    """Refuses to build a model whose training would not fit into memory, before it is allocated."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0
        self.memory = total_memory()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.numbers += numbers_made(func, args)
        needed = self.numbers * TRAINING_BYTES
        if needed > self.memory:
            raise ConfigError(
                f"the model has {self.numbers:,} weights or more, whose training takes "
                f"{in_words(needed)} of memory, and there are {in_words(self.memory)}",
                "use a smaller model (such as `--set model.hidden=64`), or fewer items "
                "(`seqrec prepare --min-item-count`)",
            )
        return func(*args, **(kwargs or {}))


def numbers_made(func: Any, args: Any) -> int:
    """How many numbers a call of torch allocates, where that is all that it does."""
    if func not in (torch.empty, torch.zeros, torch.ones, torch.full, torch.randn, torch.rand):
        return 0
    sizes = args[0] if args and isinstance(args[0], tuple | list | torch.Size) else args
    return math.prod(size for size in sizes if isinstance(size, int))


def first_line(error: Exception) -> str:
    """The first entry of torch's list of mismatches."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)] if lines else type(error).__name__


def save_tensors(
    path: Path, tensors: dict[str, Tensor], facts: dict[str, Any], previous: Path | None = None
) -> None:
    """Write tensors and JSON metadata as one safetensors file, with a checksum of both.

    They are written from where they lie, one after the other, without a copy of all of them. The
    file that this one replaces is kept at `previous`.
    """
    text = json.dumps(facts)
    # One key: safetensors writes several in random order, and equal runs must give equal bytes.
    metadata = {"seqrec": json.dumps({"facts": text, "sha256": digest(tensors, text)})}
    header = safetensors_header(tensors, metadata)

    def keep(_: Path) -> None:
        if previous is not None:
            files.keep_previous(path, previous)

    size = len(header) + sum(tensor.nbytes for tensor in tensors.values())
    with files.atomic_writer(path, size, keep) as file:
        file.write(header)
        for name in in_file_order(tensors):
            file.write(content_of(tensors[name]).data)


def safetensors_header(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The beginning of a safetensors file: the length of its header, and the header.

    As https://huggingface.co/docs/safetensors#format says, to the byte what the library writes.
    """
    entries: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name in in_file_order(tensors):
        tensor = tensors[name]
        start, end = end, end + tensor.nbytes
        entries[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def in_file_order(tensors: dict[str, Tensor]) -> list[str]:
    """Names in the order of the library, which keeps what needs wider alignment first."""
    kinds = list(DTYPES)
    return sorted(tensors, key=lambda name: (kinds.index(tensors[name].dtype), name))


def content_of(tensor: Tensor) -> NDArray[np.uint8]:
    """The bytes of a tensor (its own, on the CPU), little-endian as on every machine of ours."""
    plain = tensor.detach().cpu().contiguous()
    content: NDArray[np.uint8] = plain.reshape(-1).view(torch.uint8).numpy()
    return content


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `save_tensors`.

    Raises:
        RunError: missing or damaged.
    """
    try:
        foreign.open_regular(path, follow=False).close()  # safetensors would block on a pipe
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {})["seqrec"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata["sha256"] != digest(tensors, metadata["facts"]):
            raise ValueError("its checksum does not match")
        facts = json.loads(metadata["facts"])
        if not isinstance(facts, dict):
            raise TypeError("its metadata is not a mapping")
    except FileNotFoundError:
        raise RunError(
            f"there is no checkpoint `{path}`", "check the path, or train again"
        ) from None
    except (
        *(OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError),
        *(RecursionError, OverflowError, safetensors.SafetensorError),
    ) as error:
        detail = str(error).partition("\n")[0][:200]
        raise RunError(
            f"the checkpoint `{path}` is damaged: {detail}",
            "use another checkpoint, or train again",
        ) from error
    return tensors, facts


def digest(tensors: dict[str, Tensor], facts: str) -> str:
    """SHA-256 of names, shapes, dtypes, values and facts, as hexadecimal digits."""
    checksum = hashlib.sha256(facts.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        checksum.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        checksum.update(content_of(tensor).data)
    return checksum.hexdigest()
