"""Strange datasets, runs and experiments: they work, or are refused in a sentence."""

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.names import Names, find_history, find_users, read_ids
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.core.runs.inputs import save_joined
from seqrec_cli.core.runs.loading import catalogue_of, load_scorer
from seqrec_cli.core.runs.resuming import changes_since_start, experiment_to_resume, resume
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from seqrec_cli.core.training.checks import check_data
from seqrec_cli.core.training.events import JoinedFitted
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import DatasetError, RunError, SeqRecError
from tests.core.models.conftest import features
from tests.hostile import NASTY, fuzzed, mutated, survives
from tests.workshop import CONFIG

CPU = torch.device("cpu")
TWO_TOWERS = """\
data: toy
model: {name: two_tower, history: {hidden: 4, max_length: 6}, output: 4}
training: {epochs: 1, loss: softmax, validate_every: 1}
transitions: {lags: 2}
linear: {decays: [0.5], weight: auto}
"""


def use_dataset(path: Path) -> SequenceDataset:
    """Load a dataset and do with it what commands do."""
    data = SequenceDataset.load(path)
    data.features()
    data.histories("test").take(np.arange(data.num_users))
    Names(data.user_ids).find_id("100")
    Names(data.item_ids, data.item_titles).find_title("Title 1")
    for part in ("valid", "test"):
        try:
            queries(data, part)  # type: ignore[arg-type]
        except DatasetError:
            continue
    json.dumps(
        [*data.item_ids.tolist(), *(data.item_titles if data.item_titles is not None else [])]
    )
    return data


def use_run(path: Path, data: SequenceDataset) -> None:
    """Open a run and do with it what commands do: recommend, and go on."""
    run = Run.open(path)
    catalogue = catalogue_of(run)
    scorer = load_scorer(run, CPU)
    one = data.histories().take(np.arange(3))
    for found in recommend(scorer, one, 3):
        assert (found.items <= len(catalogue.item_ids)).all()
    experiment = experiment_to_resume(run, [])
    run.find_data(None, Path("data"))
    changes_since_start(run, CPU)
    run.check_data(data)
    run.history.read()
    training = Training(experiment, data.num_items, CPU, data.features())
    with run.locked():
        resume(run, training)
    if experiment.training.epochs <= training.counters.epoch + 1:
        for _ in fit(training, data.without_test()):
            pass


