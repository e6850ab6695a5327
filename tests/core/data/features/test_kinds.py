"""What a column holds, by its texts."""

import pytest

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.features.kinds import guess_kind, is_missing, parse_kinds, split_tags
from seqrec_cli.errors import InputError


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([str(i) for i in range(50)], "dense"),
        ([str(i) for i in range(50)] * 3, "dense"),
        (["1", "2"] * 20, "sparse"),
        (["a|b", "a"] * 20, "tags"),
        (["red", "green"] * 20, "sparse"),
        ([f"name {i}" for i in range(50)], None),
        (["", "nan"], None),
        ([f"{i:05}" for i in range(50)], None),  # codes, not numbers
        ([str(i) for i in range(50)] + ["NA", r"\N", "None", ""] * 20, "dense"),
    ],
)
def test_kinds_are_guessed(cells: list[str], kind: str | None) -> None:
    assert guess_kind(TextColumn.of(cells), 5) == kind


@pytest.mark.parametrize(
    "text", ["", "NA", "na", "N/A", "<NA>", "NULL", "null", "nan", "NaN", r"\N", "None"]
)
def test_missing_is_missing(text: str) -> None:
    assert is_missing(text)
    assert split_tags(text) == []
    assert split_tags(f"a|{text}| a |b") == ["a", "b"]


@pytest.mark.parametrize("text", ["none", "0", "-", "unknown", "nano", "N"])
def test_values_are_not_missing(text: str) -> None:
    assert not is_missing(text)


def test_kinds_are_read() -> None:
    assert parse_kinds("a=dense, b = tags", "--x") == {"a": "dense", "b": "tags"}
    assert parse_kinds(None, "--x") is None
    with pytest.raises(InputError, match="`age` in --user-features is not NAME=KIND"):
        parse_kinds("age", "--user-features")
