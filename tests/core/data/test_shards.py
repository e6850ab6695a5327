"""A dataset of shards is the dataset of one file; what is not one is refused."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data import shards, store
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.lazy import is_lazy
from seqrec_cli.core.data.shards import bounds_of, cut_arrays
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.errors import DatasetError
from tests.conftest import leave_one_out


def walks(name: str = "x") -> SequenceDataset:
    """Users with histories of different lengths, with times and ratings."""
    random = np.random.default_rng(0)
    lists = [random.integers(1, 9, random.integers(0, 12)).tolist() for _ in range(20)]
    plain = leave_one_out(lists, 9, name)
    return replace(
        plain,
        timestamps={p: random.integers(0, 99, len(getattr(plain, p).items)) for p in store_parts()},
        ratings={p: random.random(len(getattr(plain, p).items), np.float32) for p in store_parts()},
        left_out_users=np.arange(3),
    )


def store_parts() -> tuple[Any, ...]:
    return ("train", "valid", "test")


def in_shards(folder: Path, count: int, dataset: SequenceDataset | None = None) -> Path:
    path = folder / "x.shards"
    (dataset or walks()).save(path, count)
    return path


def arrays_of(dataset: SequenceDataset) -> dict[str, list[Any]]:
    return {name: np.asarray(array).tolist() for name, array in dataset.arrays().items()}


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_shards_are_the_dataset_of_one_file(tmp_path: Path, count: int) -> None:
    walks().save(tmp_path / "one" / "x.npz")
    one = SequenceDataset.load(tmp_path / "one" / "x.npz")
    many = SequenceDataset.load(in_shards(tmp_path, count))
    assert arrays_of(many) == arrays_of(one)
    assert list(many.arrays()) == list(one.arrays())
    assert (many.name, many.sha256) == ("x", one.sha256)
    assert is_lazy(many.train.items) == (count > 1)
    without = SequenceDataset.load(tmp_path / "x.shards", parts=("train", "valid"))
    assert without.test is None
    assert without.timestamps.keys() == {"train", "valid"}


def test_each_user_is_in_one_shard() -> None:
    arrays, bounds = walks().arrays(), bounds_of(20, 7)
    cut = [cut_arrays(arrays, start, stop) for start, stop in pairwise(bounds)]
    for name in ("user_ids", "train_items", "timestamps_test", "ratings_valid"):
        np.testing.assert_array_equal(np.concatenate([own[name] for own in cut]), arrays[name])
    for own in cut:
        assert len(own["train_offsets"]) == len(own["user_ids"]) + 1
        assert own["train_offsets"][-1] == len(own["train_items"])


def test_the_same_dataset_gives_the_same_files(tmp_path: Path) -> None:
    made = [in_shards(tmp_path / name, 3) for name in "ab"]
    contents = [{p.name: p.read_bytes() for p in path.iterdir()} for path in made]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 4


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    path = in_shards(tmp_path, 3)
    gone = sorted(path.iterdir())[1]
    gone.unlink()
    with pytest.raises(DatasetError) as caught:
        SequenceDataset.load(path)
    assert caught.value.message == f"the shard `{gone}` is missing"
    assert "copy the whole folder" in caught.value.hint


def test_a_shard_of_another_dataset_is_refused(tmp_path: Path) -> None:
    path = in_shards(tmp_path, 3)
    other = in_shards(tmp_path / "b", 3, leave_one_out([[1, 2, 3, 4]] * 20, 9))
    shutil.copy(sorted(other.iterdir())[1], sorted(path.iterdir())[1])
    with pytest.raises(DatasetError, match="not the file that the manifest"):
        SequenceDataset.load(path)


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = in_shards(tmp_path, 2)
    for shard in sorted(path.iterdir()):
        content = shard.read_bytes()
        for place in range(0, len(content), 101):
            shard.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(DatasetError, match="not the file that the manifest"):
                SequenceDataset.load(path)
        shard.write_bytes(content)
    SequenceDataset.load(path)


def changed(path: Path, change: Any) -> None:
    manifest = path.with_suffix(".json")
    content = json.loads(manifest.read_text())
    change(content)
    manifest.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("common"),
        lambda content: content.update(shards=[]),
        lambda content: content.update(shards=7),
        lambda content: content.update(shards=content["shards"] * 300),
        lambda content: content["shards"][0].update(file="../secret.npz"),
        lambda content: content["shards"][0].update(users=-1),
        lambda content: content["shards"][0].update(sha256="0" * 64),
    ],
)
def test_a_manifest_that_names_no_shards_is_refused(tmp_path: Path, change: Any) -> None:
    path = in_shards(tmp_path, 3)
    changed(path, change)
    with pytest.raises(DatasetError, match="does not say which shards"):
        SequenceDataset.load(path)


def test_shards_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = in_shards(tmp_path, 3)

    def more_users(content: dict[str, Any]) -> None:
        content["shards"][0]["users"] += 1

    def again(content: dict[str, Any]) -> None:
        content["shards"][1] = content["common"] | {"users": 0}

    for change, message in ((more_users, "does not fit"), (again, "does not fit its 0 users")):
        before = path.with_suffix(".json").read_bytes()
        changed(path, change)
        with pytest.raises(DatasetError, match=message):
            SequenceDataset.load(path)
        path.with_suffix(".json").write_bytes(before)


def test_more_shards_than_users_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be cut into 21 shards"):
        in_shards(tmp_path, 21)
    assert not (tmp_path / "x.shards").exists()


@pytest.mark.parametrize("when", range(4))
def test_killed_while_it_is_replaced_it_is_the_old_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    path = in_shards(tmp_path, 2)
    before, written = arrays_of(SequenceDataset.load(path)), []

    def killed(file: Path, target: Path) -> None:
        written.append(target)
        if len(written) > when:
            raise RuntimeError("killed")
        move(file, target)

    move = files.move
    with monkeypatch.context() as patch:
        patch.setattr(files, "move", killed)
        patch.setattr(shards, "remove_others", lambda folder, kept: None)  # as nobody tidies up
        if when < 3:
            with pytest.raises(RuntimeError, match="killed"):
                leave_one_out([[1, 2, 3, 4]] * 20, 9, "x").save(path, 2)
            assert arrays_of(SequenceDataset.load(path)) == before
        else:
            leave_one_out([[1, 2, 3, 4]] * 20, 9, "x").save(path, 2)
    in_shards(tmp_path, 2)
    assert arrays_of(SequenceDataset.load(path)) == before
    assert len(list(path.iterdir())) == 3  # nothing is left of the others
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.json", "x.shards"]


def test_a_dataset_becomes_shards_and_a_file_again(tmp_path: Path) -> None:
    file, folder = tmp_path / "x.npz", tmp_path / "x.shards"
    walks().save(file)
    assert store.find_dataset("x", tmp_path) == file
    walks().save(folder, 3)
    assert not file.exists()
    for name in ("x", str(file), str(folder)):
        assert store.find_dataset(name, tmp_path) == folder
    assert store.known_datasets(tmp_path) == ["x"]
    assert store.dataset_bytes(folder) == sum(p.stat().st_size for p in folder.iterdir())
    walks().save(file)
    assert not folder.exists()
    assert store.find_dataset(str(folder), tmp_path) == file
    assert load_arrays(file)["user_ids"].tolist() == walks().user_ids.tolist()


def test_where_both_are_left_the_manifest_decides(tmp_path: Path) -> None:
    walks().save(tmp_path / "other" / "x.npz")
    path = in_shards(tmp_path, 2)
    shutil.copy(tmp_path / "other" / "x.npz", tmp_path / "x.npz")
    assert store.find_dataset("x", tmp_path) == path
    shutil.copy(tmp_path / "other" / "x.json", tmp_path / "x.json")
    assert store.find_dataset("x", tmp_path) == tmp_path / "x.npz"
    assert SequenceDataset.load(tmp_path / "x.npz").num_users == 20


def test_shards_replaced_while_they_are_opened_are_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read = in_shards(tmp_path, 2), []

    def late(place: Path, manifest: Any, skip: Any) -> Any:
        read.append(manifest)
        if len(read) == 1:
            leave_one_out([[1, 2, 3, 4]] * 20, 9, "x").save(path, 2)
        return load(place, manifest, skip)

    load = shards.load_shards
    monkeypatch.setattr(shards, "load_shards", late)
    assert SequenceDataset.load(path).train.items.tolist() == [1, 2] * 20
    assert len(read) == 2
