"""Features against plain computations, and that nothing is learnt from what is not trained on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.features.encoding import encode, scale
from seqrec_cli.core.data.features.kinds import Encoding, guess_kind, parse_kinds
from seqrec_cli.core.data.features.table import FeatureTable
from seqrec_cli.core.data.reading.attributes import Attributes, read_attributes
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.errors import InputError

ONE = Encoding(min_value_count=1)


def table_of(columns: dict[str, list[str]], encoding: Encoding = ONE, **kinds: str) -> FeatureTable:
    rows = len(next(iter(columns.values())))
    attributes = Attributes("x.csv", [str(i) for i in range(rows)], columns)
    everyone = np.ones(rows, np.bool_)
    return encode(attributes, np.arange(rows), everyone, kinds or None, encoding)[0]  # type: ignore[arg-type]


def test_numbers_too_large_to_calculate_with_are_missing() -> None:
    for scaling in ("quantile", "z-score"):
        encoding = Encoding(scaling=scaling, min_value_count=1)  # type: ignore[arg-type]
        table = table_of({"n": ["1e308", "-1e308", "inf", "1", "2"]}, encoding, n="dense")
        assert np.isfinite(table.dense).all()
        assert table.dense[:3].ravel().tolist() == [0, 0, 0]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60))
def test_quantiles_keep_the_order_and_lie_between_minus_one_and_one(values: list[float]) -> None:
    array = np.array(values)
    scaled, _ = scale(array, array, "quantile")
    assert np.abs(scaled).max() <= 1
    for a, b in zip(array, scaled, strict=True):
        assert (scaled[array < a] <= b).all()
        assert len(set(scaled[array == a].tolist())) == 1


def test_quantile_scaling_gives_the_share_of_smaller_numbers() -> None:
    values = np.random.default_rng(0).exponential(size=2001)
    scaled, _ = scale(values, values, "quantile")
    share = np.array([(values < v).mean() for v in values])
    np.testing.assert_allclose(scaled, 2 * share - 1, atol=0.02)


def test_standard_scores_are_those_of_numpy() -> None:
    values = np.array([1.0, 5.0, np.nan, 9.0])
    scaled, _ = scale(values, values, "z-score")
    known = values[[0, 1, 3]]
    np.testing.assert_allclose(scaled[[0, 1, 3]], (known - known.mean()) / known.std(), rtol=1e-6)
    assert scaled[2] == 0


def test_all_kinds_of_column_get_their_codes() -> None:
    table = table_of(
        {
            "age": ["30", "", "nan", "1e400"],
            "city": ["Rome", "Bonn", "Rome", ""],
            "tags": ["a|b", "b", "", "b| a |a"],
        },
        age="dense",
        city="sparse",
        tags="tags",
    )
    assert table.dense.ravel().tolist() == [0, 0, 0, 0]  # a single number is the middle
    assert table.vocabularies[0].values.tolist() == ["Rome", "Bonn"]
    assert table.sparse.ravel().tolist() == [1, 2, 1, 0]
    assert table.tag_vocabularies[0].values.tolist() == ["b", "a"]
    assert table.tags[0].tolist() == [[2, 1], [1, 0], [0, 0], [1, 2]]


def test_encoders_see_only_what_is_trained_on() -> None:
    attributes = Attributes(
        "x.csv", list("abcd"), {"n": ["1", "2", "3", "900"], "c": ["x", "x", "y", "z"]}
    )
    fitted_on = np.array([True, True, True, False])
    kinds = {"n": "dense", "c": "sparse"}
    table, account = encode(attributes, np.array(list("abcd")), fitted_on, kinds, ONE)  # type: ignore[arg-type]
    assert table.knots.max() == 3
    assert table.vocabularies[0].values.tolist() == ["x", "y"]
    assert table.sparse.ravel().tolist() == [1, 1, 2, 0]
    assert table.dense[3, 0] == 1
    assert account["fitted_on"] == 3


def test_rare_values_and_ids_without_a_row_are_unknown() -> None:
    attributes = Attributes("x.csv", list("abc"), {"c": ["x", "x", "y"]})
    ids = np.array(["a", "c", "new"])
    table, account = encode(
        *(attributes, ids, np.ones(3, np.bool_)), {"c": "sparse"}, Encoding(min_value_count=1)
    )
    assert table.sparse.ravel().tolist() == [1, 2, 0]
    assert account["without_row"] == 1
    rare = table_of({"c": ["x", "x", "y"]}, Encoding(min_value_count=2), c="sparse")
    assert rare.sparse.ravel().tolist() == [1, 1, 0]


def test_kinds_are_guessed() -> None:
    assert guess_kind([str(i) for i in range(50)], 5) == "dense"
    assert guess_kind(["1", "2"] * 20, 5) == "sparse"
    assert guess_kind(["a|b", "a"] * 20, 5) == "tags"
    assert guess_kind(["red", "green"] * 20, 5) == "sparse"
    assert guess_kind([f"name {i}" for i in range(50)], 5) is None
    assert guess_kind(["", "nan"], 5) is None
    assert guess_kind([f"{i:05}" for i in range(50)], 5) is None  # codes, not numbers


def test_arrays_bring_the_table_back(tmp_path: Path) -> None:
    columns = {"n": ["1", "2", ""], "c": ["x", "", "y"], "t": ["a|b", "", "b"]}
    for kinds in ({"n": "dense", "c": "sparse", "t": "tags"}, {"c": "sparse"}, {"n": "dense"}):
        table = table_of(columns, **kinds)
        save_arrays(tmp_path / "a.npz", table.arrays("user"))
        arrays = load_arrays(tmp_path / "a.npz")
        again = FeatureTable.from_arrays(arrays, "user", 3)
        assert again is not None
        for name, array in again.arrays("user").items():
            np.testing.assert_array_equal(array, arrays[name])
        assert FeatureTable.from_arrays(arrays, "item", 3) is None
        with pytest.raises(ValueError, match="do not fit 4 users"):
            FeatureTable.from_arrays(arrays, "user", 4)


def test_codes_that_would_index_outside_are_refused() -> None:
    arrays = table_of({"c": ["x", "y"]}, c="sparse").arrays("item")
    arrays["item_sparse"] = arrays["item_sparse"] + 1
    with pytest.raises(ValueError, match="the feature `c` of items has unknown codes"):
        FeatureTable.from_arrays(arrays, "item", 2)


def test_what_is_asked_for_must_be_there() -> None:
    with pytest.raises(InputError, match=r"`x\.csv` has no column `size`") as caught:
        table_of({"c": ["x"]}, size="dense")
    assert caught.value.hint == "it has `c`"
    with pytest.raises(InputError, match="has no row for anybody or anything in the log"):
        encode(Attributes("x.csv", ["7"], {}), np.arange(3), np.ones(3, np.bool_), None, ONE)
    with pytest.raises(InputError, match="has no number in it, but `1,50`") as caught:
        table_of({"price": ["1,50", ""]}, price="dense")
    assert "price=sparse" in caught.value.hint
    with pytest.raises(InputError, match="`age` in --user-features is not NAME=KIND"):
        parse_kinds("age", "--user-features")


def test_files_of_movielens_are_understood(real_data: Path) -> None:
    users = read_attributes(TextSource(real_data / "ml-100k" / "u.user"), "user")
    assert users.ids[0] == "1"
    assert {name: column[0] for name, column in users.columns.items()} == {
        **{"age": "24", "gender": "M", "occupation": "technician", "zip code": "85711"}
    }
    items = read_attributes(TextSource(real_data / "ml-100k" / "u.item"), "item")
    assert items.titles["1"] == "Toy Story (1995)"
    assert (items.columns["year"][0], items.columns["genres"][0]) == (
        *("1995", "Animation|Children's|Comedy"),
    )
    older = read_attributes(TextSource(real_data / "ml-1m" / "movies.dat"), "item")
    assert older.columns["genres"][1] == "Adventure|Children's|Fantasy"
    people = read_attributes(TextSource(real_data / "ml-1m" / "users.dat"), "user")
    assert people.columns["gender"][0] == "F"
    assert set(people.kinds.values()) == {"sparse"}


def test_atomic_files_of_recbole_are_understood(tmp_path: Path) -> None:
    (tmp_path / "x.user").write_text("user_id:token\tage:token\theight:float\n7\t24\t1.8\n")
    users = read_attributes(TextSource(tmp_path / "x.user"), "user")
    assert (users.ids, users.columns) == (["7"], {"age": ["24"], "height": ["1.8"]})
    assert users.kinds == {"height": "dense"}
    (tmp_path / "x.item").write_text(
        "item_id:token\tmovie_title:token_seq\tclass:token_seq\tv:float_seq\n"
        "5\tToy Story\tComedy Drama\t1 2\n"
    )
    items = read_attributes(TextSource(tmp_path / "x.item"), "item")
    assert items.columns == {"class": ["Comedy|Drama"], "v[0]": ["1"], "v[1]": ["2"]}
    assert items.kinds == {"class": "tags", "v[0]": "dense", "v[1]": "dense"}
    assert items.titles == {"5": "Toy Story"}
