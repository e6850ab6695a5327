"""A prepared dataset comes back as it was saved, or is refused with a DatasetError."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.errors import ConfigError, DatasetError
from tests.core.data.conftest import reseal, small


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


def test_times_come_in_seconds_or_are_refused() -> None:
    data = replace(small(), manifest={"time": {"unit": "milliseconds"}})
    times = {"train": np.array([5999, 6000, 7001]), "valid": np.array([-1]), "test": np.array([8])}
    timed = replace(data, timestamps=times).timed()  # type: ignore[arg-type]
    assert timed.train.times is not None
    assert timed.train.times.tolist() == [5, 6, 7]
    assert timed.valid.times is not None
    assert timed.valid.times.tolist() == [-1]
    assert timed.without_test().train is timed.train
    learnt = timed.with_valid_learnt().train
    assert learnt.times is not None
    assert learnt.times.tolist() == [5, 6, -1, 7]
    for other, why in (
        (replace(data, timestamps={}), "has no times"),
        (replace(data, manifest={}), "has times of an unknown unit"),
    ):
        with pytest.raises(ConfigError, match=why):
            other.timed()
