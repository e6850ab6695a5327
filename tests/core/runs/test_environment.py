"""What seqrec runs on, and what is wrong with it."""

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from seqrec_cli.core.runs.environment import describe_environment, folder_bytes, problems, versions


def test_versions_are_those_that_are_installed() -> None:
    found = versions()
    assert found.pop("python") == ".".join(map(str, sys.version_info[:3]))
    found.pop("seqrec")
    assert found == {name: metadata.version(name) for name in found}
    assert "torch" in found


def test_settings_of_the_environment_are_told_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEQREC_DATASETS", "here")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("A_PASSWORD", "secret")
    settings = describe_environment()["settings"]
    assert settings["SEQREC_DATASETS"] == "here"
    assert settings["OMP_NUM_THREADS"] == "1"
    assert "A_PASSWORD" not in settings


def test_a_folder_is_as_large_as_its_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one").write_bytes(b"x" * 5)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 7)
    assert folder_bytes(tmp_path) == 12
    assert folder_bytes(tmp_path / "none") == 0


def test_what_is_wrong_comes_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQREC_KERNELS", raising=False)
    assert problems() == []
    monkeypatch.setenv("SEQREC_KERNELS", "slow")
    ((problem, remedy),) = problems()
    assert "`SEQREC_KERNELS` is `slow`" in problem
    assert remedy == "unset SEQREC_KERNELS"
    monkeypatch.delenv("SEQREC_KERNELS")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert problems() == [("this folder cannot be written to", "change to a folder of yours")]
