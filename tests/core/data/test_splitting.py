"""A split gives each row a part, or says why it cannot."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.preparation import (
    Preparation,
    prepare,
)
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.errors import InputError
from tests.core.data.walks import ROWS, Row, histories, make_log, slow_rows


@settings(deadline=None, max_examples=150)
@given(ROWS, st.integers(0, 5), st.integers(0, 5))
def test_a_split_by_time_agrees_with_the_slow_way(rows: list[Row], one: int, other: int) -> None:
    valid_from, test_from = sorted((one, other))
    options = Preparation(split="time", valid_from=str(valid_from), test_from=str(test_from))
    kept, _ = slow_rows(rows, True, options)
    expected = {
        user: [
            [(item, float(n)) for item, n, time in history if low <= time < high]
            for low, high in ((-1, valid_from), (valid_from, test_from), (test_from, 99))
        ]
        for user, history in kept.items()
    }
    try:
        dataset = prepare(make_log(rows), options, "x")
    except InputError:
        sizes = [sum(len(parts[n]) for parts in expected.values()) for n in range(3)]
        nobody = [
            all(not parts[n] or not any(parts[:n]) for parts in expected.values()) for n in (1, 2)
        ]
        assert 0 in sizes or len({row[1] for row in rows}) == 1 or any(nobody)
        return
    assert histories(dataset) == expected
    for n, part in enumerate(PARTS):
        sizes = [len(parts[n]) for parts in expected.values()]
        said = {"users": sum(size > 0 for size in sizes), "interactions": sum(sizes)}
        assert dataset.manifest["split"][part] == said


def test_splits_by_quantiles_of_time() -> None:
    rows = [(user, item, 100 + item * 10 + user) for user in range(10) for item in range(10)]
    dataset = prepare(make_log(rows), Preparation(split="time"), "x")
    split = dataset.manifest["split"]
    assert (split["valid_from"], split["test_from"]) == (180, 190)
    assert [split[part]["interactions"] for part in PARTS] == [80, 10, 10]
    assert split["test"]["users"] == 10


def test_splits_at_a_date() -> None:
    rows = [(1, item, 86_400_000 * item) for item in range(5)]
    options = Preparation(split="time", valid_from="1970-01-03", test_from="1970-01-04T00:00Z")
    dataset = prepare(make_log(rows, unit="milliseconds"), options, "x")
    assert [dataset.manifest["split"][part]["interactions"] for part in PARTS] == [2, 1, 2]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([(1, 1, 0), (2, 2, 0)], Preparation(), "no user of `log.csv` has 3 interactions"),
        ([(1, 7, 0), (1, 7, 1), (1, 7, 2)], Preparation(), "has a single item"),
        ([(1, 1, 0), (1, 2, 1)], Preparation(min_user_count=3), "nothing is left of the 2"),
        ([(1, 1, 0), (1, 2, 1)], Preparation(split="time", valid_from="x"), "`x` is not a time"),
        (
            [(1, 1, 0), (1, 2, 1)],
            Preparation(split="time", valid_from="9", test_from="2"),
            "the valid part begins at 1970-01-01 00:00:09, after the test part",
        ),
        (
            [(1, 1, 0), (1, 2, 1)],
            Preparation(split="time", valid_from="8", test_from="9"),
            "the valid and the test part would be empty: `log.csv` goes from 1970-01-01 00:00:00",
        ),
    ],
)
def test_refuses_a_log_it_cannot_split(rows: list[Row], options: Preparation, message: str) -> None:
    with pytest.raises(InputError) as caught:
        prepare(make_log(rows), options, "x")
    assert message in caught.value.message
    assert caught.value.hint


def test_a_split_by_time_needs_times() -> None:
    with pytest.raises(InputError, match="needs times"):
        prepare(make_log([(1, 1, 0), (1, 2, 0)], timed=False), Preparation(split="time"), "x")


def test_a_date_needs_a_unit() -> None:
    log = make_log([(1, 1, 0), (1, 2, 1)], unit="as in the source")
    with pytest.raises(InputError, match="unit is not known"):
        prepare(log, Preparation(split="time", valid_from="2024-01-01"), "x")
