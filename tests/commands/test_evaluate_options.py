"""What the texts of options mean."""

import pytest

from seqrec_cli.commands.evaluate_options import parse_ks, parse_targets
from seqrec_cli.errors import InputError


def test_lengths_are_sorted_and_named_once() -> None:
    assert parse_ks("20, 5,10,5") == [5, 10, 20]


@pytest.mark.parametrize("text", ["", "0", "5,", "-1", "1.5", "x", "10000000", "٣"])
def test_what_is_no_length_is_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="is not a list of lengths"):
        parse_ks(text)


def test_targets_are_a_word_or_a_number() -> None:
    assert [parse_targets(text) for text in ("last", "all", "5")] == ["last", "all", 5]


@pytest.mark.parametrize("text", ["", "0", "first", "-2", "2.0", "10000000"])
def test_what_is_no_target_is_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="is not last, all or a number"):
        parse_targets(text)
