"""All cores at work: independent pieces, each on one core.

A step of a small model is hundreds of short operations. Left to itself torch splits each of them
over the cores and waits for the slowest; when anything else runs on the machine, that waiting
takes several times as long as the work. Pieces that meet once at the end do not have that trouble.
"""

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch

from seqrec_cli.errors import ConfigError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

AHEAD = 2  # pieces begun before their turn, for each core


class WorkerPool:
    """Threads that each compute on one core: as many as torch has on the CPU, none elsewhere.

    What a piece of work gives does not depend on the others nor on the number of threads.
    """

    def __init__(self, device: torch.device) -> None:
        self.count = torch.get_num_threads() if device.type == "cpu" else 1
        self.pool = ThreadPoolExecutor(self.count, "seqrec") if self.count > 1 else None

    def begin(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Do `work`, which must not use torch's own threads, when a core has nothing before it.

        Returns what to call for the result.
        """
        return work if self.pool is None else self.pool.submit(work).result

    def alone(self, work: Callable[[], Result]) -> Result:
        """Do one piece of work on one core."""
        return next(self.map(lambda _: work(), [None]))

    def map(self, work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
        """Do `work` on each piece and give the results in the order of the pieces.

        Pieces are taken as there is room, the first of them at once, and results are not kept.
        """
        if self.pool is None:
            return map(work, pieces)
        pool, rest = self.pool, iter(pieces)

        def alone(piece: Piece) -> Result:
            torch.set_num_threads(1)  # for this thread, and for the matrix library as a whole
            return work(piece)

        first = itertools.islice(rest, AHEAD * self.count)
        return self.collect(deque(pool.submit(alone, piece) for piece in first), pool, alone, rest)

    def collect(
        self,
        waiting: deque[Future[Result]],
        pool: ThreadPoolExecutor,
        work: Callable[[Piece], Result],
        rest: Iterator[Piece],
    ) -> Iterator[Result]:
        """Give the results of what was begun, and begin one more piece for each."""
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(work, piece) for piece in itertools.islice(rest, 1))
        finally:
            for future in waiting:
                future.cancel()
            torch.set_num_threads(self.count)


# Held while a module changes its mode, so that no thread computes with half of it changed.
changing_mode = threading.Lock()


def training_mode(model: Any) -> None:
    """Put a module into training mode: dropout is on, batch statistics are in use."""
    with changing_mode:
        if not model.training:
            model.train()


def evaluation_mode(model: Any) -> None:
    """Put a module into evaluation mode: dropout is off, running statistics are in use."""
    with changing_mode:
        if model.training:
            model.eval()


def device_of_worker(name: str) -> torch.device:
    """The device of one of several workers: of several GPUs, each worker of a machine has its own.

    Raises:
        ConfigError: as `choose_device`, or there are too few.
    """
    device = choose_device(name)
    if device.type != "cuda":
        return device
    own = int(os.environ.get("LOCAL_RANK", "0"))
    if own >= torch.cuda.device_count():
        raise ConfigError(
            f"this machine has {torch.cuda.device_count()} GPUs, fewer than workers",
            f"use `--workers {torch.cuda.device_count()}`, or `--device cpu`",
        )
    torch.cuda.set_device(own)
    return torch.device("cuda", own)


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
