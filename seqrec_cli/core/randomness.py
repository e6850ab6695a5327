"""One seed comes in, streams go down.

Every random number is a function of (seed, purpose, counters), such as (seed, NEGATIVES, epoch,
user). Nothing depends on what was drawn before, so neither the order of batches nor an
interruption changes a result, and there is no random state to save.
"""

import contextlib
import enum
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class Purpose(enum.IntEnum):
    """What a stream is for; part of its key, so that no two uses share numbers."""

    WEIGHTS = 1
    ORDER = 2
    NOISE = 3
    NEGATIVES = 4
    CANDIDATES = 5
    BOOTSTRAP = 6
    USERS = 7
    TEST_USERS = 8
    VALID_USERS = 9
    CANDIDATE_NEGATIVES = 10
    HISTORY_NEGATIVES = 11
    SEARCH = 12


def stream(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """A NumPy generator for one key."""
    return np.random.Generator(np.random.SFC64([seed, purpose, *counters]))


def torch_stream(seed: int, purpose: Purpose, *counters: int) -> "torch.Generator":
    """A torch generator (on the CPU) for one key."""
    import torch  # preparing a log draws numbers too, and does without

    state = int(stream(seed, purpose, *counters).integers(2**63))
    return torch.Generator().manual_seed(state)


# All threads share torch's own generators, so one thread at a time may have seeded them.
seeding = threading.RLock()


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Seed torch's own generators while the block runs, for modules that draw from them.

    Afterwards they are as they were. Without a seed nothing is done.
    """
    if seed is None:
        yield
        return
    import torch

    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with seeding, torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield


def hashed(
    seed: int, purpose: Purpose, epoch: int, users: NDArray[Any], counters: NDArray[Any]
) -> NDArray[np.float64]:
    """A number uniform in [0, 1) for each (seed, purpose, epoch, user, counter).

    Args:
        users, counters: integers of shapes that broadcast together.

    Returns:
        float64 of that shape, multiples of 2^-53.

    SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) as a hash, one round for each part of the key.
    """
    key = stream(seed, purpose, epoch).integers(2**64, dtype=np.uint64)
    bits = splitmix(splitmix(users.astype(np.uint64) + key) + counters.astype(np.uint64))
    bits >>= np.uint64(11)
    return np.asarray(bits * 2.0**-53, np.float64)


def splitmix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of SplitMix64 from each of `values`, uint64 to uint64."""
    z = values * np.uint64(0x9E3779B97F4A7C15)  # as if `values` steps had been taken
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
