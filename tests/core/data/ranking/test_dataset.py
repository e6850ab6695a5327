"""A ranking dataset comes back as it was saved, or is refused."""

from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.files import sha256
from seqrec_cli.errors import DatasetError
from tests.core.data.ranking.toy import toy_dataset


def test_is_read_as_it_was_written_and_again_the_same_bytes(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path / "csv", users=40)
    path = tmp_path / "toy.npz"
    data.save(path)
    checksum = sha256(path)
    again = RankingDataset.load(path)
    again.save(path)
    assert sha256(path) == checksum == again.sha256
    for part in ("train", "test"):
        mine, theirs = getattr(data, part).arrays(part), getattr(again, part).arrays(part)
        for name in mine:
            np.testing.assert_array_equal(mine[name], theirs[name])
    assert again.valid is None


def test_without_the_test_part_it_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "toy.npz"
    toy_dataset(tmp_path / "csv", users=40).save(path)
    assert RankingDataset.load(path, parts=("train", "valid")).test is None
    with pytest.raises(ValueError, match="without its test part"):
        RankingDataset.load(path, parts=("train", "valid")).save(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train_items", lambda a: a + 100, "train_items are outside 1 to"),
        ("train_history", lambda a: a - 1, "train_history are outside"),
        ("train_labels", lambda a: a * 2, "train_labels are not all 0 or 1"),
        ("test_users", lambda a: a[:-1], "test_users are not int32 of 20 values"),
        ("train_sparse", lambda a: a + 50, "the codes of `city` in train_sparse are outside"),
        ("train_dense", lambda a: a * np.float32(np.nan), "not finite"),
        ("train_negatives", lambda a: a[:, 1:].copy(), "train_history are not int32 of 40 by 5"),
        ("train_labels", lambda a: np.array(3), "train_labels are not all 0 or 1"),
        ("test_labels", lambda a: a[:, None], "test_labels are not all 0 or 1"),
        ("train_users", lambda a: a[:, None], "train_users are not int32 of 40 values"),
        ("train_candidates", lambda a: np.array(3), "train_candidates are not int32"),
        ("train_history", lambda a: a[:, 0].copy(), "train_history are not int32"),
        ("train_negatives", lambda a: np.array(3), "train_history are not int32"),
        ("train_dense", lambda a: np.array(3), "train_dense is not float32"),
        ("test_tags_0", lambda a: a[:, 0].copy(), "test_tags_0 are not int32"),
        ("user_ids", lambda a: np.array(3), "user_ids is neither"),
        ("item_ids", lambda a: a * 0.5, "item_ids is neither"),
        ("column_3", lambda a: np.array(3), "the encoder of `item` has no list of values"),
        ("column_kinds", lambda a: np.array(3), "column_names, kinds, sides and scalings"),
        ("column_sides", lambda a: a[:2], "column_names, kinds, sides and scalings"),
        ("features_format", lambda a: a + 1, "made by a newer seqrec"),
        ("column_0", lambda a: a.astype(np.int64), "the encoder of `age` has no finite"),
    ],
)
def test_refuses_arrays_that_do_not_fit(
    tmp_path: Path, name: str, change: object, message: str
) -> None:
    path = tmp_path / "toy.npz"
    manifest = toy_dataset(tmp_path / "csv", users=40).save(path)
    arrays = load_arrays(path)
    arrays[name] = change(arrays[name])  # type: ignore[operator]
    save_arrays(path, arrays)
    text = path.with_suffix(".json").read_text().replace(manifest["npz_sha256"], sha256(path))
    path.with_suffix(".json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        RankingDataset.load(path)


def test_a_dataset_for_another_task_is_refused_by_name(tmp_path: Path, cycle_npz: Path) -> None:
    path = tmp_path / "toy.npz"
    toy_dataset(tmp_path / "csv", users=40).save(path)
    with pytest.raises(DatasetError, match="prepared for the task ranking, and next-item"):
        SequenceDataset.load(path)
    with pytest.raises(DatasetError, match="prepared for the task next-item, and ranking") as info:
        RankingDataset.load(cycle_npz)
    assert "--task ranking" in info.value.hint
