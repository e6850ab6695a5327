"""The switch between the kernels and their plain twins.

Every kernel has a twin in torch's public operations that computes the same, dropout bits included,
so that tests can compare the two. The environment variable SEQREC_KERNELS chooses: `fast` (the
default) or `plain`. Tests and benchmarks use `plain()`, for one kernel or for all.

The kernels are for the CPU. On other devices torch's operations compute in any case.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from seqrec_cli.errors import ConfigError

VARIABLE = "SEQREC_KERNELS"

KERNELS = (
    "attention",
    "folded_head",
    "dropout",
    "convolution",
    "gru",
    "augru",
    "cross_entropy",
    "shared_cross_entropy",
    "adam",
)

# Global, not of a thread: the threads of a training compute parts of one step.
switched_off: frozenset[str] = frozenset()


def fast(kernel: str) -> bool:
    """Whether this kernel computes; otherwise its plain twin does."""
    assert kernel in KERNELS, kernel
    return kernel not in switched_off and check_environment() == "fast"


def check_environment() -> str:
    """The value of SEQREC_KERNELS, `fast` or `plain`.

    Raises:
        ConfigError: it is neither.
    """
    value = os.environ.get(VARIABLE) or "fast"
    if value not in ("fast", "plain"):
        raise ConfigError(
            f"the environment variable `{VARIABLE}` is `{value}`",
            f"use `{VARIABLE}=fast` or `{VARIABLE}=plain`, or unset it",
        )
    return value


@contextmanager
def plain(*kernels: str) -> Iterator[None]:
    """Use the plain twins of these kernels while the block runs; of all if none is named."""
    global switched_off
    unknown = set(kernels) - set(KERNELS)
    if unknown:
        raise ValueError(f"no such kernels: {', '.join(sorted(unknown))}")
    before = switched_off
    switched_off = before | frozenset(kernels or KERNELS)
    try:
        yield
    finally:
        switched_off = before
