"""Encoders learn from the train part alone, and anything else is ordinary input for them."""

import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer

from seqrec_cli.core.data.ranking.encoders import (
    Encoder,
    Encoders,
    Facts,
    item_encoder,
    padded,
)


def test_codes_leave_room_for_padding_and_for_what_is_unknown_or_rare() -> None:
    encoder = Encoder.fit("city", "sparse", "row", ["a", "b", "a", "b", "a", "c", ""], 2)
    assert encoder.values.tolist() == ["a", "b"]
    assert encoder.codes(["a", "b", "c", "new", ""]).tolist() == [2, 3, 1, 1, 1]
    assert encoder.size == 4


def test_equal_numbers_become_the_middle_of_their_ranks() -> None:
    train = np.round(np.random.default_rng(0).exponential(10, 400))
    encoder = Encoder.fit("age", "dense", "row", [str(value) for value in train], 5)
    for value in np.unique(train)[1:-1]:
        below, up_to = (train < value).sum(), (train <= value).sum() - 1
        expected = (below + up_to) / 2 / 399
        np.testing.assert_allclose(encoder.scaled([str(value)]), expected, rtol=1e-6)


@pytest.mark.parametrize("known", [7, 40, 5000])
def test_numbers_become_uniform_as_scikit_learn_makes_them(known: int) -> None:
    random = np.random.default_rng(known)
    train = random.exponential(10, known)
    encoder = Encoder.fit("age", "dense", "row", [str(value) for value in train], 5)
    theirs = QuantileTransformer(
        n_quantiles=min(1000, known), output_distribution="uniform", subsample=None
    ).fit(train[:, None])
    asked = np.concatenate((train, random.uniform(-5, 90, 50), [-1e9, 1e9]))
    expected = theirs.transform(asked[:, None])[:, 0]
    found = encoder.scaled([str(value) for value in asked])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() == 0
    assert found.max() == 1


@pytest.mark.parametrize("cell", ["", "nan", "none of it", "1e400", "-inf"])
def test_a_missing_number_is_the_mean_of_the_known_ones(cell: str) -> None:
    encoder = Encoder.fit("age", "dense", "row", ["10", "20", "60", ""], 5)
    assert encoder.scaled([cell]) == encoder.scaled(["30"])


def test_a_column_without_any_number_is_finite() -> None:
    encoder = Encoder.fit("age", "dense", "row", ["", "x"], 5)
    assert np.isfinite(encoder.scaled(["", "5", "-5"])).all()


def test_tags_are_codes_once_each_and_unknown_ones_share_one() -> None:
    encoder = Encoder.fit("topics", "tags", "row", ["a|b", "b|a", "b", "c"], 2)
    assert encoder.values.tolist() == ["b", "a"]
    found = encoder.tag_codes(["a|b|a", "new|c|b", "", "b"])
    assert found.tolist() == [[3, 2], [1, 2], [0, 0], [2, 0]]


def test_lists_keep_their_newest_and_are_padded_behind() -> None:
    assert padded([[1, 2, 3], [], [4]], 2).tolist() == [[2, 3], [0, 0], [4, 0]]


def test_encoders_and_facts_come_back_from_their_arrays() -> None:
    columns = (
        Encoder.fit("age", "dense", "user", ["1", "2", "9"], 1),
        Encoder.fit("city", "sparse", "user", ["a", "b", "a"], 1),
        Encoder.fit("topics", "tags", "item", ["x|y", "y"], 1),
    )
    encoders = Encoders(item_encoder(np.array(["5", "7"])), columns)
    again = Encoders.from_arrays(encoders.arrays())
    assert again.items.codes(["7", "8"]).tolist() == [3, 1]
    cells = {"age": ["2", ""], "city": ["b", "z"], "topics": ["y", ""]}
    for side in ("user", "item"):
        facts = Facts.encode(encoders, side, cells, 2)
        same = Facts.encode(again, side, cells, 2)
        back = Facts.from_arrays(facts.arrays("x"), "x", again, side)
        for other in (same, back):
            np.testing.assert_array_equal(facts.dense, other.dense)
            np.testing.assert_array_equal(facts.sparse, other.sparse)
            for a, b in zip(facts.tags, other.tags, strict=True):
                np.testing.assert_array_equal(a, b)
