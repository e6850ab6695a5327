"""Records of JSON, nested in any way, are the rows that the json module reads."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.nested import label_of, paths_of
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of

PLAIN = st.integers() | st.text(max_size=3) | st.booleans()
KEYS = st.text("abc", min_size=1, max_size=2)
NESTED = st.dictionaries(
    KEYS, st.recursive(PLAIN, lambda x: st.dictionaries(KEYS, x), max_leaves=6)
)


def leaves(value: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if not isinstance(value, dict):
        return {above}
    return set().union(*(leaves(inner, (*above, key)) for key, inner in value.items()))


@given(NESTED)
def test_every_plain_value_has_a_path(record: dict[str, Any]) -> None:
    assert set(paths_of(record, (), 10)) == leaves(record)


def test_a_path_is_written_with_dots_and_brackets() -> None:
    record = {"a": {"b": 1}, "items": [{"id": 7, "price": 2}]}
    assert [label_of(path) for path in paths_of(record, (), 6)] == [
        "a.b",
        "items[].id",
        "items[].price",
    ]


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=2, max_size=9),
    form=st.sampled_from(["lines", "array", "literals"]),
)
def test_records_are_rows(read: ReadText, rows: list[tuple[int, int]], form: str) -> None:
    records = [{"who": {"user": user}, "what": [{"item": item}]} for user, item in rows]
    texts = {
        "lines": "\n".join(map(json.dumps, records)),
        "array": json.dumps(records),
        "literals": "\n".join(map(str, records)),
    }
    columns = {"user": "who.user", "item": "what[].item"}
    assert rows_of(read(texts[form], "a.json", columns=columns)) == rows


def test_what_is_named_json_and_is_none_is_refused(read: ReadText) -> None:
    with pytest.raises(InputError, match="does not begin like JSON") as caught:
        read("user,item\n1,2\n", format="json")
    assert caught.value.hint == "leave out --format json"
