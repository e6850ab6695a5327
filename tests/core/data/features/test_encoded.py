"""Encoded features come back from their arrays, and forged arrays are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoded import (
    EncodedFeatures,
    Features,
    checked_vectors,
    side_features,
)
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.encoding import encode_columns
from seqrec_cli.core.data.features.vocabularies import SparseEncoder, TagsEncoder
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays

CELLS = {"n": ["1", "2", ""], "c": ["x", "", "y"], "t": ["a|b", "", "b"]}
COLUMNS = {name: TextColumn.of(cells) for name, cells in CELLS.items()}
ENCODERS = Encoders(
    (
        DenseEncoder.fit("n", "user", COLUMNS["n"], "quantile"),
        SparseEncoder.fit("c", "user", COLUMNS["c"], 1),
        TagsEncoder.fit("t", "user", COLUMNS["t"], 1),
    )
)


def encoded() -> EncodedFeatures:
    return encode_columns(ENCODERS, "user", COLUMNS, 3)


def check_equal(one: EncodedFeatures, other: EncodedFeatures) -> None:
    mine, theirs = one.arrays("x"), other.arrays("x")
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name])
        assert mine[name].dtype == theirs[name].dtype


@given(st.sets(st.sampled_from("nct")))
def test_arrays_bring_the_features_back(names: set[str]) -> None:
    encoders = Encoders(tuple(c for c in ENCODERS.columns if c.name in names))
    features = encode_columns(encoders, "user", COLUMNS, 3)
    again = Encoders.from_arrays(encoders.arrays())
    check_equal(EncodedFeatures.from_arrays(features.arrays("p"), "p", again, None, 3), features)
    assert len(features) == 3


def test_a_file_brings_them_back(tmp_path: Path) -> None:
    features = Features(ENCODERS, None, np.array([True, False]))
    save_arrays(tmp_path / "a.npz", features.arrays())
    again = Features.from_arrays(load_arrays(tmp_path / "a.npz"), 2)
    assert again.items is None
    assert [column.name for column in again.encoders.columns] == ["n", "c", "t"]
    with pytest.raises(ValueError, match="it is not about 3 items"):
        Features.from_arrays(features.arrays(), 3)
    newer = features.arrays() | {"features_format": np.array([3])}
    with pytest.raises(ValueError, match="made by a newer seqrec"):
        Features.from_arrays(newer, 2)


def test_rows_are_taken_and_columns_put_together() -> None:
    features = encoded()
    taken = features.take(np.array([2, 0, -1]))
    assert taken.sparse.ravel().tolist() == [3, 2, 3]
    assert taken.tags[0].tolist() == [[2, 0], [3, 2], [2, 0]]
    both = features.concatenate(taken)
    assert (both.dense.shape, both.sparse.shape, len(both.tags)) == ((3, 2), (3, 2), 2)


INT = np.int32
FORGED: list[tuple[str, Any]] = [
    ("dense", lambda a: a[:2]),
    ("dense", lambda a: a[:, :0]),
    ("dense", lambda a: a.ravel()),
    ("dense", lambda a: a.astype(np.float64)),
    ("dense", lambda a: a * np.float32(np.nan)),
    ("dense", lambda a: np.float32(3)),
    ("sparse", lambda a: a - 1),
    ("sparse", lambda a: a + 2),
    ("sparse", lambda a: a.ravel()),
    ("sparse", lambda a: a.astype(np.int64)),
    ("sparse", lambda a: np.array(3, INT)),
    ("tags_0", lambda a: a[:, 0].copy()),
    ("tags_0", lambda a: a[:, :0]),
    ("tags_0", lambda a: a[:1]),
    ("tags_0", lambda a: a - 1),
    ("tags_0", lambda a: a + 2),
    ("tags_0", lambda a: a.astype(np.uint32)),
    ("tags_0", lambda a: np.array(3, INT)),
]


@pytest.mark.parametrize(("name", "change"), FORGED)
def test_forged_arrays_are_refused(name: str, change: Any) -> None:
    arrays = encoded().arrays("user")
    arrays[f"user_{name}"] = np.asarray(change(arrays[f"user_{name}"]))
    with pytest.raises(ValueError, match=f"user_{name}"):
        side_features(arrays, "user", ENCODERS, 3)


def test_encoders_without_their_features_are_refused() -> None:
    assert side_features({}, "item", ENCODERS, 3) is None
    with pytest.raises(ValueError, match="encoders of users, but no features"):
        side_features({}, "user", ENCODERS, 3)
    for name in ("user_sparse", "user_tags_0"):
        arrays = encoded().arrays("user")
        del arrays[name]
        with pytest.raises(KeyError):
            side_features(arrays, "user", ENCODERS, 3)


SHAPES = st.sampled_from([(), (0,), (3,), (3, 0), (3, 1), (3, 2), (1, 3), (4, 1)])
DTYPES: st.SearchStrategy[Any] = st.sampled_from(
    [np.int32, np.int64, np.float32, np.float64, np.bool_, np.int8, "<U2"]
)


@st.composite
def foreign(draw: st.DrawFn) -> NDArray[Any]:
    array = np.zeros(draw(SHAPES), draw(DTYPES))
    array[...] = draw(st.sampled_from([0, 1, 2, -1, 99]))
    return array


@given(st.dictionaries(st.sampled_from(["dense", "sparse", "tags_0"]), foreign(), min_size=1))
def test_whatever_arrays_hold_they_fit_or_are_refused(changes: dict[str, NDArray[Any]]) -> None:
    arrays = encoded().arrays("user") | {f"user_{name}": a for name, a in changes.items()}
    try:
        features = side_features(arrays, "user", ENCODERS, 3)
    except ValueError:
        return
    assert features is not None
    assert features.dense.shape == (3, 1)
    assert np.isfinite(features.dense).all()
    assert 1 <= features.sparse.min() <= features.sparse.max() <= 3
    assert 0 <= features.tags[0].min() <= features.tags[0].max() <= 3


def test_vectors_of_items_are_finite_and_one_for_each() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    told = Features(Encoders(), None, np.ones(3, np.bool_), vectors)
    found = Features.from_arrays(told.arrays(), 3)
    np.testing.assert_array_equal(found.vectors, vectors)  # type: ignore[arg-type]
    assert checked_vectors({}, 3) is None
    wrong = vectors.copy()
    wrong[1, 1] = np.inf
    for forged in (
        *(wrong, vectors[:2], vectors[:, 0], vectors[:, :, None], vectors[:, :0]),
        vectors.astype(np.float64),
    ):
        with pytest.raises(ValueError, match="item_vectors"):
            checked_vectors({"item_vectors": forged}, 3)
