"""Encoders read everything, come back from their arrays, and forged ones are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import TextColumn, to_texts
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
)
from seqrec_cli.errors import InputError

MISSING = ["", "NA", "nan", r"\N", "None", "NULL"]
WILD = st.one_of(
    st.sampled_from([*MISSING, "1e400", "-inf", "a|b", "|", "a|a|", "0", "1", "1.5", "日本"]),
    st.text(max_size=4),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
)
CELLS = st.lists(WILD, max_size=20)


@pytest.mark.parametrize("scaling", ["quantile", "z-score"])
@given(train=CELLS, asked=CELLS)
def test_every_kind_reads_everything(scaling: Scaling, train: list[str], asked: list[str]) -> None:
    options = Encoding(min_value_count=1, scaling=scaling)
    kinds: tuple[Kind, ...] = ("dense", "sparse", "tags")
    for kind in kinds:
        encoder = fit_encoder("x", kind, "row", TextColumn.of(train), options)
        again = back(encoder)
        column = TextColumn.of(asked)
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


def test_values_too_long_for_an_array_are_refused() -> None:
    long = "x" * 501
    with pytest.raises(InputError, match="a value of 501 characters, more than 500"):
        SparseEncoder.fit("city", "row", TextColumn.of([long]), 1)
    with pytest.raises(InputError, match="a name of 501 characters"):
        DenseEncoder.fit(long, "row", TextColumn.of(["1"]), "quantile")
    assert SparseEncoder.fit("city", "row", TextColumn.of([long]), 2).values.tolist() == []


def test_encoders_come_back_from_their_arrays_by_kind_and_side() -> None:
    ages, cities, topics = (
        TextColumn.of(cells) for cells in (["1", "2", "9"], ["a", "b", "a"], ["x|y", "y"])
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
    with pytest.raises(ValueError, match="no encoder of item ids"):
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
