"""Where runs are, and what they are called."""

import contextlib
import itertools
import os
from pathlib import Path

from seqrec_cli.core.storage import files
from seqrec_cli.errors import RunError

RUNS = Path("runs")
LATEST = "latest"
MANIFEST = "manifest.json"
LOCK = ".lock"


def refuse_latest(path: Path) -> None:
    """Refuse `latest`, the name of the link, as the name of a new run."""
    if path.name == LATEST:
        raise RunError(
            f"`{path}` is the link to the newest finished run", "choose another name for the run"
        )


def find_run(name: str) -> Path:
    """The directory that a user calls `name`: a path, a name under runs/, or else a run here."""
    typed_as_path = "/" in name or os.sep in name
    only_here = not (RUNS / name).exists() and (Path(name) / MANIFEST).is_file()
    return files.read_link(Path(name) if typed_as_path or only_here else RUNS / name)


def known_runs() -> list[str]:
    """The names of the runs under runs/."""
    return sorted({path.parent.name for path in RUNS.glob(f"*/{MANIFEST}")} - {LATEST})


def give_back(path: Path) -> None:
    """Remove the folder of a new run, if nothing was put into it."""
    with contextlib.suppress(OSError):
        files.disk.remove_folder(path)


def next_run(dataset: str, model: str) -> Path:
    """Create the default directory of a new run, runs/DATASET-MODEL-NUMBER."""
    for number in itertools.count(1):
        path = RUNS / f"{dataset}-{model}-{number}"
        if not path.exists() and files.claim_folder(path):
            return path
    raise AssertionError("there is always a next number")
