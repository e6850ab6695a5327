"""Weights in a file of torch.save: the only pickle that is read, in a process of its own.

That process gets the file as its standard input, reads it by torch's weights-only loader, which
makes tensors and nothing else, and hands over plain tensors as safetensors. Its memory, its time
and what it writes are limited. It runs only where somebody imports such a file.
"""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from seqrec_cli.core.storage import foreign
from seqrec_cli.core.storage.temporary import private_folder
from seqrec_cli.errors import InputError

LARGEST_FILE = 4 << 30  # bytes
SECONDS = 120  # of computing, for the process
ROOM = 2 << 30  # bytes of memory that it may take besides four times the file
CODE = "from seqrec_cli.core.storage.torch_weights import hand_over; hand_over()"
REMEDY = "save its weights alone: `torch.save(model.state_dict(), FILE)`"


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors by name of a file that `torch.save(model.state_dict(), path)` wrote.

    Raises:
        InputError: missing, too large, not such a file, or it holds anything but tensors.
    """
    try:
        file = foreign.open_regular(path, LARGEST_FILE)
    except OSError as error:
        raise InputError(
            f"`{path}` cannot be read: {error.strerror or error}", "check the path"
        ) from error
    with file, private_folder() as folder:
        with folder.new_file(".safetensors") as made:
            problem = run_reader(file, made.file)
        if problem:
            raise InputError(f"`{path}` does not hold weights alone: {problem}", REMEDY)
        try:
            return load_file(made.path)
        except (OSError, safetensors.SafetensorError) as error:
            raise InputError(f"`{path}` does not hold weights alone: {error}", REMEDY) from error


def run_reader(file: BinaryIO, made: BinaryIO) -> str:
    """Let the other process read `file` and write `made`; what went wrong, or ""."""
    # Threads of the arithmetic would take address space, and there is nothing to compute.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        result = subprocess.run(
            [sys.executable, "-c", CODE],
            stdin=file,
            stdout=made,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=2 * SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"reading it took more than {2 * SECONDS} seconds"
    if result.returncode == 0:
        return ""
    lines = result.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else f"its reader ended with {result.returncode}"


def hand_over() -> None:
    """In the process of its own: read the standard input, write safetensors to the standard output.

    Ends with 1 and one line on the standard error where the file is refused.
    """
    problem = ""
    try:
        size = os.fstat(sys.stdin.fileno()).st_size
        limit(ROOM + 4 * size, 2 * size + (1 << 20))
        sys.stdout.buffer.write(save(tensors_of(sys.stdin.buffer.read(), size)))
        sys.stdout.buffer.flush()
    except MemoryError:
        problem = "it asks for more memory than its size allows"
    except Exception as error:
        # What torch says of it advises to read the file without the wall.
        is_refused = type(error).__name__ == "UnpicklingError"
        problem = "something in it is no tensor" if is_refused else str(error)
        problem = problem.strip().partition("\n")[0][:300] or type(error).__name__
    if problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(1)


def tensors_of(content: bytes, size: int) -> dict[str, Tensor]:
    """The tensors of a file of `size` bytes, each as its own copy.

    Raises:
        ValueError: it holds something else, or more than a file of this size can.
    """
    read = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if not isinstance(read, dict) or not read:
        raise ValueError("it is not a mapping of names to tensors")
    found: dict[str, Tensor] = {}
    for name, tensor in read.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ValueError(f"`{str(name)[:80]}` is not a tensor")
        if tensor.layout != torch.strided or tensor.nbytes > size:
            raise ValueError(f"`{name[:80]}` is not a plain tensor of the file's size")
        found[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
    return found


def limit(memory: int, written: int) -> None:
    """Limit this process: its memory, its computing time, what it writes; where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        wanted = {
            resource.RLIMIT_DATA: memory,
            resource.RLIMIT_CPU: SECONDS,
            resource.RLIMIT_FSIZE: written,
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in wanted.items():
            _, highest = resource.getrlimit(kind)
            if highest != resource.RLIM_INFINITY:
                most = min(most, highest)
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))
