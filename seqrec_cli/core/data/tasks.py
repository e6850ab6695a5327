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


class RayTasks:
    """Tasks that Ray runs."""

    name = "ray"

    def __init__(self, ray: Any) -> None:
        self.ray = ray

    def task(self, work: Callable[..., Any], results: int = 1) -> Any:
        """A function as a task with that many results, which uses its share of the cores; its
        `remote` hands it over."""

        @functools.wraps(work)
        def on_its_share(*arguments: Any) -> Any:
            with limited_cores(CORES):
                return work(*arguments)

        settings = {"num_cpus": CORES, "num_returns": results, "max_retries": REPEATED}
        return self.ray.remote(**settings)(on_its_share)

    def put(self, value: Any) -> Any:
        """A value that many tasks are given."""
        return self.ray.put(value)

    def get(self, results: Any) -> Any:
        """The result of a task, or of several."""
        return self.ray.get(results)

    def cores(self) -> int:
        """How many tasks can run at a time."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    def waited(self, tasks: list[Any], seconds: float) -> tuple[list[Any], list[Any]]:
        """Wait so long for tasks that give one result; those that are done, and the others."""
        done, running = self.ray.wait(tasks, num_returns=len(tasks), timeout=seconds)
        return done, running

    def in_order(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """The results of tasks, in their order.

        `tasks` is asked for the next when there is room for it, so that what they are given does
        not wait in memory all at once.
        """
        room = WAITING * self.cores()
        begun: deque[Any] = deque()
        for task in tasks:
            begun.append(task)
            if len(begun) >= room:
                yield self.get(begun.popleft())
        while begun:
            yield self.get(begun.popleft())


@contextlib.contextmanager
def opened_ray(workers: int | None) -> Iterator[RayTasks]:
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
        yield RayTasks(ray)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SeqRecError):
            raise error.cause from None
        raise
    except SystemError as error:
        # What a signal raises while Ray waits in its own code comes out as the cause of this.
        if error.__cause__ is not None:
            raise error.__cause__ from None
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
