"""Ids of users and items: each against a plain dictionary."""

import csv
import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.identifiers import (
    PLACES_ANYWAY,
    check_width,
    code_numbers,
    compacted,
)
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText

MISSING = {"", "na", "n/a", "null", "nan", "none", "\\n", "<na>", "#n/a", "nil", "(null)", "?"}
NUMBERS = st.integers(-(2**63), 2**63 - 1).map(str)
WRITTEN = st.one_of(
    NUMBERS,
    st.integers(0, 99).map(str),
    st.integers(0, 99).map("{:03}".format),
    st.integers(2**63, 2**70).map(str),
    st.integers(0, 99).map("{}.0".format),
    st.sampled_from(["NA", "null", "NaN", "None", "", "  ", "(null)"]),
    st.text("aäB _-.:é日😀", max_size=5),
)


def oracle(texts: list[str]) -> list[int | str | None]:
    """What the ids are, the slow way; None for a missing one."""
    bare = [text.strip(" \t\n\r\xa0\u3000") for text in texts]
    there = [text for text in bare if text.lower() not in MISSING]
    whole = all(re.fullmatch("0|-?[1-9][0-9]*", t) and -(2**63) <= int(t) < 2**63 for t in there)
    floated = all(
        re.fullmatch(r"-?(0|[1-9][0-9]{0,18})\.0+", t) and abs(int(t.partition(".")[0])) < 2**63
        for t in there
    )
    found: list[int | str | None] = []
    for text in bare:
        if text.lower() in MISSING:
            found.append(None)
        else:
            found.append(int(text.partition(".")[0]) if whole or floated else text)
    return found


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    texts=st.one_of(
        st.lists(WRITTEN, min_size=2, max_size=12),
        st.lists(NUMBERS, min_size=2, max_size=12),
        st.lists(
            st.sampled_from([0, 7, 10**18, 2**62, 2**63]).map("{}.0".format),
            min_size=2,
            max_size=12,
        ),
    )
)
def test_ids_are_those_of_a_dictionary(read: ReadText, texts: list[str]) -> None:
    expected = oracle(texts)
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["user", "item"])
    for number, text in enumerate(texts):
        writer.writerow([text, f"i{number}"])
    options = {"columns": {"user": "user", "item": "item"}, "header": True, "delimiter": ","}
    try:
        rows = read(content.getvalue(), drop_incomplete=True, **options).rows
    except InputError:
        assert all(each is None for each in expected)
        return
    there = [each for each in expected if each is not None]
    assert rows.user_ids[rows.users].tolist() == there
    assert rows.user_ids.tolist() == sorted(set(there))  # type: ignore[type-var]
    assert rows.dropped.get("no user", 0) == len(expected) - len(there)
    if len(there) < len(expected):
        with pytest.raises(InputError, match="the user in `user` is"):
            read(content.getvalue(), **options)


@given(
    st.lists(
        st.one_of(
            st.integers(-(2**63), 2**63 - 1),
            st.integers(-5, 5),
            st.integers(0, 2 * PLACES_ANYWAY),
        ),
        max_size=30,
    )
)
def test_numbers_are_coded_in_their_order(numbers: list[int]) -> None:
    codes, ids = code_numbers(np.array(numbers, np.int64))
    assert ids.tolist() == sorted(set(numbers))
    assert ids[codes].tolist() == numbers
    assert codes.dtype == np.int32


@given(st.lists(st.integers(0, 9), max_size=20))
def test_ids_that_no_row_has_are_left_out(codes: list[int]) -> None:
    ids = np.array([f"u{n}" for n in range(10)])
    small, kept = compacted(np.array(codes, np.int32), ids)
    assert kept.tolist() == [f"u{n}" for n in sorted(set(codes))]
    assert kept[small].tolist() == [f"u{n}" for n in codes]


def test_texts_that_would_be_mostly_padding_are_refused() -> None:
    check_width(10**6, 20, 10**7, "a.csv")
    with pytest.raises(InputError, match=r"`a\.csv`: an id has 1001 characters"):
        check_width(1, 1001, 1001, "a.csv")
    with pytest.raises(InputError, match="the ids would take 4,000,000,000 bytes"):
        check_width(10**6, 1000, 10**7, "a.csv")
