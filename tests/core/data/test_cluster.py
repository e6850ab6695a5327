"""A log prepared by Ray is the log prepared by one machine, whatever happens to its workers."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.cluster import EngineName, check_request
from seqrec_cli.core.data.interactions import Reading
from seqrec_cli.core.data.loading import Request
from seqrec_cli.core.data.preparation import Preparation
from seqrec_cli.errors import ConfigError
from tests.clusters import Cluster, command, said_by
from tests.workshop import files_in, invoke

TASKS = ("read_part", "recoded_rows", "cut_rows", "finish_shard")
BY_RAY = ["prepare", "log", "--engine", "ray", "--shards", "3", "--data-dir", "ray"]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the extra `cluster` is not installed"
)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with parts of a log, which is where commands run."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for number in range(5):
        users, items = random.integers(0, 300, 4000), random.integers(0, 90, 4000)
        times = random.integers(1_600_000_000, 1_600_000_900, 4000)  # with ties and duplicates
        rows = [f"u{u},i{i},{t}" for u, i, t in zip(users, items, times, strict=True)]
        (tmp_path / "log").mkdir(exist_ok=True)
        (tmp_path / "log" / f"{number}.csv").write_text("\n".join(["user,item,time", *rows, ""]))
    return tmp_path


def prepared(data: Path) -> dict[str, bytes]:
    """All files of a dataset."""
    return files_in(data)


def expected() -> dict[str, bytes]:
    result = invoke(["prepare", "log", "--shards", "3", "--data-dir", "one"])
    assert result.exit_code == 0, result.output
    return prepared(Path("one"))


@needs_ray
@pytest.mark.slow
def test_one_worker_of_a_ray_of_its_own_makes_the_dataset_of_one_machine(log: Path) -> None:
    said = said_by(command([*BY_RAY, "--workers", "1"]))
    assert prepared(log / "ray") == expected()
    assert "done: `ray/log.shards` and its manifest `ray/log.json`" in said


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_so_do_two_workers_of_a_cluster_even_if_some_are_killed(
    log: Path, cluster: Cluster
) -> None:
    process = command(BY_RAY, cluster)
    assert cluster.kill(process, TASKS, 3)
    said_by(process)
    assert prepared(log / "ray") == expected()


@pytest.mark.slow
def test_a_bad_row_is_one_sentence_and_leaves_nothing(log: Path, cluster: Cluster) -> None:
    (log / "log" / "3.csv").write_text("user,item,time\nu1,,1600000000\n")
    said = said_by(command(BY_RAY, cluster), 1)
    assert "3.csv" in said
    assert "the item in `item` is empty" in said
    assert "Traceback" not in said
    assert not (log / "ray").exists()


def test_without_ray_it_says_what_to_install(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = invoke(["prepare", "log", "--engine", "ray"])
    assert result.exit_code == 1
    assert 'pip install "ray' in result.stderr
    assert not Path("data").exists()


@pytest.mark.parametrize("shards", ["1", "3"])
def test_so_does_this_process_with_its_rows_on_the_disk(log: Path, shards: str) -> None:
    more = ["--shards", shards, "--data-dir"]
    for engine, data in ((["--engine", "disk"], "disk"), ([], "one")):
        result = invoke(["prepare", "log", *engine, *more, data])
        assert result.exit_code == 0, result.output
    assert prepared(log / "disk") == prepared(log / "one")


@pytest.mark.parametrize("engine", ["ray", "disk"])
@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (Request(source="ml-100k"), "the source `ml-100k`"),
        (Request(source="https://example.org/log.csv"), "a log at an address"),
        (Request(source="log", reading=Reading(valid="v.csv")), "--valid and --test"),
        (Request(source="log", reading=Reading(items="i.csv")), "--items-file and --users-file"),
        (Request(source="log", reading=Reading(item_vectors=Path("v"))), "--item-vectors"),
        (Request(source="log", reading=Reading(repeats="first")), "--repeats"),
        (Request(source="log", preparation=Preparation(new_items=True)), "--new-items"),
        (Request(source="log", preparation=Preparation(split="time")), "--split time"),
        (Request(source="log", preparation=Preparation(shuffle="log")), "--shuffle-order"),
        (Request(source="log", min_counts=(None, 5)), "--min-user-count and --min-item-count"),
    ],
)
def test_what_an_engine_does_not_do_is_refused(
    request_: Request, what: str, engine: EngineName
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_request(request_, engine)
    assert caught.value.message == f"`--engine {engine}` does not do {what}"
    assert "leave out `--engine`" in caught.value.hint


@pytest.mark.parametrize("engine", [[], ["--engine", "disk"]])
def test_workers_without_ray_are_refused(log: Path, engine: list[str]) -> None:
    result = invoke(["prepare", "log", *engine, "--workers", "2"])
    assert result.exit_code == 2
    assert "--workers is for --engine ray" in " ".join(result.stderr.split())


def test_the_manifest_does_not_say_who_did_it(log: Path) -> None:
    result = invoke(["prepare", "log", "--shards", "2"])
    assert result.exit_code == 0, result.output
    kept = json.loads((log / "data" / "log.json").read_text())["prepared_with"]
    assert kept == {"shards": 2}
