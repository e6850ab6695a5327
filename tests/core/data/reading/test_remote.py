"""Logs at addresses: a server of our own, and a store in memory in place of one on the network."""

import http.server
import importlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Interactions
from seqrec_cli.core.data.loading import (
    Request,
    choose_name,
    inspect,
    make_dataset,
    read_named_log,
)
from seqrec_cli.core.data.reading import remote
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.errors import InputError, MissingExtra

fsspec = pytest.importorskip("fsspec")
LOG = "user_id,item_id,timestamp\n1,a,1500000000\n1,b,1500000001\n2,a,1500000002\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server of the files in `served`."""
    pytest.importorskip("aiohttp")
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def store() -> Iterator[str]:
    """A folder in memory."""
    system = fsspec.filesystem("memory")
    yield "memory://logs"
    system.rm("/logs", recursive=True)


def read(address: str, **reading: object) -> Interactions:
    return read_named_log(Request(source=address, reading=Reading(**reading)))  # type: ignore[arg-type]


def put(address: str, text: str) -> None:
    with fsspec.open(address, "w") as file:
        file.write(text)


def test_reads_a_log_from_a_server(server: str, tmp_path: Path) -> None:
    (tmp_path / "served" / "log.csv").write_text(LOG)
    found = read(f"{server}/log.csv?version=2")
    assert found.item_ids[found.items].tolist() == ["a", "b", "a"]
    assert found.origin.path == f"{server}/log.csv?version=2"
    assert choose_name(None, f"{server}/log.csv?version=2", shuffled=False) == "log"


def test_reads_files_of_a_store_as_of_a_folder(store: str) -> None:
    rows = LOG.splitlines(keepends=True)
    for n in (2, 10, 1):
        put(f"{store}/out/part-{n}.csv", rows[0] + f"{n},i{n},150000000{n % 10}\n")
    put(f"{store}/out/_SUCCESS", "")
    for address in (f"{store}/out", f"{store}/out/part-*.csv"):
        found = read(address)
        assert found.user_ids[found.users].tolist() == [1, 2, 10]  # in natural order
    put(f"{store}/days/day=1/a.csv", LOG)
    put(f"{store}/days/day=2/a.csv", LOG)
    assert len(read(f"{store}/days")) == 6


def test_every_file_of_a_log_may_lie_at_an_address(store: str, tmp_path: Path) -> None:
    rows = LOG.splitlines(keepends=True)
    header = rows[0]
    files = {
        "train.csv": LOG,
        "more.csv": header + "1,c,1500000005\n",
        "valid.csv": header + "1,b,1500000007\n2,b,1500000008\n",
        "test.csv": header + "1,a,1500000009\n2,b,1500000009\n",
        "items.csv": "item_id,title,price\na,First,1\nb,Second,2\nc,Third,3\n",
        "users.csv": "user_id,city\n1,Rome\n2,Bonn\n",
    }
    for name, text in files.items():
        put(f"{store}/{name}", text)
        (tmp_path / name).write_text(text)

    def reading(place: str) -> Reading:
        return Reading(
            items=f"{place}/items.csv",
            users=f"{place}/users.csv",
            valid=f"{place}/valid.csv",
            test=f"{place}/test.csv",
            more=(f"{place}/more.csv",),
        )

    (tmp_path / "data").mkdir()
    made = []
    # The log itself may lie here or there, whatever the others do.
    for log, others in ((tmp_path, store), (store, tmp_path), (store, store), (tmp_path, tmp_path)):
        request = Request(source=f"{log}/train.csv", reading=reading(str(others)), name="x")
        (dataset,) = make_dataset(request)
        assert isinstance(dataset, SequenceDataset)
        assert str(remote.FETCHED) not in json.dumps(dataset.manifest)
        assert dataset.manifest["source"]["titles"] == f"{others}/items.csv"
        assert dataset.manifest["features"]["users"]["source"] == f"{others}/users.csv"
        made.append(dataset)
    assert made[0].num_items == 3
    for dataset in made:
        for part in ("train", "valid", "test"):
            one, other = getattr(dataset, part), getattr(made[-1], part)
            assert one.items.tolist() == other.items.tolist()
    with pytest.raises(InputError, match=r"memory://logs/nothing\.csv`: there is no such file"):
        list(
            make_dataset(
                Request(
                    source="memory://logs/train.csv",
                    reading=Reading(items="memory://logs/nothing.csv"),
                )
            )
        )
    put(f"{store}/strange.csv", "item_id,title\nx,First\n")
    with pytest.raises(InputError, match=r"`memory://logs/strange\.csv` has no title for any item"):
        list(
            make_dataset(
                Request(
                    source=f"{tmp_path}/train.csv", reading=Reading(items=f"{store}/strange.csv")
                )
            )
        )


