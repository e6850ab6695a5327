"""Blocks of commands are found, cut into commands, and all of them can be typed."""

from pathlib import Path

import pytest

from docsite import blocks, commands
from docsite.blocks import Block, Step, blocks_of, seqrec_commands

PAGES = {page.relative_to(blocks.ROOT).as_posix(): list(blocks_of(page)) for page in blocks.pages()}
BLOCKS = [block for page in PAGES.values() for block in page]


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> list[Block]:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    (tmp_path / "a.md").write_text(text)
    return list(blocks_of(tmp_path / "a.md"))


def test_a_mark_holds_for_the_block_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "<!-- shown: takes hours -->\n```console\n$ a\n```\ntext\n```console\n$ b\n```\n"
    first, second = made(tmp_path, monkeypatch, text)
    assert (first.shown, second.shown) == ("takes hours", "")
    assert (first.page, first.line, second.line) == ("a.md", 3, 7)
    text = text.replace("```console", "words\n```console", 1)
    assert [block.shown for block in made(tmp_path, monkeypatch, text)] == ["", ""]
    text = f"<!-- page shown: needs a service -->\n{text}"
    assert {block.shown for block in made(tmp_path, monkeypatch, text)} == {"needs a service"}


def test_a_mark_without_a_reason_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = made(tmp_path, monkeypatch, "<!-- shown:  -->\n```console\n$ a\n```\n")
    assert block.shown == ""


def test_commands_have_their_outputs() -> None:
    lines = ("$ seqrec a \\", "    --b  # a remark", "out", "$ seqrec c | jq", "$ cat x")
    block = Block("a.md", 1, "", lines)
    assert list(block.steps()) == [
        Step("seqrec a --b", lines[:2], ("out",)),
        Step("seqrec c | jq", lines[3:4], ()),
        Step("cat x", lines[4:], ()),
    ]
    assert list(seqrec_commands(block)) == [["a", "--b"], ["c"]]


def test_there_are_blocks_to_run_and_to_show() -> None:
    assert {"README.md", "docs/preparing.md", "docs/ranking.md", "CONTRIBUTING.md"} <= set(PAGES)
    assert sum(not block.shown for block in BLOCKS) >= 10
    assert sum(bool(block.shown) for block in BLOCKS) >= 10


def typed_wrongly(arguments: list[str]) -> str:
    """What the command line says of a command before it runs it; "" if it can be typed."""
    if arguments[0].startswith("-"):
        return "" if arguments[0] in ("--version", "--install-completion") else "no such option"
    command = commands.command_group().commands.get(arguments[0])
    if command is None:
        return "no such command"
    try:
        command.make_context(arguments[0], list(arguments[1:]))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["evaluate", "--k", "10"], False),
        (["evaluate", "--kk", "10"], True),
        (["recommend", "--k", "ten"], True),
        (["evaluate", "--split", "train"], True),
        (["evaluates"], True),
        (["--install-completions"], True),
    ],
)
def test_what_cannot_be_typed_is_seen(arguments: list[str], wrong: bool) -> None:
    assert bool(typed_wrongly(arguments)) == wrong


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_can_be_typed(page: str) -> None:
    """Also those that are only shown: commands, options, choices and numbers are checked."""
    for block in PAGES[page]:
        for arguments in seqrec_commands(block):
            assert not typed_wrongly(arguments), f"{page}:{block.line}: {arguments}"


@pytest.mark.parametrize("name", commands.names())
def test_every_command_of_an_example_can_be_typed(name: str) -> None:
    lines = [line for line in commands.page(name).splitlines() if line.startswith("$ seqrec ")]
    assert lines
    for arguments in seqrec_commands(Block(name, 1, "", tuple(lines))):
        assert not typed_wrongly(arguments)
