"""The command line as a whole: help, version, usage errors, and the error boundary."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli import __version__
from seqrec_cli import app as app_module
from seqrec_cli.app import app
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.errors import InputError
from tests.conftest import ROOT
from tests.test_errors import failing

COMMANDS = [str(command.name) for command in app.registered_commands]


@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]])
def test_help_of_every_command(runner: CliRunner, command: list[str]) -> None:
    result = runner.invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout
    for name in COMMANDS if not command else []:
        assert name in result.stdout


def test_help_is_quick_and_a_module_runs_like_the_script() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "seqrec_cli", "--version"], capture_output=True, text=True
    )
    assert result.stdout.strip() == f"seqrec {__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "--config", "a.yaml", "--resume", "b"],
        ["train", "--resume", "b", "--run", "c"],
        ["recommend"],
        ["recommend", "--user", "1", "--history", "2"],
        ["recommend", "--users", "file"],
        ["recommend", "--user", "1", "--topk", "0"],
        ["recommend", "--user", "1", "--output", "a.csv", "--why"],
        ["evaluate", "--protocol", "sampled", "--seen", "include"],
        ["recommend", "--user", "1", "--seen", "perhaps"],
        ["evaluate", "--protocol", "magic"],
        ["nonsense"],
        ["prepare"],
    ],
)
def test_usage_errors_exit_with_2(runner: CliRunner, arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_defect_keeps_its_traceback(runner: CliRunner) -> None:
    result = runner.invoke(failing(ZeroDivisionError("ours")), [])
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_place_that_cannot_be_reached_is_no_traceback(runner: CliRunner) -> None:
    result = runner.invoke(failing(PermissionError(13, "Permission denied", "a/b")), [])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: `a/b`: Permission denied\n")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_no_traceback(runner: CliRunner, error: Exception) -> None:
    result = runner.invoke(failing(error), [])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is not enough memory for this")
    assert (": 2 GiB more were asked for" in result.stderr) == ("2 GiB" in str(error))
    other = runner.invoke(failing(RuntimeError("ours")), [])
    assert isinstance(other.exception, RuntimeError)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of address space")
@pytest.mark.parametrize("megabytes", [200, 400, 600, 800, 1000, 1200])
def test_without_address_space_it_ends_in_a_message(megabytes: int, tmp_path: Path) -> None:
    """However far the imports come."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2)"
    run = "import sys; from seqrec_cli.__main__ import main; sys.argv = ['seqrec', 'evaluate', 'x']"
    result = subprocess.run(
        [sys.executable, "-c", f"{limit}\n{run}\nmain()"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("error: there is n")  # no run, or not enough memory


def test_debug_shows_the_traceback_of_all(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQREC_DEBUG", "1")
    result = runner.invoke(failing(InputError("x")), [])
    assert isinstance(result.exception, InputError)
    assert app_module.app is app


CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_is_an_experiment_and_opens_with_its_commands(path: Path) -> None:
    experiment = load_experiment(path)
    text = path.read_text()
    assert f"seqrec train --config {path.stem}" in text
    assert f"seqrec prepare {experiment.data}" in text
    for line in text.splitlines():
        if line.startswith("#   seqrec "):
            assert line.split()[2] in COMMANDS
