"""A prepared dataset comes back as it was saved, or is refused with a DatasetError."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.errors import DatasetError

LISTS = st.lists(st.lists(st.integers(1, 9), max_size=4), max_size=6)


def small() -> SequenceDataset:
    return SequenceDataset(
        name="x",
        train=Sequences.from_lists([[1, 2], [3]]),
        valid=Sequences.from_lists([[3], []]),
        test=Sequences.from_lists([[2], []]),
        user_ids=np.array(["ann", "bob"]),
        item_ids=np.array([10, 20, 30]),
        item_titles=np.array(["A", "", "日本"]),
        timestamps={
            "train": np.array([5, 6, 7]), "valid": np.array([8]), "test": np.array([2**62])
        },
        ratings={
            part: np.ones(n, np.float32) for part, n in (("train", 3), ("valid", 1), ("test", 1))
        },
        manifest={"source": "by hand"},
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "x.npz"
    small().save(path)
    return path


def reseal(path: Path) -> None:
    """Make the manifest agree with what is at `path` now."""
    manifest = path.with_suffix(".json")
    content = json.loads(manifest.read_bytes()) | {"npz_sha256": files.sha256(path)}
    manifest.write_text(json.dumps(content))


def test_comes_back_as_it_was_saved(saved: Path) -> None:
    before, after = small(), SequenceDataset.load(saved)
    assert after.test is not None
    assert before.test is not None
    for one, other in (
        *((getattr(before, part), getattr(after, part)) for part in ("train", "valid", "test")),
    ):
        np.testing.assert_array_equal(one.offsets, other.offsets)
        np.testing.assert_array_equal(one.items, other.items)
        assert other.items.dtype == np.int32
    for name in ("user_ids", "item_ids", "item_titles"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    for kind in ("timestamps", "ratings"):
        for part, values in getattr(before, kind).items():
            np.testing.assert_array_equal(values, getattr(after, kind)[part])
            assert values.dtype == getattr(after, kind)[part].dtype
    assert after.manifest["source"] == "by hand"
    assert after.sha256 == files.sha256(saved)
    assert (after.num_users, after.num_items) == (2, 3)


def test_is_saved_as_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    small().save(tmp_path / "again" / "x.npz")
    assert (tmp_path / "again" / "x.npz").read_bytes() == saved.read_bytes()


def test_the_test_part_can_be_left_unread(saved: Path) -> None:
    dataset = SequenceDataset.load(saved, parts=("train", "valid"))
    assert dataset.test is None
    assert set(dataset.timestamps) == {"train", "valid"}
    assert small().without_test().test is None
    with pytest.raises(ValueError, match="for training, not for saving"):
        dataset.save(saved)


def test_every_flipped_byte_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    for place in range(0, len(content), 7):
        saved.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DatasetError, match="not the file that its manifest"):
            SequenceDataset.load(saved)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_file_is_noticed(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    for _ in range(2):
        with pytest.raises(DatasetError):
            SequenceDataset.load(saved)
        reseal(saved)  # even with a manifest that agrees


def test_flipped_bytes_are_noticed_without_the_manifest_too(saved: Path) -> None:
    """The zip's own checksums, or the checks of the contents, or nothing has changed."""
    content = saved.read_bytes()
    whole = load_arrays(saved)
    for place in range(0, len(content), 5):
        saved.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        try:
            arrays = load_arrays(saved)
        except DatasetError:
            continue
        for name, values in arrays.items():
            if name in whole:
                np.testing.assert_array_equal(values, whole[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_items": np.array([1, 2, 4], np.int32)}, "outside 1 to 3"),
        ({"train_items": np.array([0, 2, 3], np.int32)}, "outside 1 to 3"),
        ({"train_items": np.array([1, 2, 3], np.int64)}, "not a list of int32"),
        ({"train_items": np.array([1, 2], np.int32)}, "does not partition"),
        ({"train_offsets": np.array([0, 4, 3])}, "does not partition"),
        ({"train_offsets": np.array([0, 3])}, "not int64 of 3 values"),
        ({"test_offsets": np.array([0.0, 1, 1])}, "not int64"),
        ({"user_ids": np.array([1.5, 2.5])}, "neither a list of numbers nor of texts"),
        ({"item_titles": np.array(["A"])}, "1 titles for 3 items"),
        ({"item_titles": np.array([1, 2, 3])}, "item_titles are not texts"),
        ({"timestamps_train": np.array([5])}, "timestamps_train does not fit"),
        ({"train_items": None}, "no array 'train_items'"),
        ({"valid_offsets": None}, "no array 'valid_offsets'"),
    ],
)
def test_foreign_arrays_are_refused(saved: Path, change: dict[str, Any], message: str) -> None:
    arrays = {k: v for k, v in (load_arrays(saved) | change).items() if v is not None}
    save_arrays(saved, arrays)
    reseal(saved)
    with pytest.raises(DatasetError) as caught:
        SequenceDataset.load(saved)
    assert message in caught.value.message
    assert caught.value.hint


