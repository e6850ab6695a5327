"""A study of the small shop's run, made once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from seqrec_cli.core.evaluation.report import EvaluationProtocol
from seqrec_cli.core.runs.report.study import Study, study_runs
from seqrec_cli.core.runs.run import Run


def study_of(*names: str, examples: int = 3) -> Study:
    """A study of runs in this folder."""
    runs = [Run.open(Path("runs") / name) for name in names]
    protocol = EvaluationProtocol(ks=[1, 5, 10])
    steps = study_runs(runs, None, Path("data"), torch.device("cpu"), protocol, examples)
    found = list(steps)[-1]
    assert isinstance(found, Study)
    return found


@pytest.fixture(scope="session")
def study(shop_origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    import shutil

    folder = tmp_path_factory.mktemp("study") / "shop"
    shutil.copytree(shop_origin, folder, symlinks=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield study_of("one")
    finally:
        os.chdir(before)
