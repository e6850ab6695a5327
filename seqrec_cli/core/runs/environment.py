"""What seqrec runs on: versions, machine, devices, extras; for `seqrec doctor` and for reports."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from seqrec_cli import __version__
from seqrec_cli.core.data.public import cache_folder
from seqrec_cli.core.kernels.switch import VARIABLE, check_environment
from seqrec_cli.errors import REQUIREMENTS, SeqRecError

PACKAGES = ("torch", "numpy", "duckdb", "safetensors", "pydantic", "typer", "rich", "PyYAML")


def version_of(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str | None]:
    """Python, seqrec, and the packages that it needs."""
    return {
        "python": platform.python_version(),
        "seqrec": __version__,
        **{name: version_of(name) for name in PACKAGES},
    }


def extras() -> dict[str, dict[str, str | None]]:
    """Each extra: the requirement, and the installed version or None."""
    return {
        extra: {"requirement": requirement, "version": version_of(requirement.split(">")[0])}
        for extra, requirement in REQUIREMENTS.items()
    }


def devices() -> list[str]:
    """The devices that torch can use here, the fastest first."""
    found = []
    if torch.cuda.is_available():
        names = (torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        found += [f"cuda: {name}" for name in names]
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, f"cpu: {torch.backends.cpu.get_cpu_capability()}"]


def folder_bytes(folder: Path) -> int:
    """The size of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def describe_environment() -> dict[str, Any]:
    """All of it as plain values."""
    cache = cache_folder()
    return {
        "versions": versions(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": devices(),
        "extras": extras(),
        "cache": str(cache),
        "cache_bytes": folder_bytes(cache),
        "encoding": sys.stdout.encoding,
        "settings": {key: os.environ[key] for key in sorted(os.environ) if is_setting(key)},
    }


def is_setting(variable: str) -> bool:
    """Whether an environment variable changes what seqrec does."""
    return variable.startswith("SEQREC_") or variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def problems() -> list[tuple[str, str]]:
    """What is wrong with this installation, and what to type."""
    found = []
    missing = [name for name, version in versions().items() if version is None and name != "seqrec"]
    if missing:
        found.append((f"not installed: {', '.join(missing)}", f"pip install {' '.join(missing)}"))
    try:
        check_environment()
    except SeqRecError as error:
        found.append((error.message, f"unset {VARIABLE}"))
    if not os.access(Path.cwd(), os.W_OK):
        found.append(("this folder cannot be written to", "change to a folder of yours"))
    return found