@pytest.fixture(scope="module")
def room(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, a run of it, and a run of two towers with features and counts."""
    folder = tmp_path_factory.mktemp("room")
    shutil.copytree(origin, folder, dirs_exist_ok=True, symlinks=True)
    path = folder / "data" / "toy.npz"
    known = features(9)
    data = replace(
        SequenceDataset.load(path),
        item_features=known.items,
        encoders=known.encoders.side("item"),
    )
    data.save(path)
    data = SequenceDataset.load(path)
    (folder / "two.yaml").write_text(TWO_TOWERS)
    for name, file in (("one", "toy.yaml"), ("two", "two.yaml")):
        shutil.rmtree(folder / "runs" / name, ignore_errors=True)
        experiment = load_experiment(folder / file)
        training = Training(experiment, data.num_items, CPU, data.features())
        run = create_run(folder / "runs" / name, experiment, data, path, "cpu")
        for event in fit(training, data.without_test()):
            if isinstance(event, JoinedFitted):
                save_joined(run.path, event.name, event.model)
            if hasattr(event, "is_best"):
                run.checkpoints.save_best(training, event.epoch, event.metrics)
                run.history.add({"epoch": event.epoch, "loss": event.loss})
                run.checkpoints.save_last(training)
        for previous in run.path.glob("*.previous.*"):
            previous.unlink()
    return folder


@pytest.fixture(scope="module")
def data(room: Path) -> SequenceDataset:
    return SequenceDataset.load(room / "data" / "toy.npz")


def put_back(room: Path, path: Path, content: bytes, before: dict[Path, bytes]) -> None:
    """Make the folder of `path` as it was, but for `path`."""
    for other in path.parent.iterdir():
        if other not in before and other.is_file():
            other.unlink()
    for other, old in before.items():
        if not other.exists() or other.read_bytes() != old:
            other.unlink(missing_ok=True)
            other.write_bytes(old)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def with_file(room: Path, path: Path, content: bytes, use: Callable[[], Any]) -> Any:
    """Put other content into a file, use what it belongs to, and put everything back."""
    before = {p: p.read_bytes() for p in path.parent.iterdir() if p.is_file()}
    outside = {p for p in room.rglob("*") if p.parent != path.parent}
    try:
        put_back(room, path, content, before)
        return survives(use)
    finally:
        put_back(room, path, before[path], before)
        assert {p for p in room.rglob("*") if p.parent != path.parent} == outside


RUN_FILES = [
    *(("one", name) for name in ("manifest.json", "experiment.yaml", "metrics.jsonl")),
    *(("one", name) for name in ("catalogue.npz", "best.safetensors", "last.safetensors")),
    *(("two", name) for name in ("features.npz", "experiment.yaml")),
    *(("two", f"joined-{name}.safetensors") for name in ("transitions", "linear")),
]


@pytest.mark.parametrize(("name", "file"), RUN_FILES)
@fuzzed(20)
@given(draw=st.data())
def test_a_mutated_file_of_a_run(
    name: str, file: str, draw: st.DataObject, room: Path, data: SequenceDataset
) -> None:
    path = room / "runs" / name / file
    content = draw.draw(mutated(path.read_bytes()))
    with_file(room, path, content, lambda: use_run(path.parent, data))


def reseal(path: Path) -> None:
    """Make the manifest agree with the npz: whoever forges one forges both."""
    manifest = path.with_suffix(".json")
    told = json.loads(manifest.read_bytes()) | {"npz_sha256": files.sha256(path)}
    manifest.write_text(json.dumps(told))


@fuzzed(100)
@given(draw=st.data())
def test_a_mutated_dataset_whose_manifest_agrees(draw: st.DataObject, room: Path) -> None:
    path = room / "data" / "toy.npz"

    def use() -> Any:
        reseal(path)
        return use_dataset(path)

    with_file(room, path, draw.draw(mutated(path.read_bytes())), use)


@fuzzed(100)
@given(draw=st.data())
def test_a_mutated_manifest_of_a_dataset(draw: st.DataObject, room: Path) -> None:
    path = room / "data" / "toy.json"
    content = draw.draw(mutated(path.read_bytes()))
    with_file(room, path, content, lambda: use_dataset(path.with_suffix(".npz")))


ARRAYS = st.sampled_from(
    [
        np.array(3),
        np.array("x"),
        np.zeros(0, np.int64),
        np.zeros((3, 3), np.int32),
        np.array([0, 2**63 - 1]),
        np.array([-1, 0, 5], np.int32),
        np.array([np.nan, np.inf], np.float32),
        np.array([True, False]),
        np.array(["\x1b[31m", "", "x" * 300]),
        np.array([b"bytes"]),
        np.arange(25),
        np.full(9, 1001),
        np.zeros((9, 0), np.float32),
        np.full((9, 1), np.nan, np.float32),
        np.full((9, 2), 2**31 - 1, np.int32),
        np.zeros(9, np.complex64),
        np.zeros(9, "<M8[s]"),
        np.zeros((2, 2, 2)),
        np.asfortranarray(np.ones((4, 4))),
        np.arange(9, dtype=">i8"),
    ]
)


def swapped(content: bytes, name: str, array: Any) -> bytes:
    """An npz with another array under one of its names; None leaves it out."""
    made = io.BytesIO()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        kept = {key: arrays[key] for key in arrays.files if key != name}
    np.savez(made, allow_pickle=False, **kept, **({} if array is None else {name: array}))
    return made.getvalue()


@pytest.mark.parametrize(
    ("file", "run"),
    [
        ("data/toy.npz", ""),
        *((f"runs/{name}/{file}", name) for name, file in RUN_FILES if "npz" in file),
    ],
)
@fuzzed(25)
@given(draw=st.data(), array=ARRAYS | st.none())
def test_any_array_in_place_of_another(
    file: str, run: str, draw: st.DataObject, array: Any, room: Path, data: SequenceDataset
) -> None:
    path = room / file
    content = path.read_bytes()
    with np.load(path, allow_pickle=False) as arrays:
        name = draw.draw(st.sampled_from(arrays.files))

    def use() -> Any:
        if run:
            return use_run(path.parent, data)
        reseal(path)
        return use_dataset(path)

    with_file(room, path, swapped(content, name, array), use)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
TENSORS = st.sampled_from(
    [
        torch.zeros(()),
        torch.zeros(0),
        torch.full((4, 4), torch.nan),
        torch.full((10, 4), 3e38),
        torch.zeros(10, 4, dtype=torch.int64),
        torch.zeros(10, 4, dtype=torch.float64),
        torch.zeros(10, 4, dtype=torch.bool),
        torch.zeros(10, 4, dtype=torch.bfloat16),
        torch.zeros(10, 4, dtype=torch.complex64),
        torch.zeros(2, 3, 4),
        torch.ones(1).expand(1000),
    ]
)


@pytest.mark.parametrize("file", ["best.safetensors", "last.safetensors"])
@fuzzed(25)
@given(draw=st.data())
def test_a_forged_checkpoint_whose_checksum_is_right(
    file: str, draw: st.DataObject, room: Path, data: SequenceDataset
) -> None:
    path = room / "runs" / "one" / file
    before = path.read_bytes()
    tensors, facts = load_tensors(path)
    if draw.draw(st.booleans()):
        tensors[draw.draw(st.sampled_from([*tensors, "more"]))] = draw.draw(TENSORS)
    if draw.draw(st.booleans()):
        facts[draw.draw(st.sampled_from([*facts, "more"]))] = draw.draw(JSON)
    if draw.draw(st.integers(0, 9)) == 0:
        facts = draw.draw(JSON)
    made = path.with_name("made")
    save_tensors(made, tensors, facts)
    content = made.read_bytes()
    made.unlink()
    with_file(room, path, content, lambda: use_run(path.parent, data))
    assert path.read_bytes() == before


@fuzzed(100)
@given(draw=st.data())
def test_a_mutated_experiment(
    draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "x.yaml"
    seed = draw.draw(st.sampled_from([CONFIG, TWO_TOWERS, Experiment().to_yaml()]))
    path.write_bytes(draw.draw(mutated(seed.encode())))
    overrides = draw.draw(st.lists(st.text(max_size=20), max_size=1))
    survives(lambda: load_experiment(path, overrides))


KEYS = [
    *(
        f"model.{key}"
        for key in ("hidden", "blocks", "heads", "max_length", "expansion", "dropout")
    ),
    *(f"training.{key}" for key in ("batch_size", "negatives", "lr", "l2_emb", "warmup", "betas")),
    *("seed", "training.metric", "training.validate_every", "transitions.lags", "model", "data"),
]
VALUES = ["0", "-1", "1", "2147483647", "2147483648", "1e308", ".inf", ".nan", "1" * 40, "1" * 5000]


@pytest.mark.parametrize("key", KEYS)
def test_a_setting_of_any_size_is_refused_or_can_be_built(
    key: str, tmp_path: Path, room: Path, data: SequenceDataset
) -> None:
    """A stranger's run may say anything: what does not fit its weights takes no memory."""
    path = room / "runs" / "one" / "experiment.yaml"
    for value in VALUES:
        try:
            changed = load_experiment(room / "toy.yaml", [f"{key}={value}"])
        except SeqRecError:
            continue
        content = changed.to_yaml().encode()
        with_file(room, path, content, lambda: load_scorer(Run.open(path.parent), CPU))


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghi")),
        "a: " + "[" * 20_000,
        "a: " + "{a: " * 5_000,
        "!!python/object/apply:os.system ['touch hacked']",
        "seed: !!python/object/apply:os.system ['touch hacked']",
        "seed: !!int 1e9",
        "? [a, b]\n: c",
        "a: |\n" + " x\n" * 100_000,
        "- " * 20_000,
        "seed: " + "9" * 40_000,
        "%YAML 9.9\n---\nseed: 1",
        "seed: 1\n---\nseed: 2",
        "\t",
        "seed: 0o777777777777777777777777",
        "seed: 190:20:30",
        "seed: 2024-99-99",
        "<<: {seed: 1}",
        "=: 1",
    ],
)  # fmt: skip
def test_yaml_made_to_hurt(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(text)
    found = survives(lambda: load_experiment(tmp_path / "x.yaml"))
    assert isinstance(found, SeqRecError | Experiment)
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def npz_of(header: bytes, content: bytes = b"\0" * 8, magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        text = magic + struct.pack("<H", len(header)) + header + content
        archive.writestr("a.npy", text)
    return made.getvalue()


@pytest.mark.parametrize(
    ("descr", "shape", "fortran"),
    [
        ("'<i8'", "(1000000000000,)", "False"),
        ("'<i8'", "(-1,)", "False"),
        ("'<i8'", "(1,)", "True"),
        ("'|O'", "(1,)", "False"),
        ("'<U0'", "(1000000000000,)", "False"),
        ("'<i8'", "(3037000500, 3037000500)", "False"),
        ("'<U2'", "(1,)", "False"),
        ("[('a', '|O')]", "(1,)", "False"),
        ("('<i8', (1000000,))", "(1,)", "False"),
        ("'<i8'", "((1,),)", "False"),
        ("'<i8'", "(" + "1," * 3000 + ")", "False"),
        ("'>i8'", "(1,)", "False"),
        ("__import__('os')", "(1,)", "False"),
        ("'<i8'", "(" * 4000 + "1" + ")" * 4000, "False"),
        ("'<i8'", "-" * 9000 + "1", "False"),
    ],
)
def test_array_headers_that_lie(descr: str, shape: str, fortran: str, tmp_path: Path) -> None:
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    (tmp_path / "a.npz").write_bytes(npz_of(header, b"\xff" * 8))
    found = survives(lambda: load_arrays(tmp_path / "a.npz"))
    assert isinstance(found, DatasetError)


def test_checkpoints_whose_headers_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    sizes = [0, 1, 7, 2**31, 2**63 - 1, 2**64 - 1]
    headers = [
        b"{}",
        b"[" * 100_000,
        b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
        b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F4","shape":[16],"data_offsets":[0,8]}}',
        b'{"__metadata__":{"seqrec":"' + b"[" * 90_000 + b'"}}',
        b'{"__metadata__":{"seqrec":"[]"}}',
        b'{"__metadata__":{"seqrec":"{\\"sha256\\":1,\\"facts\\":1}"}}',
        b'{"__metadata__":{"seqrec":"{\\"sha256\\":\\"\\",\\"facts\\":\\"NaN\\"}"}}',
    ]
    contents = [struct.pack("<Q", size) + b"{}" for size in sizes]
    contents += [struct.pack("<Q", len(header)) + header + b"\0" * 8 for header in headers]
    for content in contents:
        path.write_bytes(content)
        assert isinstance(survives(lambda: load_tensors(path)), RunError)


def test_a_run_that_points_at_a_device(room: Path, data: SequenceDataset) -> None:
    path = room / "runs" / "one" / "manifest.json"
    told = json.loads(path.read_bytes()) | {"data": "/dev/zero"}
    found = with_file(
        room,
        path,
        json.dumps(told).encode(),
        lambda: SequenceDataset.load(Run.open(path.parent).find_data(None, Path("data"))),
    )
    assert isinstance(found, DatasetError)


@fuzzed(80)
@given(draw=st.data())
def test_any_ids_and_histories(
    draw: st.DataObject, data: SequenceDataset, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "users.txt"
    path.write_bytes(draw.draw(mutated(b"100\n101\n102\n\n103\n")))
    names = Names(data.user_ids)
    survives(lambda: find_users(names, read_ids(path), "toy"))
    text = draw.draw(
        st.text(max_size=30)
        | st.sampled_from([word.decode(errors="replace") for word in NASTY])
        | st.sampled_from(["1001 1002", "Title 1; Title 2 (2002)", ";;;", "1001," * 50])
    )
    survives(lambda: find_history(Names(data.item_ids, data.item_titles), text))


def test_a_history_of_a_hundred_thousand_letters(data: SequenceDataset) -> None:
    titles = np.array([f"Film {n}" for n in range(3000)])
    names = Names(np.arange(3000), titles)
    for text in ("x " * 50_000, "x; " * 40_000, "9" * 100_000, "Film 1;" * 14_000):
        survives(lambda: find_history(names, text))  # noqa: B023
    check_data(data)
