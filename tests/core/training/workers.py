"""Workers that meet, for tests of several processes: each has computed nothing before.

They are forked from a server that has only imported: a child of a process that has computed may
inherit a lock of MKL's allocator that nobody gives back, and hang.
"""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching import sequential as batching
from seqrec_cli.core.training import distributed, sharding
from seqrec_cli.core.training.distributed import leave, meet_workers

CPU = torch.device("cpu")
PART = 100  # targets, so that a batch has four parts
GATHERED = 1024  # bytes, so that a table is brought together in several blocks

server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload([__name__])


def together(
    size: int, task: Callable[..., Any], folder: Path, *given: Any, **options: Any
) -> list[str]:
    """What `task(team, *given)` gives in each of `size` workers, as text."""
    folder.mkdir(exist_ok=True)
    workers = [
        server.Process(target=work, args=(task, rank, size, folder, given, options))
        for rank in range(size)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    for worker in workers:
        worker.kill()  # one that hangs would take a core from all tests behind it
    files = [folder / f"{rank}.npy" for rank in range(size)]
    return [str(np.load(f, allow_pickle=False)[0]) if f.exists() else "" for f in files]


def work(
    task: Callable[..., Any],
    rank: int,
    size: int,
    folder: Path,
    given: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    batching.PART_TARGETS = batching.HALF_TARGETS = PART
    sharding.GATHERED_BYTES = GATHERED
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size)}
    store = torch.distributed.FileStore(str(folder / "meet"), size)
    join_by = torch.distributed.init_process_group

    def meet(backend: str, **options: Any) -> None:
        join_by(backend, store=store, rank=rank, world_size=size, **options)

    distributed.dist.init_process_group = meet  # type: ignore[assignment]
    try:
        told = task(meet_workers(CPU, **options), *given)
    except Exception as error:  # the test looks at it
        told = error
    np.save(folder / f"{rank}.npy", np.array([repr(told)]), allow_pickle=False)
    leave()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own process has parts and blocks as small as the workers'."""
    monkeypatch.setattr(batching, "PART_TARGETS", PART)
    monkeypatch.setattr(batching, "HALF_TARGETS", PART)
    monkeypatch.setattr(sharding, "GATHERED_BYTES", GATHERED)
