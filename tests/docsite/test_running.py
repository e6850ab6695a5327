"""The blocks of all pages that are run give what the pages show."""

from pathlib import Path

import pytest

from docsite import blocks
from docsite.blocks import Block, blocks_of
from docsite.running import Sandbox, agrees, differences, with_outputs

RUN = [page for page in blocks.pages() if any(not block.shown for block in blocks_of(page))]


@pytest.mark.parametrize(
    ("shown", "got", "same"),
    [
        ("a 0.512", "a   0.514", True),
        ("a 0.512", "a 0.562", False),
        ("a 12.5", "a 12.6", True),
        ("1,200 users", "1,201 users", False),
        ("a 0.512 b", "a 0.512 c", False),
        ("a ...", "a b c", True),
        ("a ... d", "a b c", False),
        ("clicks-linear-1", "clicks-linear-2", False),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...\nd", "a\nb\nc", False),
        ("...\nd", "c\nd\ne", False),
        ("...\nd\n...", "c\nd\ne", True),
        ("", "anything", True),
        ("a", "a\nb", False),
    ],
)
def test_outputs_agree_in_words_and_nearly_in_figures(shown: str, got: str, same: bool) -> None:
    assert agrees(shown.splitlines(), got.splitlines()) == same


def test_what_is_not_ours_has_to_be_marked(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    assert sandbox.run("head -1 clicks.csv") == ["visitor,product,time"]
    with pytest.raises(ValueError, match="mark the block"):
        sandbox.run("pip install .")


def test_a_difference_is_shown_with_its_place(tmp_path: Path) -> None:
    block = Block("docs/a.md", 7, "", ("$ seqrec --version", "seqrec 9.9.9"))
    (told,) = differences([block], Sandbox(tmp_path))
    assert told.startswith("docs/a.md:7: $ seqrec --version\n")
    assert "9.9.9" in told
    assert list(differences([Block("a", 1, "why", block.lines)], Sandbox(tmp_path))) == []


def test_outputs_are_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    page = tmp_path / "a.md"
    head = "visitor,product,time"
    page.write_text("x\n```console\n$ head -1 clicks.csv\nold\n$ cat clicks.csv\n...\n```\ny\n")
    again = with_outputs(page, list(blocks_of(page)), Sandbox(tmp_path))
    assert again == f"x\n```console\n$ head -1 clicks.csv\n{head}\n$ cat clicks.csv\n...\n```\ny\n"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, tmp_path: Path) -> None:
    assert list(differences(list(blocks_of(page)), Sandbox(tmp_path))) == []
