"""Encoders learn from the train part alone, and anything else is ordinary input for them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.preprocessing import QuantileTransformer

from seqrec_cli.core.data.features.columns import Column, to_texts
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoders import Encoder, Encoders, encoder_of, fit_encoder
from seqrec_cli.core.data.features.kinds import Encoding, Kind, Scaling, is_missing, numbers
from seqrec_cli.core.data.features.vocabularies import (
    FIRST,
    PAD,
    UNKNOWN,
    IdsEncoder,
    SparseEncoder,
    TagsEncoder,
    pad_lists,
)
from seqrec_cli.errors import InputError

MISSING = ["", "NA", "nan", r"\N", "None", "NULL"]
WILD = st.one_of(
    st.sampled_from([*MISSING, "1e400", "-inf", "a|b", "|", "a|a|", "0", "1", "1.5", "日本"]),
    st.text(max_size=4),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
)
CELLS = st.lists(WILD, max_size=20)


def dense(cells: list[str], scaling: Scaling = "quantile") -> DenseEncoder:
    return DenseEncoder.fit("age", "row", Column.of(cells), scaling)


def scaled(encoder: DenseEncoder, cells: list[str]) -> NDArray[np.float32]:
    return encoder.encode(Column.of(cells))


def test_codes_leave_room_for_padding_and_for_what_is_unknown_or_rare() -> None:
    column = Column.of(["a", "b", "a", "b", "a", "c", ""])
    encoder = SparseEncoder.fit("city", "row", column, 2)
    assert encoder.values.tolist() == ["a", "b"]
    found = encoder.encode(Column.of(["a", "b", "c", "new", ""]))
    assert found.tolist() == [FIRST, FIRST + 1, UNKNOWN, UNKNOWN, UNKNOWN]
    assert encoder.size == 4


def test_tags_are_codes_once_each_and_unknown_ones_share_one() -> None:
    encoder = TagsEncoder.fit("topics", "row", Column.of(["a|b", "b|a", "b", "c"]), 2)
    assert encoder.values.tolist() == ["b", "a"]
    found = encoder.encode(Column.of(["a|b|a", "new|c|b", "", "b", "NA|b"]))
    assert found.tolist() == [[3, 2], [1, 2], [0, 0], [2, 0], [2, 0]]


def test_ids_have_one_code_wherever_they_are() -> None:
    encoder = IdsEncoder.fit("item", "item", Column.of(["5", "7", "7", "nan", "nan"]), 1)
    assert encoder.values.tolist() == ["7", "5"]
    assert encoder.encode(["5", "9", "7"]).tolist() == [3, 1, 2]
    lists = encoder.encode_lists([["5", "7", "9"], [], ["7"]], 2)
    assert lists.tolist() == [[2, 1], [0, 0], [2, 0]]


def test_equal_numbers_become_the_middle_of_their_ranks() -> None:
    train = np.round(np.random.default_rng(0).exponential(10, 400))
    encoder = dense([str(value) for value in train])
    for value in np.unique(train)[1:-1]:
        below, up_to = (train < value).sum(), (train <= value).sum() - 1
        expected = (below + up_to) / 2 / 399
        np.testing.assert_allclose(scaled(encoder, [str(value)]), expected, rtol=1e-6)


@pytest.mark.parametrize("known", [7, 40, 5000])
def test_numbers_become_uniform_as_scikit_learn_makes_them(known: int) -> None:
    random = np.random.default_rng(known)
    train = random.exponential(10, known)
    theirs = QuantileTransformer(
        n_quantiles=min(1000, known), output_distribution="uniform", subsample=None
    ).fit(train[:, None])
    asked = np.concatenate((train, random.uniform(-5, 90, 50), [-1e9, 1e9]))
    expected = theirs.transform(asked[:, None])[:, 0]
    found = scaled(dense([str(value) for value in train]), [str(value) for value in asked])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() == 0
    assert found.max() == 1


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60))
def test_quantiles_keep_the_order_and_lie_between_0_and_1(values: list[float]) -> None:
    cells, array = [repr(value) for value in values], np.array(values)
    found = scaled(dense(cells), cells)
    assert 0 <= found.min() <= found.max() <= 1
    for a, b in zip(array, found, strict=True):
        assert (found[array < a] <= b).all()
        assert len(set(found[array == a].tolist())) == 1


def test_standard_scores_are_those_of_numpy() -> None:
    cells, known = ["1", "5", "nan", "9"], np.array([1.0, 5.0, 9.0])
    found = scaled(dense(cells, "z-score"), [*cells, "1e90"])
    expected = (known - known.mean()) / known.std()
    np.testing.assert_allclose(found[[0, 1, 3]], expected, rtol=1e-6)
    assert (found[2], found[4]) == (0, 10)


@pytest.mark.parametrize("scaling", ["quantile", "z-score"])
@pytest.mark.parametrize("cell", [*MISSING, "none of it", "1e400", "-inf", "1e308"])
def test_a_missing_number_is_the_mean_of_the_known_ones(cell: str, scaling: Any) -> None:
    encoder = dense(["10", "20", "60", ""], scaling)
    assert scaled(encoder, [cell]) == scaled(encoder, ["30"]) == np.float32(encoder.missing)


@pytest.mark.parametrize("scaling", ["quantile", "z-score"])
@given(train=CELLS, asked=CELLS)
def test_every_kind_reads_everything(scaling: Scaling, train: list[str], asked: list[str]) -> None:
    options = Encoding(min_value_count=1, scaling=scaling)
    kinds: tuple[Kind, ...] = ("dense", "sparse", "tags")
    for kind in kinds:
        encoder = fit_encoder("x", kind, "row", Column.of(train), options)
        again = back(encoder)
        column = Column.of(asked)
        codes = encoder.encode(column)
        np.testing.assert_array_equal(codes, again.encode(column))  # type: ignore[union-attr, arg-type]
        assert len(codes) == len(asked)
        if isinstance(encoder, DenseEncoder):
            assert np.isfinite(codes).all()
            missing = np.isnan(numbers(asked))
            assert (codes[missing] == np.float32(encoder.missing)).all()
        else:
            assert codes.size == 0 or PAD <= codes.min() <= codes.max() < encoder.size
        if isinstance(encoder, SparseEncoder):
            # What has a code gives its text back; the rest is unknown.
            texts = [encoder.values[c - FIRST] if c >= FIRST else None for c in codes.tolist()]
            known = {cell for cell in train if not is_missing(cell)}
            assert texts == [cell if cell in known else None for cell in asked]
            assert codes.size == 0 or codes.min() >= UNKNOWN


def back(encoder: Encoder) -> Encoder:
    (again,) = Encoders.from_arrays(Encoders((encoder,)).arrays()).columns
    return again


def test_a_column_without_any_number_is_finite() -> None:
    for scaling in ("quantile", "z-score"):
        encoder = dense(["", "x"], scaling)  # type: ignore[arg-type]
        assert np.isfinite(scaled(encoder, ["", "5", "-5"])).all()


def test_values_too_long_for_an_array_are_refused() -> None:
    long = "x" * 501
    with pytest.raises(InputError, match="a value of 501 characters, more than 500"):
        SparseEncoder.fit("city", "row", Column.of([long]), 1)
    with pytest.raises(InputError, match="a name of 501 characters"):
        DenseEncoder.fit(long, "row", Column.of(["1"]), "quantile")
    assert SparseEncoder.fit("city", "row", Column.of([long]), 2).values.tolist() == []


@given(st.lists(st.lists(st.integers(1, 9), max_size=5)), st.integers(1, 4))
def test_lists_keep_their_newest_and_are_padded_behind(lists: list[list[int]], width: int) -> None:
    flat = np.array([value for own in lists for value in own], np.int32)
    table = pad_lists(flat, np.array([len(own) for own in lists], np.int64), width)
    assert table.tolist() == [own[-width:] + [0] * (width - len(own)) for own in lists]


def test_encoders_come_back_from_their_arrays_by_kind_and_side() -> None:
    ages, cities, topics = (
        Column.of(cells) for cells in (["1", "2", "9"], ["a", "b", "a"], ["x|y", "y"])
    )
    columns = (
        DenseEncoder.fit("age", "user", ages, "quantile"),
        SparseEncoder.fit("city", "user", cities, 1),
        TagsEncoder.fit("topics", "item", topics, 1),
        IdsEncoder("item", "item", np.array(["5", "7"])),
    )
    again = Encoders.from_arrays(Encoders(columns).arrays())
    assert again.items.encode(["7", "8"]).tolist() == [3, 1]
    assert [(c.name, c.kind, c.side) for c in again.columns] == [
        (c.name, c.kind, c.side) for c in columns
    ]
    assert [c.name for c in again.of(SparseEncoder, "user")] == ["city"]
    assert again.of(SparseEncoder, "item") == ()
    assert [c.name for c in again.side("item").columns] == ["topics", "item"]
    with pytest.raises(ValueError, match="no encoder of the ids"):
        _ = Encoders().items


DENSE = np.array([[1.0, 0, 1, 2], [0.5, 0, 0.5, 1]])


@pytest.mark.parametrize(
    ("kind", "side", "scaling", "content"),
    [
        ("dense", "user", "quantile", DENSE.astype(np.float32)),
        ("dense", "user", "quantile", DENSE[0]),
        ("dense", "user", "quantile", DENSE[:, :1]),
        ("dense", "user", "quantile", np.array(3.0)),
        ("dense", "user", "quantile", DENSE * np.nan),
        ("dense", "user", "quantile", DENSE[:, ::-1].copy()),
        ("dense", "user", "quantile", np.concatenate((DENSE, DENSE))),
        ("dense", "user", "", DENSE),
        ("dense", "user", "z-score", DENSE),
        ("dense", "user", "z-score", np.array([[0.0, 0, 0], [0, -10, 10]])),
        ("sparse", "user", "", DENSE),
        ("sparse", "user", "", np.array("x")),
        ("sparse", "user", "", np.array([["x"]])),
        ("tags", "nobody", "", to_texts(["x"])),
        ("numbers", "user", "", to_texts(["x"])),
    ],
)
def test_forged_encoders_are_refused(
    kind: str, side: str, scaling: str, content: NDArray[Any]
) -> None:
    with pytest.raises(ValueError, match="x"):
        encoder_of("x", kind, side, scaling, content)


@pytest.mark.parametrize("name", ["names", "kinds", "sides", "scalings"])
@pytest.mark.parametrize(
    "array", [np.array("x"), np.array([["x"]]), np.array([1]), to_texts(["x"] * 7), np.zeros(0)]
)
def test_forged_lists_of_columns_are_refused(name: str, array: NDArray[Any]) -> None:
    arrays = Encoders((SparseEncoder("city", "user", np.array(["a"])),)).arrays()
    with pytest.raises(ValueError, match="column"):
        Encoders.from_arrays(arrays | {f"column_{name}": array})
    with pytest.raises(KeyError):
        Encoders.from_arrays({k: v for k, v in arrays.items() if k != f"column_{name}"})
