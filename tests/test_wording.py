"""Numbers, quantities and commands in words."""

import subprocess
from pathlib import Path

import pytest

from seqrec_cli.wording import as_typed_option, counted, duration, size, span, typed, verb


def test_quantities_have_units() -> None:
    assert counted(1, "user") == "1 user"
    assert counted(2000, "user") == "2,000 users"
    assert [duration(s) for s in (0, 46, 90, 86_400, 118_356)] == [
        *("0 s", "46 s", "1.5 minutes", "1 day", "1.4 days")
    ]
    assert span("1 day", "1.4 days") == "1–1.4 days"
    assert span("46 s", "2 days") == "46 s–2 days"
    assert [size(n) for n in (12, 2300, 4_600_000)] == ["12 bytes", "2.3 kB", "4.6 MB"]


def test_a_verb_goes_with_its_number() -> None:
    assert [verb(number, "is", "are") for number in (0, 1, 2)] == ["are", "is", "are"]


@pytest.mark.parametrize(
    "words",
    [
        ("a b", "$HOME"),
        ("it's", Path("x y")),
        ('"', "plain"),
        ("it's $HOME", "'red' in \\topics", "'\"`!"),
        ("", "'"),
    ],
)
def test_a_command_can_be_pasted_into_a_shell(words: tuple[object, ...]) -> None:
    shell = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {typed(*words)}"], capture_output=True, text=True, check=True
    )
    assert shell.stdout.splitlines() == list(map(str, words))


def test_an_expression_with_quotes_stays_readable() -> None:
    assert typed("--only", "'red' in topics") == """--only "'red' in topics\""""


def test_an_option_can_be_pasted() -> None:
    assert as_typed_option("min_user_count", 5) == "--min-user-count 5"
    assert as_typed_option("new_items", True) == "--new-items"
    assert as_typed_option("where", "a > 1") == "--where 'a > 1'"
    assert as_typed_option("columns", ["a=b", "c=d e"]) == "--columns a=b --columns 'c=d e'"
