"""Ray for tests: one start of it, which takes ten seconds or more, for all that a session runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

START = """
import os, sys
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
import ray
made = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
print(made.address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Cluster:
    """A running Ray of two workers.

    Attributes:
        environment: with which commands find it.
        process: the one above all of its processes.
    """

    environment: dict[str, str]
    process: int

    def workers(self, tasks: tuple[str, ...]) -> Iterator[int]:
        """The processes that run one of these tasks, as far as /proc tells."""
        parents, names = {}, {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                status = (path / "stat").read_text()
                names[int(path.name)] = (path / "cmdline").read_text()
            except OSError:
                continue
            parents[int(path.name)] = int(status.rpartition(") ")[2].split()[1])
        for number, name in names.items():
            above = number
            while above in parents and above != self.process:
                above = parents[above]
            if above == self.process and name.startswith(tuple(f"ray::{task}" for task in tasks)):
                yield number

    def kill(self, command: "subprocess.Popen[str]", tasks: tuple[str, ...], most: int) -> set[int]:
        """Kill workers with such tasks while a command runs; which."""
        killed = set[int]()
        while command.poll() is None and len(killed) < most:
            for worker in self.workers(tasks):
                if worker not in killed and len(killed) < most:
                    killed.add(worker)
                    os.kill(worker, 9)
            time.sleep(0.02)
        return killed


def started() -> Iterator[Cluster]:
    """Start Ray, and end it; the test is skipped where the machine has too much to do for it."""
    process = subprocess.Popen(
        [sys.executable, "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    if not address:
        process.wait()
        pytest.skip("the machine has too much to do for Ray to start")
    # A Ray that is started by a process asks others for the token that it keeps for its user.
    yield Cluster({"RAY_ADDRESS": address, "RAY_AUTH_MODE": "token"}, process.pid)
    try:
        process.communicate("", timeout=60)
    except subprocess.TimeoutExpired:  # nothing of it may be left beside the next tests
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def command(arguments: list[str], cluster: Cluster | None = None) -> "subprocess.Popen[str]":
    """A command in a process of its own, as Ray's threads do not end with a test; by a running Ray,
    or by one that it starts."""
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {} if cluster is None else cluster.environment
    return subprocess.Popen(
        [sys.executable, "-m", "seqrec_cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def said_by(process: "subprocess.Popen[str]", code: int = 0) -> str:
    """What a command says, when it has ended."""
    _, said = process.communicate(timeout=240)
    if "Ray does not start" in said:
        pytest.skip("the machine has too much to do for Ray to start")
    assert process.returncode == code, said
    return said
