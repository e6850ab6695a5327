"""The samples of public logs: what is typed first is right, or its refusal names what is."""

from typing import Any

import pytest

from tests.core.data.reading.samples import judged, load

COMMANDS: dict[str, list[str]] = load("commands.json")
TRUTHS: dict[str, Any] = load("truth.json")
# Where the command that comes to mind is not the right one.
RIGHT = {"two_files": "jan.csv feb.csv"}
# What the truth has and the file has not; how the reader says so.
NOT_IN_THE_FILE = {
    "goodreads_csv": "the order of the file counts",  # newest first, without a time
    "instacart": "add_to_cart_order",  # the users of the orders are in another file
    "trivago": "action_type",  # the items of searches
}


@pytest.mark.parametrize("name", sorted(COMMANDS) or [pytest.param("", marks=pytest.mark.skip)])
def test_reads_a_sample_or_says_what_to_type(name: str) -> None:
    kind, outcome = judged(name, RIGHT.get(name, COMMANDS[name][0]), TRUTHS.get(name))
    if name in NOT_IN_THE_FILE:
        assert NOT_IN_THE_FILE[name] in outcome.words
        return
    assert kind in ("exact", "hint", "not ours"), f"{outcome.words} | {outcome.hint}"


@pytest.mark.skipif(not COMMANDS, reason="SEQREC_DATASETS is not set")
def test_most_of_the_first_commands_are_right() -> None:
    kinds = [judged(name, commands[0], TRUTHS.get(name))[0] for name, commands in COMMANDS.items()]
    assert kinds.count("exact") >= 0.85 * len(kinds)
