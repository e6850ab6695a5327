"""Weights of another tool: a safetensors file, or one of torch's own, read as data."""

from pathlib import Path

import safetensors
from safetensors.torch import load_file
from torch import Tensor

from seqrec_cli.core.storage import foreign
from seqrec_cli.core.storage.torch_archive import DAMAGE, read_archive
from seqrec_cli.errors import InputError

LARGEST_FILE = 4 << 30  # bytes
ARCHIVE, PICKLE = b"PK\x03\x04", b"\x80"  # how a file of torch's begins: since 1.6, and before
REMEDY = (
    "save its weights where it was trained: `import safetensors.torch; "
    "safetensors.torch.save_file(model.state_dict(), 'FILE.safetensors')`"
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of one as `torch.save(model.state_dict(), …)` writes
    it, by name.

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
    if start.startswith(PICKLE):
        raise InputError(
            f"`{path}` is a pickle, as torch saved before 1.6, which could run code: it is unread",
            REMEDY,
        )
    try:
        if start != ARCHIVE:
            return load_file(path)
        with foreign.open_regular(path, LARGEST_FILE) as file:
            return read_archive(file)
    except (*DAMAGE, safetensors.SafetensorError) as error:
        detail = str(error).partition("\n")[0][:200]
        raise InputError(f"`{path}` does not hold weights: {detail}", REMEDY) from error
