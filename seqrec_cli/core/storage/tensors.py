"""Tensors in safetensors files, with a checksum."""

import contextlib
import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

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

BLOCK_BYTES = 1 << 25  # of a stored tensor that are read at a time
SMALL_MODEL = 1 << 22  # numbers that any run may allocate
TRAINING_BYTES = 16  # of a weight: itself, its gradient, and Adam's two moments


class InPieces(Protocol):
    """A tensor that does not lie in memory as a whole, and gives its content piece by piece."""

    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def shape(self) -> torch.Size: ...
    @property
    def nbytes(self) -> int: ...
    def contents(self) -> Iterator[NDArray[np.uint8]]:
        """Its bytes, in their order."""
        ...


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

    def __init__(
        self, bytes_each: int = TRAINING_BYTES, otherwise: int = 0, remedy: str = ""
    ) -> None:
        """A weight takes `bytes_each`; with the `remedy`, if there is one, about `otherwise`."""
        super().__init__()
        self.numbers = 0
        self.bytes_each = bytes_each
        self.otherwise = otherwise
        self.remedy = remedy
        self.memory = total_memory()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.numbers += numbers_made(func, args)
        needed = self.numbers * self.bytes_each
        if needed > self.memory:
            fits = bool(self.remedy) and self.numbers * self.otherwise < self.memory
            raise ConfigError(
                f"the model has {self.numbers:,} weights or more, whose training takes "
                f"{in_words(needed)} of memory, and there are {in_words(self.memory)}",
                self.remedy
                if fits
                else "use a smaller model (such as `--set model.hidden=16`), or fewer items "
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
    path: Path,
    tensors: Mapping[str, Tensor | InPieces],
    facts: dict[str, Any],
    previous: Path | None = None,
) -> None:
    """Write tensors and JSON metadata as one safetensors file, with a checksum of both.

    They are written from where they lie, one after the other, without a copy of all of them; what
    is `InPieces` is asked for its content twice. The file that this one replaces is kept at
    `previous`.
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
            for content in contents_of(tensors[name]):
                file.write(content.data)


def take_part(tensors: Mapping[str, Tensor | InPieces]) -> None:
    """Ask for all contents in the order of `save_tensors`, of a process that does not write."""
    for name in (*sorted(tensors), *in_file_order(tensors)):
        tensor = tensors[name]
        if not isinstance(tensor, Tensor):
            for _ in tensor.contents():
                pass


def contents_of(tensor: Tensor | InPieces) -> Iterator[NDArray[np.uint8]]:
    """The bytes of a tensor, in one or in several pieces."""
    if isinstance(tensor, Tensor):
        yield content_of(tensor)
    else:
        yield from tensor.contents()


def safetensors_header(tensors: Mapping[str, Tensor | InPieces], metadata: dict[str, str]) -> bytes:
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


def in_file_order(tensors: Mapping[str, Tensor | InPieces]) -> list[str]:
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
    with refusing_damage(path):
        foreign.open_regular(path, follow=False).close()  # safetensors would block on a pipe
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = checked_facts(file, tensors)
    return tensors, facts


def open_tensors(path: Path) -> tuple[dict[str, "StoredTensor"], dict[str, Any]]:
    """The tensors of a file of `save_tensors`, which stay in it until they are asked for.

    The checksum is that of the whole file, which is read once.

    Raises:
        RunError: missing or damaged.
    """
    with refusing_damage(path):
        foreign.open_regular(path, follow=False).close()
        file: Any = safetensors.safe_open(
            path, framework="pt"
        )  # open as long as its tensors are there
        tensors = {name: StoredTensor(file, name) for name in file.keys()}  # noqa: SIM118
        facts = checked_facts(file, tensors)
    return tensors, facts


def stored_digest(path: Path) -> str:
    """The checksum in the header of a file of `save_tensors`, which is not held against the rest.

    Raises:
        RunError: missing or damaged.
    """
    with refusing_damage(path):
        foreign.open_regular(path, follow=False).close()
        with safetensors.safe_open(path, framework="pt") as file:
            return str(json.loads((file.metadata() or {})["seqrec"])["sha256"])


def checked_facts(file: Any, tensors: Mapping[str, Tensor | InPieces]) -> dict[str, Any]:
    """The facts beside the tensors of an open file.

    Raises:
        ValueError, TypeError: the checksum does not match, or there are no facts.
    """
    metadata = json.loads((file.metadata() or {})["seqrec"])
    if metadata["sha256"] != digest(tensors, metadata["facts"]):
        raise ValueError("its checksum does not match")
    facts = json.loads(metadata["facts"])
    if not isinstance(facts, dict):
        raise TypeError("its metadata is not a mapping")
    return facts


class StoredTensor:
    """A tensor in a safetensors file, read when it is asked for, a block of rows at a time."""

    def __init__(self, file: Any, name: str) -> None:
        self.file = file
        self.name = name
        stored = file.get_slice(name)
        names = {word: dtype for dtype, word in DTYPES.items()}
        self.dtype = names[stored.get_dtype()]
        self.shape = torch.Size(stored.get_shape())

    @property
    def nbytes(self) -> int:
        return self.shape.numel() * self.dtype.itemsize

    def blocks(self) -> Iterator[tuple[int, Tensor]]:
        """The first row of each block, and the block."""
        if not self.shape:
            yield 0, self.file.get_tensor(self.name)
            return
        row_bytes = max(1, self.nbytes // max(1, self.shape[0]))
        most = max(1, BLOCK_BYTES // row_bytes)
        stored = self.file.get_slice(self.name)
        for start in range(0, self.shape[0], most):
            yield start, stored[start : min(self.shape[0], start + most)]

    def contents(self) -> Iterator[NDArray[np.uint8]]:
        """Its bytes, a block at a time."""
        for _, block in self.blocks():
            yield content_of(block)

    @torch.no_grad()
    def copy_to(self, target: Tensor, first: int = 0, step: int = 1) -> None:
        """Copy every `step`-th row from the row `first` on into `target`, which has as many."""
        for start, block in self.blocks():
            if not self.shape:
                target.copy_(block)
                return
            skipped = (first - start) % step
            rows = block[skipped::step]
            place = (start + skipped - first) // step
            target[place : place + len(rows)] = rows.to(target.device)


@contextlib.contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Say in a sentence that the checkpoint at `path`, which the block reads, is of no use.

    Raises:
        RunError: missing or damaged.
    """
    try:
        yield
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


def digest(tensors: Mapping[str, Tensor | InPieces], facts: str) -> str:
    """SHA-256 of names, shapes, dtypes, values and facts, as hexadecimal digits."""
    checksum = hashlib.sha256(facts.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        checksum.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        for content in contents_of(tensor):
            checksum.update(content.data)
    return checksum.hexdigest()
