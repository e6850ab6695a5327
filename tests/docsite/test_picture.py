"""The picture in the README is of commands that exist and print this."""

import shlex

import pytest

from docsite import picture
from docsite.running import same_line
from tests.conftest import ROOT
from tests.docsite.test_blocks import typed_wrongly

TEXT = picture.PICTURE.read_text()


def test_the_readme_shows_it() -> None:
    name = picture.PICTURE.relative_to(ROOT).as_posix()
    assert f"]({name})" in (ROOT / "README.md").read_text()


def test_its_commands_are_those_of_the_script_and_can_be_typed() -> None:
    assert picture.commands_of(TEXT) == list(picture.COMMANDS)
    for command in picture.COMMANDS:
        assert not typed_wrongly(shlex.split(command)[1:])


def test_nothing_in_it_is_wider_than_a_terminal() -> None:
    assert max(map(len, picture.lines_of(TEXT))) <= picture.WIDTH


@pytest.mark.slow
def test_the_commands_print_what_it_shows() -> None:
    shown, got = picture.lines_of(TEXT), picture.lines_of(picture.drawn())
    assert len(shown) == len(got)
    for one, other in zip(shown, got, strict=True):
        assert same_line(picture.without_seconds(one), other), (
            f"{one}\n{other}\nupdate it: python -m docsite refresh"
        )
