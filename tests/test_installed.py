"""What is built is what works: sdist and wheel, installed elsewhere, run from an unrelated folder.

As a test it installs the wheel alone, beside the packages that are here. `make dist-check` and CI
(SEQREC_DIST_CHECK=fresh) make a new environment, in which pip installs everything from the index.
"""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

FRESH = os.environ.get("SEQREC_DIST_CHECK") == "fresh"
COMMANDS = [
    ["prepare", "demo"],
    ["train", "--config", "demo", "--data", "demo", "--set", "training.epochs=1"],
    ["evaluate", "--k", "10"],
    ["recommend", "--user", "1", "--k", "3"],
    ["configs"],
    ["list"],
    ["doctor"],
]

pytestmark = pytest.mark.slow


def build(folder: Path) -> tuple[Path, Path]:
    """Build the sdist of this checkout, and the wheel of what is in the sdist."""
    pytest.importorskip("hatchling")
    make = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), "--target"]
    subprocess.run([*make, "sdist"], cwd=ROOT, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    subprocess.run([*make, "wheel"], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def install(wheel: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install the wheel; returns what runs seqrec, and its environment."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if FRESH:
        venv.create(folder / "fresh", with_pip=True)
        binaries = folder / "fresh" / ("Scripts" if sys.platform == "win32" else "bin")
        pip = [str(binaries / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
        subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt")], check=True)
        return [str(binaries / "seqrec")], environment
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    environment |= {"PYTHONPATH": str(folder / "installed")}
    return [sys.executable, "-P", "-m", "seqrec_cli"], environment


def test_the_commands_run_where_the_wheel_is_installed(tmp_path: Path) -> None:
    sdist, wheel = build(tmp_path)
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"seqrec_cli/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    assert shipped <= names
    assert {f"seqrec_cli/core/runs/report/page.{kind}" for kind in ("html", "css", "js")} <= names
    assert not any(name.startswith(("tests/", "benchmarks/", "docsite/")) for name in names)
    with tarfile.open(sdist) as archive:
        packed = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    needed = {"README.md", "LICENSE", "CITATION.cff", "constraints.txt", "tests/conftest.py"}
    assert needed | {"docsite/site.py", "docs/tutorial.ipynb", "zensical.toml"} <= packed

    command, environment = install(wheel, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for arguments in COMMANDS:
        result = subprocess.run(
            [*command, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, (arguments, result.stderr)
    assert (elsewhere / "runs" / "latest" / "best.safetensors").is_file()
    if FRESH:
        assert completed(command, elsewhere, "train --config sas") == ["sasrec"]
        assert completed(command, elsewhere, "evaluate demo-") == ["demo-sasrec-1"]


def completed(command: list[str], folder: Path, typed: str) -> list[str]:
    """What Tab offers in bash behind these words, as `--install-completion` sets it up."""
    words = ["seqrec", *typed.split(" ")]
    asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    asked |= {"_SEQREC_COMPLETE": "complete_bash", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=folder, env=asked, capture_output=True, text=True)
    return done.stdout.split()
