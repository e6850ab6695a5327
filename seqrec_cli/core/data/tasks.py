"""Ray, opened for a command, and its tasks: functions that one machine uses too.

Ray runs them, moves what they give, keeps it on disks where memory is short, and repeats a task
whose process has died.
"""

import contextlib
import functools
import importlib
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seqrec_cli.core.storage.memory import limited_cores
from seqrec_cli.errors import ConfigError, MissingExtra, SeqRecError

REPEATED = 5  # times that a task is tried again after its process has died
CORES = 1  # that a task has
WAITING = 2  # tasks that are handed over before their turn, for each core


def task_of(ray: Any, work: Callable[..., Any], results: int = 1) -> Any:
    """A function as a task of Ray with that many results, which uses its share of the cores."""

    @functools.wraps(work)
    def on_its_share(*arguments: Any) -> Any:
        with limited_cores(CORES):
            return work(*arguments)

    return ray.remote(num_cpus=CORES, num_returns=results, max_retries=REPEATED)(on_its_share)


def in_order(ray: Any, tasks: Iterable[Any]) -> Iterator[Any]:
    """The results of tasks, in their order.

    `tasks` is asked for the next when there is room for it, so that what they are given does not
    wait in memory all at once.
    """
    room = WAITING * max(1, int(ray.cluster_resources().get("CPU", 1)))
    begun: deque[Any] = deque()
    for task in tasks:
        begun.append(task)
        if len(begun) >= room:
            yield ray.get(begun.popleft())
    while begun:
        yield ray.get(begun.popleft())


@contextlib.contextmanager
def opened_ray(workers: int | None) -> Iterator[Any]:
    """Ray with so many processes, or the cluster that RAY_ADDRESS names.

    Raises:
        MissingExtra: it is not installed.
        SeqRecError: what a task raised.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send figures of the machine
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray: Any = importlib.import_module("ray")
    except ImportError:
        raise MissingExtra("ray", "cluster") from None
    local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers}
    try:
        with kept_handler():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR", **local)
    except Exception as error:  # Ray has no class of its own for it
        ray.shutdown()
        reason = str(error).strip().partition("\n")[0].partition(". ")[0]
        raise ConfigError(
            f"Ray does not start: {reason}",
            "try again when the machine has less to do; check RAY_ADDRESS, if it is set; or leave "
            "out `--engine`",
        ) from error
    try:
        yield ray
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SeqRecError):
            raise error.cause from None
        raise
    finally:
        ray.shutdown()


@contextlib.contextmanager
def kept_handler() -> Iterator[None]:
    """Keep what is done at SIGTERM: Ray would put its own in place of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
