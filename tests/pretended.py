"""A device that is none: its tensors lie on the CPU, and refuse to meet those of the CPU.

Torch treats it as it treats a GPU: what was not moved there is an error, and so is `.numpy()`
without `.cpu()`. So what runs on a GPU can run where none is, but for a GPU's own kernels.
`python -m tests.pretended ARGUMENTS` runs `seqrec` with it in the place of cuda.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

NAME = "pretended"
# Operations whose tensors may lie on both: copies; and, as on a GPU, indices.
MAY_MEET = {
    *("aten._to_copy", "aten.copy_", "aten._copy_from"),
    *("aten.index", "aten.index_put_", "aten._index_put_impl_"),
}


class Pretended(Tensor):
    """A tensor of the device, with the one of the CPU that it stands for."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Pretended":
        made: Pretended = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride() if held.layout == torch.strided else None,
            dtype=held.dtype,
            layout=held.layout,
            device=torch.device(NAME, 0),
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute on the CPU; what comes of it lies on the device, unless it is to lie elsewhere."""
    name = str(func).rpartition(".")[0]
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    ours = [tensor for tensor in tensors if isinstance(tensor, Pretended)]
    others = [t for t in tensors if not isinstance(t, Pretended) and t.dim()]
    if ours and others and name not in MAY_MEET:
        raise RuntimeError(f"{name}: tensors of the CPU and of the device meet")
    to = kwargs.get("device")
    args, kwargs = tree_map_only(Pretended, lambda tensor: tensor.held, (args, kwargs))
    if to is not None:
        kwargs["device"] = torch.device("cpu")
    made = func(*args, **kwargs)
    if name.endswith("_") and isinstance(made, Tensor):
        return tensors[0]  # changed in place
    if to is not None and torch.device(to).type != NAME:
        return made
    return tree_map_only(Tensor, Pretended, made)


class Backend:
    """What torch asks of a module of a device."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


def register() -> torch.device:
    """Make the device known to torch, for the whole of this process."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME, Backend())
    library = torch.library.Library("_", "IMPL")
    library.fallback(lambda func, *args, **kwargs: compute(func, args, kwargs), "PrivateUse1")
    globals()["library"] = library  # for as long as the process
    return torch.device(NAME, 0)


def main() -> None:
    """Run `seqrec` where `--device cuda` is this device."""
    from seqrec_cli.__main__ import main as run
    from seqrec_cli.core import devices

    device, usual = register(), devices.choose_device
    devices.choose_device = lambda name: device if name == "cuda" else usual(name)
    run()


if __name__ == "__main__":
    main()
