"""A train.csv and a test.csv: what becomes of every cell, and what is said about a wrong one."""

from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.ranking.from_table import prepare_pair
from seqrec_cli.errors import InputError
from tests.core.data.ranking.pairs import TEST, TRAIN, folder
from tests.core.data.ranking.toy import COLUMNS

ONE = Encoding(min_value_count=1)


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


def test_columns_that_nobody_names_and_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not known what the columns") as info:
        prepare_pair(folder(tmp_path), "toy")
    assert "--table" in info.value.hint


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
