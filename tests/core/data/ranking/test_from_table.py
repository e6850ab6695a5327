"""A train.csv and a test.csv: what becomes of every cell, and what is said about a wrong one."""

from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.ranking.from_table import prepare_pair
from seqrec_cli.core.data.ranking.table import WALKTHROUGH, TableColumns, load_columns
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.files import sha256
from seqrec_cli.errors import ConfigError, DatasetError, InputError
from tests.conftest import ROOT
from tests.core.data.ranking.toy import COLUMNS, HEADER, toy_dataset, toy_folder

ONE = Encoding(min_value_count=1)
TRAIN = """\
who,what,before,not,age,city,topics,liked
7,10,20|30,40|50,1,a,x|y,1
8,20,,,3,a,y,0
9,30,10,20,,b,,1
"""
TEST = """\
who,what,before,not,age,city,topics,liked
3,20,99|10|20,30|30|77,100,b,z|y,0
4,99,,,x,new,,1
"""


def folder(path: Path, train: str = TRAIN, test: str = TEST) -> Path:
    (path / "train.csv").write_text(train)
    (path / "test.csv").write_text(test)
    return path


def test_every_cell_becomes_what_it_should(tmp_path: Path) -> None:
    data = prepare_pair(folder(tmp_path), "toy", COLUMNS, ONE)
    # Counted over candidates and histories of train: 10, 20 and 30 twice each.
    assert data.encoders.items.values.tolist() == ["10", "20", "30"]
    train, test = data.train, data.test
    assert test is not None
    assert train.items.tolist() == [2, 3, 4]
    assert test.items.tolist() == [3, 1]
    assert train.history.tolist() == [[3, 4, 0], [0, 0, 0], [2, 0, 0]]
    assert test.history.tolist() == [[1, 2, 3], [0, 0, 0]]
    assert test.negatives.tolist() == [[4, 4, 1], [0, 0, 0]]
    assert train.labels.tolist() == [1, 0, 1]
    assert data.user_ids[train.users].tolist() == [7, 8, 9]
    assert data.item_ids[test.candidates].tolist() == [20, 99]
    np.testing.assert_allclose(train.features.dense[:, 0], [0, 1, 0.5])  # the missing one: the mean
    np.testing.assert_allclose(test.features.dense[:, 0], [1, 0.5])
    assert train.features.sparse[:, 0].tolist() == [2, 2, 3]
    assert test.features.sparse[:, 0].tolist() == [3, 1]
    assert train.features.tags[0].tolist() == [[3, 2], [2, 0], [0, 0]]
    assert test.features.tags[0].tolist() == [[1, 2], [0, 0]]
    split = data.manifest["split"]
    assert split["train"] == {
        "rows": 3,
        "users": 3,
        "positives": 2,
        "unknown_candidates": 0,
        "empty_histories": 1,
    }
    assert split["test"]["unknown_candidates"] == 1


def test_numbers_can_be_scaled_in_standard_deviations(tmp_path: Path) -> None:
    encoding = Encoding(min_value_count=1, scaling="z-score")
    data = prepare_pair(folder(tmp_path), "toy", COLUMNS, encoding)
    np.testing.assert_allclose(data.train.features.dense[:, 0], [-1, 1, 0])
    assert data.manifest["encoders"]["scaling"] == "z-score"


def test_the_test_file_teaches_the_encoders_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = prepare_pair(folder(tmp_path / "a"), "toy", COLUMNS, ONE)
    other = TEST.replace("100,b", "55,zzz").replace("99", "98")
    second = prepare_pair(folder(tmp_path / "b", test=other), "toy", COLUMNS, ONE)
    for name, array in first.encoders.arrays().items():
        np.testing.assert_array_equal(array, second.encoders.arrays()[name])


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("9,30,10,20,,b,,1", "9,30,10,20,,b,,2"), "row 3: the label in `liked` is `2`"),
        (("20|30,40|50", "20|30,40"), "row 1: 1 values in `not`, and 2 in `before`"),
        (("topics", "topic"), "has no column `topics`"),
        (("8,20,,,3,a,y,0", "8,20"), "line 3: fewer values than the other lines have: `8,20`"),
    ],
)
def test_says_what_is_wrong_with_a_file(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(InputError) as info:
        prepare_pair(folder(tmp_path, TRAIN.replace(*change)), "toy", COLUMNS)
    assert message in info.value.message
    assert info.value.hint


def test_rows_of_one_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every row of the test part has the same label"):
        prepare_pair(folder(tmp_path, test=TEST.replace(",,1", ",,0")), "toy", COLUMNS)


def test_columns_that_nobody_names_and_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not known what the columns") as info:
        prepare_pair(folder(tmp_path), "toy")
    assert "--table" in info.value.hint


def test_the_table_in_configs_says_what_is_known_anyway() -> None:
    assert load_columns(ROOT / "configs" / "tables" / "dien-ml-1m.yaml") == WALKTHROUGH


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("labl: x\n", "line 1: unknown key `labl`", "did you mean `label`?"),
        ("label: x\ndense: 3\n", "line 2: dense: input should be a valid tuple", ""),
        ("dense: [a]\nsparse: [a]\n", "the column `a` is named twice", ""),
        ("- a\n", "does not name columns", ""),
        ("label: [\n", "not YAML", ""),
    ],
)
def test_says_what_is_wrong_with_a_table(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as info:
        load_columns(path)
    assert message in info.value.message
    assert hint in info.value.hint


def test_a_table_of_another_spelling_is_read(tmp_path: Path) -> None:
    toy_folder(tmp_path, users=30)
    assert load_columns(tmp_path / "columns.yaml") == COLUMNS
    assert set(COLUMNS.names()) == set(HEADER)
    bare = TableColumns(label="liked", user="who", item="what", history="before")
    data = prepare_pair(tmp_path, "toy", bare)
    assert data.train.features.dense.shape == (30, 0)
    assert data.train.negatives.max() == 0


def test_the_walkthroughs_files(real_data: Path) -> None:
    data = prepare_pair(real_data / "dien-ml-1m", "dien-ml-1m")
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (4832, 1208)
    assert (data.train.labels.sum(), data.test.labels.sum()) == (2854, 709)
    assert not set(data.train.users) & set(data.test.users)
    assert data.train.history.shape[1] == 10
    assert data.manifest["split"]["train"]["empty_histories"] == 2
    assert [(c.name, c.kind) for c in data.encoders.columns[:-1]] == [
        ("age", "dense"),
        ("gender", "sparse"),
        ("occupation", "sparse"),
        ("zipCode", "sparse"),
        ("genres", "tags"),
    ]


def test_the_files_of_the_din_paper_are_read(tmp_path: Path) -> None:
    rows = ["0\tA1\tB15\tBooks\tB1\x02B2\tBooks\x02Toys", "1\tA1\tB1\tToys\tB2\tBooks"]
    rows += ["1\tA2\tB2\tBooks\tB15\x02B1\x02B2\tBooks\x02Toys\x02Books"]
    for name in ("local_train", "local_test"):
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    data = prepare_pair(tmp_path, "din", encoding=ONE)
    assert data.test is not None
    assert data.train.labels.tolist() == [0, 1, 1]
    assert (data.train.history > 0).sum(axis=1).tolist() == [2, 1, 3]
    assert data.manifest["source"]["format"] == "local_train and local_test"
    again = prepare_pair(tmp_path / "local_train", "din", encoding=ONE)
    assert again.train.items.tolist() == data.train.items.tolist()