def test_the_command_takes_addresses(store: str, tmp_path: Path) -> None:
    put(f"{store}/items.csv", "item_id,title\na,First\nb,Second\n")
    (tmp_path / "log.csv").write_text(LOG + "2,b,1500000003\n1,a,1500000004\n2,a,1500000005\n")
    arguments = ["prepare", f"{tmp_path}/log.csv", "--data-dir", f"{tmp_path}/data"]
    result = CliRunner().invoke(app, [*arguments, "--items-file", f"{store}/items.csv"])
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "data" / "log.json").read_text())
    assert manifest["source"]["titles"] == f"{store}/items.csv"
    assert manifest["prepared_with"] == {"items_file": f"{store}/items.csv"}


def test_messages_name_the_address(store: str) -> None:
    put(f"{store}/log.csv", LOG + "3,,1500000003\n")
    address = f"{store}/log.csv"
    with pytest.raises(InputError, match=r"memory://logs/log\.csv`, line 5: the item") as caught:
        read(address)
    assert f"`seqrec prepare {address} --drop-incomplete`" in caught.value.hint
    (found,) = inspect(Request(source=address, reading=Reading(drop_incomplete=True)))
    assert isinstance(found, dict)
    assert found["source"]["path"] == address
    assert found["rows_read"] == 4


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("file:///etc/passwd", "is not an address that is fetched"),
        ("simplecache::memory://logs/log.csv", "no named dataset|there is no file"),
        ("memory://logs/nothing.csv", "there is no such file"),
        ("memory://logs/*.csv", "there are no files"),
        ("nonsense://logs/a.csv", "cannot fetch `nonsense://logs/a.csv`: Protocol not known"),
    ],
)
def test_refuses_an_address(store: str, address: str, message: str) -> None:
    put(f"{store}/log.txt", LOG)
    with pytest.raises(InputError, match=message):
        read(address)


def test_refuses_more_bytes_than_it_may_have(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(f"{store}/log.csv", LOG)
    monkeypatch.setattr(remote, "LARGEST", len(LOG) - 1)
    with pytest.raises(InputError, match=f"has more than {len(LOG) - 1} bytes"):
        read(f"{store}/log.csv")
    monkeypatch.setattr(remote, "LARGEST", len(LOG))
    assert len(read(f"{store}/log.csv")) == 3


def test_names_in_a_store_stay_inside_the_folder() -> None:
    assert remote.plain_path("../../etc/passwd") == Path("etc/passwd")
    assert remote.plain_path("a/\x1b[31m/..//b*.csv") == Path("a/__31m/b_.csv")
    assert remote.plain_path("..") == Path("log")


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = importlib.import_module("fsspec.registry")
    absent_one = {"class": "s3fs_.X", "err": ""}
    monkeypatch.setitem(registry.known_implementations, "s3", absent_one)
    with pytest.raises(InputError, match="needs the package s3fs_, which is not installed"):
        read("s3://bucket/log.csv")

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(remote.importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match="package fsspec, which is not installed") as caught:
        read("s3://bucket/log.csv")
    assert "the extra `remote`" in caught.value.hint
