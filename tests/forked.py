"""Commands in processes of their own, without waiting each time until torch is imported.

`Warm` starts one process that has imported everything and computed nothing; it forks a child for
each command, which runs and ends as `python -m seqrec_cli` would. Tests then send real signals.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


class Child:
    """A command that runs: its process id, what it says, and how it ended."""

    def __init__(self, warm: "Warm", pid: int, folder: Path) -> None:
        assert pid > 0  # 0 would send signals to everything that runs the tests
        self.warm, self.pid, self.folder = warm, pid, folder

    def reaches(self, seconds: float = 30) -> bool:
        """Wait until it is where it was to be stopped."""
        deadline = time.monotonic() + seconds
        while not (self.folder / "mark").exists():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def wait(self) -> int:
        """How it ended: its exit code, or minus the signal's number."""
        status = json.loads(self.warm.answer())
        self.warm.running = None
        return os.waitstatus_to_exitcode(status)

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace")


class Warm:
    """The process that forks them, one at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running: Child | None = None

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def start(
        self,
        arguments: list[str],
        at: Path,
        folder: Path,
        phase: str = "",
        *,
        temporary: Path | None = None,
        packages: Path | None = None,
        main: str = "seqrec_cli.__main__",
    ) -> Child:
        """Run a command in the folder `at`; with `phase`, a `module:function`, it rests there.

        Args:
            folder: where its output goes.
            temporary: where it makes what it needs only while it runs.
            packages: a folder whose packages it finds too.
            main: the module whose `main` is the command.
        """
        assert self.process.stdin is not None
        if self.running is not None:  # a test failed before it waited
            with suppress(ProcessLookupError):
                os.kill(self.running.pid, signal.SIGKILL)
            self.running.wait()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mark").unlink(missing_ok=True)
        job = {"arguments": arguments, "at": str(at), "folder": str(folder), "phase": phase}
        job |= {"temporary": str(temporary or ""), "packages": str(packages or ""), "main": main}
        print(json.dumps(job), file=self.process.stdin, flush=True)
        self.running = Child(self, int(self.answer()), folder)
        return self.running

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def rest_at(phase: str, mark: Path) -> None:
    """Have a function leave a mark when it is called for the first time, and rest a while."""
    module, _, path = phase.partition(":")
    owner: Any = importlib.import_module(module)
    *steps, name = path.split(".")
    for step in steps:
        owner = getattr(owner, step)
    usual = owner.__dict__[name]
    call = usual.__func__ if isinstance(usual, classmethod) else usual

    def rests(*arguments: Any, **options: Any) -> Any:
        if not mark.exists():
            mark.touch()
            for _ in range(100):
                time.sleep(0.01)
        return call(*arguments, **options)

    setattr(owner, name, classmethod(rests) if isinstance(usual, classmethod) else rests)


def run(job: dict[str, Any]) -> None:
    """What a child does."""
    import torch

    from seqrec_cli.core.settings.registry import installed

    # Not before the fork: torch would keep handles of threads that the child has not, and what the
    # reading engine starts there may get the same ones; at its end the child would crash.
    torch.set_num_threads(min(2, torch.get_num_threads()))

    folder = Path(job["folder"])
    for number, name in ((0, os.devnull), (1, folder / "stdout"), (2, folder / "stderr")):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(job["at"])
    sys.argv = ["seqrec", *job["arguments"]]
    if job["temporary"]:
        os.environ["TMPDIR"], tempfile.tempdir = job["temporary"], None
    if job["packages"]:
        sys.path.insert(0, job["packages"])
        installed.cache_clear()  # of what was there before
    if job["phase"]:
        rest_at(job["phase"], folder / "mark")
    importlib.import_module(job["main"]).main()


def serve() -> None:
    """Fork a child for each line that comes."""
    import torch  # noqa: F401

    import seqrec_cli.app  # noqa: F401

    for path in (ROOT / "seqrec_cli" / "core").rglob("*.py"):
        if path.stem != "__init__":
            module = path.relative_to(ROOT).with_suffix("")
            importlib.import_module(".".join(module.parts))
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            return run(json.loads(line))
        print(pid, flush=True)  # noqa: T201
        print(os.waitpid(pid, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
