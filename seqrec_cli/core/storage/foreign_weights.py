"""Weights of another tool: a safetensors file, which holds tensors and nothing that could run."""

from pathlib import Path

import safetensors
from safetensors.torch import load_file
from torch import Tensor

from seqrec_cli.core.storage import foreign
from seqrec_cli.errors import InputError

LARGEST_FILE = 4 << 30  # bytes
OF_TORCH = (b"PK\x03\x04", b"\x80")  # how a file of torch's own begins: now, and before torch 1.6
REMEDY = (
    "save its weights where it was trained: `import safetensors.torch; "
    "safetensors.torch.save_file(model.state_dict(), 'FILE.safetensors')`"
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name.

    Raises:
        InputError: missing, no regular file, too large, or not such a file.
    """
    try:
        with foreign.open_regular(path, LARGEST_FILE) as file:  # safetensors would block on a pipe
            start = file.read(4)
    except OSError as error:
        raise InputError(
            f"`{path}` cannot be read: {error.strerror or error}", "check the path"
        ) from error
    if start.startswith(OF_TORCH):
        raise InputError(
            f"`{path}` is a pickle, as torch saves it, which could run code and is not read", REMEDY
        )
    try:
        return load_file(path)
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        detail = str(error).partition("\n")[0][:200]
        raise InputError(f"`{path}` does not hold weights: {detail}", REMEDY) from error
