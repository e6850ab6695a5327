"""What tests share: a runner, real data where it is, and small datasets with a known structure."""

import functools
import gc
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer.testing
from hypothesis import settings
from typer.testing import CliRunner

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from tests.clusters import Cluster, started
from tests.forked import Warm

ROOT = Path(__file__).parent.parent

# Several processes run tests at a time, and what they compute is small: a thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: what must be fast has tests of its own, against a clock of its own.
# The same cases each time, so that no change fails for another's find; `make fuzz` draws new ones.
settings.register_profile("unhurried", deadline=None, derandomize="SEQREC_FUZZ" not in os.environ)
settings.load_profile("unhurried")


# The runner would make all commands of an app anew each time that it invokes one: 40 ms.
typer.testing._get_command = functools.cache(typer.testing._get_command)


def pytest_collection_finish() -> None:
    """What is there by now is no garbage: not to be looked through again and again, as in `app.py`,
    which also says so of what a command makes."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are named by their argument: what is packed in them may hold the time of packing, and
    two processes must collect the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Ray of two workers, for all tests of a session."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("the extra `cluster` is not installed")
    yield from started()


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """A process that has torch, and forks commands, for all tests of a session."""
    process = Warm()
    yield process
    process.close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped without it."""
    folder = os.environ.get("SEQREC_DATASETS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SEQREC_DATASETS names no folder")
    return Path(folder).resolve()


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, and no folder of the developer's own is touched."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("SEQREC_DEBUG", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def leave_one_out(histories: list[list[int]], num_items: int, name: str = "toy") -> SequenceDataset:
    """A dataset of these histories whose ids are 100 + user and 1000 + item."""
    return SequenceDataset(
        name=name,
        train=Sequences.from_lists([h[:-2] for h in histories]),
        valid=Sequences.from_lists([h[-2:-1] for h in histories]),
        test=Sequences.from_lists([h[-1:] for h in histories]),
        user_ids=np.arange(len(histories)) + 100,
        item_ids=np.arange(1, num_items + 1) + 1000,
        item_titles=np.array([f"Title {i} (20{i:02})" for i in range(1, num_items + 1)]),
    )


@pytest.fixture(scope="session")
def cycle() -> SequenceDataset:
    """200 users who walk 1, 2, ..., 50, 1, ... from random starts: all is order, nothing chance."""
    random = np.random.default_rng(0)
    starts, lengths = random.integers(50, size=200), random.integers(5, 25, size=200)
    return leave_one_out(
        [[(s + t) % 50 + 1 for t in range(n)] for s, n in zip(starts, lengths, strict=True)], 50
    )


@pytest.fixture(scope="session")
def cycle_npz(cycle: SequenceDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "toy.npz"
    cycle.save(path)
    return path


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, an experiment and a finished run of it; not to be changed."""
    from tests.workshop import build

    folder = tmp_path_factory.mktemp("origin")
    build(folder)
    return folder


@pytest.fixture
def place(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is where commands run."""
    shutil.copytree(origin, tmp_path / "a", symlinks=True)
    monkeypatch.chdir(tmp_path / "a")
    return tmp_path / "a"


@pytest.fixture(scope="session")
def shop_origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop with a finished run; not to be changed."""
    from tests.shop import build

    folder = tmp_path_factory.mktemp("shop")
    build(folder)
    return folder


@pytest.fixture
def shop(shop_origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is where commands run."""
    shutil.copytree(shop_origin, tmp_path / "shop", symlinks=True)
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def small_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small log, its items and two experiments, which is where commands run."""
    from tests.small_log import write

    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
