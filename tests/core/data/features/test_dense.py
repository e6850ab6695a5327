"""Numbers are scaled by those of the train part, and anything else is a missing one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.preprocessing import QuantileTransformer

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.kinds import Scaling

MISSING = ["", "NA", "nan", r"\N", "None", "NULL"]


def dense(cells: list[str], scaling: Scaling = "quantile") -> DenseEncoder:
    return DenseEncoder.fit("age", "row", TextColumn.of(cells), scaling)


def scaled(encoder: DenseEncoder, cells: list[str]) -> NDArray[np.float32]:
    return encoder.encode(TextColumn.of(cells))


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


@example([0.0, 2.225073858507203e-309])
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


def test_a_column_without_any_number_is_finite() -> None:
    for scaling in ("quantile", "z-score"):
        encoder = dense(["", "x"], scaling)  # type: ignore[arg-type]
        assert np.isfinite(scaled(encoder, ["", "5", "-5"])).all()