def npz(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    "content",
    [
        b"not a zip",
        npz(a=b"not an array"),
        npz(a=npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n.")),
        npz(
            a=npy("{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000,)}", b"12345678")
        ),
        npz(a=npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}", b"12345678")),
        npz(a=npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1, 1)}", b"12345678")),
        npz(a=npy("{'descr': [('x', '<i8')], 'fortran_order': False, 'shape': (1,)}", b"12345678")),
        npz(a=npy("__import__('os').system('true')", b"12345678")),
    ],
)
def test_hostile_arrays_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="is damaged"):
        load_arrays(path)


def test_a_compressed_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"0" * 10_000_000)
    with pytest.raises(DatasetError, match="is compressed"):
        load_arrays(tmp_path / "a.npz")


def test_says_how_to_make_a_missing_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        SequenceDataset.load(tmp_path / "nope.npz")
    assert "there is no prepared dataset" in caught.value.message
    assert "seqrec prepare nope" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_broken_manifest_is_refused(saved: Path, content: bytes) -> None:
    saved.with_suffix(".json").write_bytes(content)
    with pytest.raises(DatasetError):
        SequenceDataset.load(saved)
    saved.with_suffix(".json").unlink()
    with pytest.raises(DatasetError, match="has no manifest"):
        SequenceDataset.load(saved)


@settings(deadline=None)
@given(LISTS)
def test_sequences_hold_lists(lists: list[list[int]]) -> None:
    sequences = Sequences.from_lists(lists)
    assert [history.tolist() for history in sequences] == lists
    assert sequences.lengths.tolist() == list(map(len, lists))
    assert sequences.users.tolist() == [user for user, own in enumerate(lists) for _ in own]


@settings(deadline=None)
@given(LISTS, st.data())
def test_sequences_can_be_taken_and_joined(lists: list[list[int]], data: st.DataObject) -> None:
    sequences = Sequences.from_lists(lists)
    if lists:
        users = data.draw(st.lists(st.integers(0, len(lists) - 1)))
        taken = sequences.take(np.array(users, np.int64))
        assert [history.tolist() for history in taken] == [lists[user] for user in users]
    later = [own[::-1][:2] for own in lists]
    joined = sequences.followed_by(Sequences.from_lists(later))
    assert [h.tolist() for h in joined] == [a + b for a, b in zip(lists, later, strict=True)]


def test_killed_between_the_two_files_it_is_the_new_dataset(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, target: Path) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(files, "move", killed)
        with pytest.raises(RuntimeError, match="killed"):
            replace(small(), item_titles=None, manifest={"source": "anew"}).save(saved)
    found = SequenceDataset.load(saved)
    assert found.item_titles is None
    assert found.manifest["source"] == "anew"
    small().save(saved)
    assert SequenceDataset.load(saved).manifest["source"] == "by hand"
    assert sorted(path.name for path in saved.parent.iterdir()) == ["x.json", "x.npz"]
