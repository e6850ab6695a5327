"""A page for each command, made of what `--help` says."""

import html
import re
from collections.abc import Iterator
from typing import Any

import typer

from seqrec_cli.app import app

ORDER = ("Arguments", "Options")
KINDS = {
    **{"int": "N", "int range": "N", "float": "X", "float range": "X"},
    **{"path": "PATH", "str": "TEXT"},
}


def command_group() -> Any:
    """The command line as Typer has built it."""
    return typer.main.get_command(app)


def names() -> list[str]:
    """The commands, in the order of `seqrec --help`."""
    return list(command_group().commands)


def summary(name: str) -> str:
    """What a command does, in a sentence."""
    return str(command_group().commands[name].help).strip().partition("\n")[0]


def page(name: str) -> str:
    """The page of a command in Markdown: what it does, examples, its options in their panels."""
    command = command_group().commands[name]
    context = command.make_context(name, [], resilient_parsing=True)
    context.info_name = f"seqrec {name}"
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"# seqrec {name}", "", *described(str(command.help)), "", "```text", usage, "```", ""]
    for panel, parameters in panels(command).items():
        lines += [f"## {panel}", "", "| parameter | what |", "|---|---|"]
        lines += [f"| {spelled} | {what} |" for spelled, what in rows(parameters, context)]
        lines.append("")
    return "\n".join(lines)


def described(text: str) -> Iterator[str]:
    """The text of a command, with its examples as a block."""
    examples = list[str]()
    for paragraph in text.replace("\b", "").split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines()]
        shown = [line for line in lines if line.startswith("$ ")]
        examples += shown
        if len(shown) < len(lines):
            yield from ("", *(line for line in lines if line not in shown))
    if examples:
        yield from ("", "```console", *examples, "```")


def panels(command: Any) -> dict[str, list[Any]]:
    """The parameters by the panel of the help that they are in."""
    found: dict[str, list[Any]] = {}
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
        found.setdefault(parameter.rich_help_panel or usual, []).append(parameter)
    return dict(sorted(found.items(), key=lambda item: item[0] not in ORDER))


def rows(parameters: list[Any], context: Any) -> Iterator[tuple[str, str]]:
    """How each parameter is spelled, and its help with its default."""
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            spelled, what = parameter.metavar or parameter.name, parameter.help or ""
        else:
            spelled, what = parameter.get_help_record(context)
        # As HTML: within backticks the escape of a `|` would be shown.
        name = html.escape(value_in_words(spelled)).replace("|", "&#124;")
        yield f"<code>{name}</code>", in_cell(plain(what))


def value_in_words(spelled: str) -> str:
    """An option as it is typed, with a word for the kind of its value."""
    return re.sub(r"<(.*?)>", lambda match: KINDS.get(match[1], match[1]), spelled)


def plain(text: str) -> str:
    """The text without what only a terminal reads."""
    return " ".join(text.replace("\\[", "[").split())


def in_cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def index() -> str:
    """The page that lists the commands."""
    lines = ["# Commands", "", "| command | what |", "|---|---|"]
    lines += [f"| [seqrec {name}]({name}.md) | {in_cell(summary(name))} |" for name in names()]
    return "\n".join([*lines, ""])
