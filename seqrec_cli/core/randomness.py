"""One seed comes in, streams go down; and the choice of the device they feed.

Every random number is a function of (seed, purpose, counters), such as (seed, NEGATIVES, epoch,
user). Nothing depends on what was drawn before, so neither the order of batches nor an
interruption changes a result, and there is no random state to save.
"""

import enum
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.errors import ConfigError


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


def stream(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """A NumPy generator for one key."""
    return np.random.Generator(np.random.SFC64([seed, purpose, *counters]))


def torch_stream(seed: int, purpose: Purpose, *counters: int) -> torch.Generator:
    """A torch generator (on the CPU) for one key."""
    state = int(stream(seed, purpose, *counters).integers(2**63))
    return torch.Generator().manual_seed(state)


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


class Noise:
    """The random numbers of one part of a training step: dropout draws from here, in order."""

    def __init__(self, seed: int, epoch: int, step: int, part: int, device: torch.device) -> None:
        generator = stream(seed, Purpose.NOISE, epoch, step, part)
        self.bits = generator.bit_generator
        if device.type != "cpu":
            # There the fused kernels draw for themselves, from the device's own generator.
            torch.manual_seed(int(generator.integers(2**63)))

    def kept(self, shape: torch.Size | tuple[int, ...], drop: float) -> Tensor:
        """Draw float32 of `shape` on the CPU: 0.0 with probability `drop`, else 1.0.

        Each element costs 8 random bits, a thirtieth of torch's Bernoulli draws. Where `drop` is no
        multiple of 1/256, the whole draw takes the one below or above it, by a coin that makes the
        probability exact for each element.
        """
        count = math.prod(shape)
        limit, rest = divmod(drop * 256, 1)
        limit += self.bits.random_raw() < rest * 2**64
        words = self.bits.random_raw(-(-count // 8))
        raw = torch.from_numpy(words.view(np.int8)[:count]).view(shape)
        # Into float32 at once: as a tensor of its own the comparison takes twice the time.
        return torch.ge(raw, limit - 128, out=torch.empty(shape))


def choose_device(name: str) -> torch.device:
    """The device called auto, cpu, cuda or mps; auto takes the fastest there is.

    Raises:
        ConfigError: this machine has no such device.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if name not in available:
        raise ConfigError(f"unknown device `{name}`", "choose one of auto, cpu, cuda, mps")
    if not available[name]:
        have = ", ".join(kind for kind, there in available.items() if there)
        raise ConfigError(
            f"this machine has no device `{name}` that torch {torch.__version__} can use",
            f"it has: {have}; `--device auto` takes the fastest",
        )
    return torch.device(name)
