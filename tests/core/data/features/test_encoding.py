"""Features against plain computations, and that nothing is learnt from what is not trained on."""

from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.attributes import Attributes
from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.features.encoding import EncodedSide, encode_side
from seqrec_cli.core.data.features.kinds import Encoding, Scaling
from seqrec_cli.core.data.features.vocabularies import SparseEncoder, TagsEncoder
from seqrec_cli.errors import InputError


def encoded(
    columns: dict[str, list[str]],
    kinds: Any = None,
    *,
    ids: Any = None,
    trained: list[bool] | None = None,
    scaling: Scaling = "quantile",
    min_value_count: int = 1,
) -> EncodedSide:
    """Encode columns whose rows have the ids 0, 1, ..., of items."""
    rows = len(next(iter(columns.values())))
    attributes = Attributes("x.csv", [str(i) for i in range(rows)], columns, named=True)
    wanted = np.arange(rows) if ids is None else np.array(ids)
    mask = np.ones(len(wanted), np.bool_) if trained is None else np.array(trained)
    encoding = Encoding(item_kinds=kinds, scaling=scaling, min_value_count=min_value_count)
    side = encode_side("item", attributes, wanted, mask, encoding)
    assert side is not None
    return side


def rows_of(side: EncodedSide) -> EncodedFeatures:
    """The rows of the ids, without that of an unknown one."""
    return side.features.take(np.arange(len(side.features) - 1))


@pytest.mark.parametrize("scaling", ["quantile", "z-score"])
def test_numbers_too_large_to_calculate_with_are_missing(scaling: Scaling) -> None:
    side = encoded({"n": ["1e308", "-1e308", "inf", "1", "2"]}, {"n": "dense"}, scaling=scaling)
    dense = side.features.dense.ravel()
    assert np.isfinite(dense).all()
    assert (dense[:3] == dense[-1]).all()
    assert side.account["columns"][0]["missing"] == 3


def test_all_kinds_of_column_get_their_codes() -> None:
    side = encoded(
        {
            "age": ["30", "", "nan", "1e400", "40"],
            "city": ["Rome", "Bonn", "Rome", "", "NULL"],
            "tags": ["a|b", "b", "", "b| a |a", "None"],
        },
        {"age": "dense", "city": "sparse", "tags": "tags"},
    )
    features = rows_of(side)
    assert features.dense.ravel().tolist() == [0, 0.5, 0.5, 0.5, 1]
    assert features.sparse.ravel().tolist() == [2, 3, 2, 1, 1]
    assert features.tags[0].tolist() == [[3, 2], [2, 0], [0, 0], [2, 3], [0, 0]]
    (city,), (tags,) = side.encoders.of(SparseEncoder), side.encoders.of(TagsEncoder)
    assert city.values.tolist() == ["Rome", "Bonn"]
    assert tags.values.tolist() == ["b", "a"]
    assert side.account["columns"] == [
        {"name": "age", "kind": "dense", "missing": 3},
        {"name": "city", "kind": "sparse", "missing": 2, "values": 2, "unknown": 2},
        {"name": "tags", "kind": "tags", "missing": 2, "values": 2},
    ]
    # Whoever has no row is in the last one.
    assert side.features.dense[-1].tolist() == [0.5]
    assert side.features.sparse[-1].tolist() == [1]
    assert side.features.tags[0][-1].tolist() == [0, 0]


def test_encoders_see_only_what_is_trained_on() -> None:
    side = encoded(
        {"n": ["1", "2", "3", "900"], "c": ["x", "x", "y", "z"]},
        {"n": "dense", "c": "sparse"},
        trained=[True, True, True, False],
    )
    features = rows_of(side)
    assert features.sparse.ravel().tolist() == [2, 2, 3, 1]
    assert features.dense.ravel().tolist() == [0, 0.5, 1, 1]
    assert side.account["fitted_on"] == 3


def test_rare_values_and_ids_without_a_row_are_unknown() -> None:
    columns, kinds = {"c": ["x", "x", "y"]}, {"c": "sparse"}
    side = encoded(columns, kinds, ids=["0", "2", "new"])
    assert rows_of(side).sparse.ravel().tolist() == [2, 3, 1]
    assert side.account["without_row"] == 1
    assert side.account["columns"][0]["missing"] == 1
    rare = encoded(columns, kinds, min_value_count=2)
    assert rows_of(rare).sparse.ravel().tolist() == [2, 2, 1]


def test_kinds_are_guessed_from_the_train_part_unless_the_file_knows() -> None:
    columns = {"n": [str(i) for i in range(40)], "c": ["red", "green"] * 20, "x": ["", "a"] * 20}
    side = encoded(columns, trained=[i % 2 == 0 for i in range(40)])
    assert [(c.name, c.kind) for c in side.encoders.columns] == [("n", "dense"), ("c", "sparse")]
    assert side.account["left_out"] == ["x"]


def test_a_file_about_others_is_none_unless_it_was_named() -> None:
    beside = Attributes("x.csv", ["7"], {"c": ["a"]})
    arguments = np.arange(3), np.ones(3, np.bool_), Encoding()
    assert encode_side("item", beside, *arguments) is None
    assert encode_side("item", None, *arguments) is None
    named = Attributes("x.csv", ["7"], {"c": ["a"]}, named=True)
    with pytest.raises(InputError, match="has no row for any item of the log"):
        encode_side("item", named, *arguments)
    wanted = Encoding(user_kinds={"c": "sparse"})
    with pytest.raises(InputError, match="there is no file with users") as caught:
        encode_side("user", None, np.arange(3), np.ones(3, np.bool_), wanted)
    assert caught.value.hint == "name it: `--users-file FILE`"


def test_what_is_asked_for_must_be_there() -> None:
    with pytest.raises(InputError, match=r"`x\.csv` has no column `size`") as caught:
        encoded({"c": ["x"]}, {"size": "dense"})
    assert caught.value.hint == "it has `c`"
    with pytest.raises(InputError, match="has no number, but `1,50`") as caught:
        encoded({"price": ["1,50", ""]}, {"price": "dense"})
    assert "price=sparse" in caught.value.hint


def test_a_vector_is_named_as_a_whole() -> None:
    columns = {"emb[0]": ["1", "2", "3"], "emb[1]": ["3", "2", "1"], "c": ["a", "b", "a"]}
    attributes = Attributes("x.item", ["1", "2", "3"], columns, named=True)
    encoding = Encoding(item_kinds={"emb": "dense"})
    side = encode_side("item", attributes, np.arange(1, 4), np.ones(3, bool), encoding)
    assert side is not None
    assert side.features.dense.shape == (4, 2)
    assert side.account["left_out"] == ["c"]
