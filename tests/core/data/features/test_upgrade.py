"""Arrays of format 1 become those of today: the same codes renumbered, the same numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.upgrade import upgrade
from seqrec_cli.core.data.ranking.dataset import RankingDataset, from_encoder_arrays
from seqrec_cli.core.storage.arrays import load_arrays
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden" / "version-1"


def column(side: str, name: str, ids: list[Any]) -> TextColumn:
    """The cells of a file's column for ids, "" without a row."""
    header, *lines = (GOLDEN / f"{side}.csv").read_text().splitlines()
    place = header.split(",").index(name)
    rows = {line.split(",")[0]: line.split(",")[place] for line in lines}
    return TextColumn.of([rows.get(str(key), "") for key in ids])


@pytest.mark.parametrize("name", ["next", "scores"])
def test_datasets_of_next_items(name: str) -> None:
    before = load_arrays(GOLDEN / "data" / f"{name}.npz")
    data = SequenceDataset.load(GOLDEN / "data" / f"{name}.npz")
    users, items = data.user_features, data.item_features
    assert users is not None
    assert items is not None
    for side, features in (("user", users), ("item", items)):
        np.testing.assert_array_equal(features.dense, before[f"{side}_dense"])
        np.testing.assert_array_equal(features.sparse - 1, before[f"{side}_sparse"])
        np.testing.assert_array_equal(np.maximum(features.tags[0] - 1, 0), before[f"{side}_tags_0"])
    age, city, hobbies, price, kind, topics = data.encoders.columns
    # The encoders make of the files what is in the arrays.
    user_ids, item_ids = data.user_ids.tolist(), data.item_ids.tolist()
    for encoder, file, ids, array in (
        (age, "people", user_ids, users.dense[:, 0]),
        (city, "people", user_ids, users.sparse[:, 0]),
        (price, "things", item_ids, items.dense[:, 0]),
        (kind, "things", item_ids, items.sparse[:, 0]),
        (topics, "things", item_ids, items.tags[0]),
    ):
        encoded = encoder.encode(column(file, encoder.name, ids))  # type: ignore[arg-type]
        np.testing.assert_allclose(encoded, array, atol=1e-6)
    # Unknown hobbies were left out, and have a code now.
    encoded = hobbies.encode(column("people", "hobbies", user_ids))  # type: ignore[arg-type]
    assert [row[row > 1].tolist() for row in encoded] == [
        row[row > 0].tolist() for row in users.tags[0]
    ]


def test_datasets_of_ranking() -> None:
    before = load_arrays(GOLDEN / "data" / "ranking.npz")
    data = RankingDataset.load(GOLDEN / "data" / "ranking.npz")
    assert data.encoders.items.values.tolist() == before["item_values"].tolist()
    for name, array in {**data.train.arrays("train"), **data.sides["user"].arrays("user")}.items():
        np.testing.assert_array_equal(array, before[name])
    for encoder in data.encoders.of(DenseEncoder):
        ids = data.user_ids if encoder.side == "user" else data.item_ids
        file = "people" if encoder.side == "user" else "things"
        encoded = encoder.encode(column(file, encoder.name, [*ids.tolist(), "new"]))
        np.testing.assert_array_equal(encoded, before[f"{encoder.side}_dense"][:, 0])


def test_arrays_of_today_and_without_features_stay() -> None:
    arrays = Encoders().arrays()
    assert upgrade(arrays) is arrays
    assert upgrade({"user_ids": np.arange(3)}).keys() == {"user_ids"}


@pytest.mark.parametrize("version", [np.array(2), np.array([2.0]), np.array([1]), np.array([2, 2])])
def test_a_forged_version_is_refused(version: Any) -> None:
    with pytest.raises(ValueError, match="version"):
        upgrade(Encoders().arrays() | {"features_format": version})


SHAPES = st.sampled_from([(), (0,), (1,), (2,), (3,), (1, 0), (1, 2), (1, 101), (2, 2), (18, 1)])
DTYPES: st.SearchStrategy[Any] = st.sampled_from(
    [np.int32, np.int64, np.float32, np.float64, np.bool_, "<U8"]
)
FILES = ["runs/two/features.npz", "runs/dien/rows.npz"]


@pytest.mark.parametrize("file", FILES)
@given(data=st.data())
def test_whatever_a_run_holds_it_is_read_or_refused(file: str, data: st.DataObject) -> None:
    arrays = load_arrays(GOLDEN / file)
    for name in data.draw(st.sets(st.sampled_from(sorted(arrays)), min_size=1, max_size=3)):
        change = data.draw(st.sampled_from(["drop", "foreign", "cut"]))
        if change == "drop":
            del arrays[name]
        elif change == "cut":
            arrays[name] = arrays[name][: data.draw(st.integers(0, 2))]
        else:
            array = np.zeros(data.draw(SHAPES), data.draw(DTYPES))
            array[...] = data.draw(st.sampled_from([0, 1, -1, 2**30]))
            arrays[name] = array
    try:
        if "two" in file:
            Features.from_arrays(arrays, 18)
        else:
            from_encoder_arrays(arrays)
    except (ValueError, KeyError):
        pass
