"""Starting workers on this machine by torch's elastic agent, as torchrun does."""

import logging
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from seqrec_cli.core.storage import files, foreign
from seqrec_cli.core.storage.memory import available_cores
from seqrec_cli.core.storage.temporary import private_folder
from seqrec_cli.errors import TrainingError

OUTCOME = "SEQREC_OUTCOME"  # names the file in which a worker leaves the exit code of all
RESTARTS = 3  # after workers that died


def launch(arguments: Sequence[str], workers: int) -> int:
    """Run `seqrec ARGUMENTS` in that many processes until they end; returns the exit code.

    When one dies, all are started again, and go on from the last checkpoint.

    Raises:
        TrainingError: they died again and again.
    """
    # With the store that it would share with the workers, the agent fails or hangs at a restart.
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    cores = available_cores()
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // workers)))
    logging.disable(logging.ERROR)  # of the agent, which tells of each signal and restart
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=workers,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=RESTARTS,
        logs_specs=DefaultLogsSpecs(),
    )
    with private_folder() as folder:
        outcome = folder.path / "outcome"
        os.environ[OUTCOME] = str(outcome)
        try:
            elastic_launch(config, sys.executable)("-m", "seqrec_cli", *arguments)
        except SignalException as stop:
            return told(outcome) or 128 + int(stop.sigval)
        except ChildFailedError as error:
            why = failures_in_words(error)
            raise TrainingError(
                f"a worker died, and so it did after {RESTARTS} restarts: {why}",
                "go on from the last checkpoint: `seqrec train --resume latest`",
            ) from error
        finally:
            del os.environ[OUTCOME]
        return told(outcome)


def is_launched() -> bool:
    """Whether this process is a worker that `launch` started."""
    return OUTCOME in os.environ


def has_told() -> bool:
    """Whether a worker has left the exit code of all already."""
    return Path(os.environ[OUTCOME]).exists()


def told_soon(seconds: float = 3.0) -> bool:
    """Whether one has, or does within some seconds."""
    deadline = time.monotonic() + seconds
    while not has_told() and time.monotonic() < deadline:
        time.sleep(0.05)
    return has_told()


def tell(code: int) -> None:
    """Leave the exit code of all for the process that launched this one."""
    files.write_text(Path(os.environ[OUTCOME]), str(code))


def told(outcome: Path) -> int:
    """The exit code that a worker left, or 0."""
    return int(foreign.read_text(outcome)) if outcome.exists() else 0


def failures_in_words(error: Exception) -> str:
    """The sentence about the first worker that failed."""
    failures = getattr(error, "failures", {})
    return ", ".join(f"worker {f.rank} ended with {f.exitcode}" for f in failures.values())
