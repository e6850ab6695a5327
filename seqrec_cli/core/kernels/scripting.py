"""Loops of many short operations, run by torch's own interpreter.

An operation on a few thousand numbers takes less time than Python needs to ask for it, and while
Python asks, no other thread may: the threads of a training step (parallel.py) then wait for each
other hundreds of times. TorchScript runs such a loop as a whole, by the same kernels and with the
same numbers (tests/core/test_scripting.py), and lets go of Python's lock. It takes time to compile,
which is wasted on whoever wants a few recommendations: so that is for trainings alone.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# From Python 3.14 on TorchScript is not supported, and functions run as they are.
SUPPORTED = sys.version_info < (3, 14)

compiling = threading.Lock()


class Here(threading.local):
    """What is so in one thread."""

    training = False


here = Here()


@contextmanager
def compiled_loops() -> Iterator[None]:
    """Let `scripted` functions run as TorchScript, in this thread, until its end."""
    before, here.training = here.training, True
    try:
        yield
    finally:
        here.training = before


def scripted(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run `function` as TorchScript within `compiled_loops`; `__wrapped__` is the function itself.

    It may use tensors, numbers, lists, named tuples, and functions that use no more than that. Its
    first argument is a tensor: where that is not on the CPU the function itself is run, as there
    TorchScript would compile kernels of its own. Gradients are not to go through it. Products with
    a sum are to be written in place or with `out`: TorchScript takes `addmm` apart, and rounds
    twice.
    """

    @cache
    def compiled() -> Callable[Arguments, Result]:
        with warnings.catch_warnings():
            # torch.compile, which is to take its place, wants a C++ compiler on the user's machine.
            warnings.filterwarnings("ignore", ".*torch.jit.*", DeprecationWarning)
            try:
                return torch.jit.script(function)
            except OSError:  # there is no source to compile, only bytecode
                return function

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        on_cpu = bool(args) and isinstance(args[0], Tensor) and args[0].device.type == "cpu"
        if not (here.training and SUPPORTED and on_cpu):
            return function(*args, **kwargs)
        with compiling:
            ready = compiled()
        return ready(*args, **kwargs)

    return run
