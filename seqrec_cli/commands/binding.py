"""Options as one object, and the one rule for options that do not apply: they are refused.

A command's options are a frozen dataclass whose fields carry Typer's annotations. A field may carry
`Only` too, which says when the option has a use; typed where it has none, it is refused.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
import typer.core


@dataclass(frozen=True)
class Only:
    """When an option has a use.

    Attributes:
        when: asked with the values of all options by name.
        place: says it in words, after "is": "for --task ranking".
    """

    when: Callable[[Mapping[str, Any]], bool]
    place: str


def takes(options: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command for Typer of a function that takes one object of options.

    A parameter `context` of it gets Typer's context.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        wants_context = "context" in inspect.signature(command).parameters

        @functools.wraps(command)
        def run(context: typer.Context, **values: Any) -> None:
            refuse_unused(context, options, values)
            made = options(**values)
            command(made, context) if wants_context else command(made)

        hints = get_type_hints(options, include_extras=True)
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        ]
        for field in dataclasses.fields(options):
            default = field.default
            parameters.append(
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if default is dataclasses.MISSING else default,
                    annotation=hints[field.name],
                )
            )
        # Typer reads these two; `wraps` would have it look at the function of one object.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = hints | {"context": typer.Context, "return": None}
        del run.__wrapped__
        return run

    return decorate


# How `--help` calls the value of an option, by its type; a choice is shown as it is.
VALUES = {int: "N", float: "X", Path: "PATH", str: "TEXT", bool: ""}


class Command(typer.core.TyperCommand):
    """A command whose help is short, and whose numbers are typed in decimal digits.

    `int` and `float`, which Typer asks, also accept 1_0 for 10, and the digits of other scripts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hints = get_type_hints(self.callback)
        for parameter in self.params:
            hint = hints.get(str(parameter.name))
            found = [VALUES[each] for each in (hint, *get_args(hint)) if each in VALUES]
            if parameter.param_type_name == "option" and parameter.metavar is None and found:
                parameter.metavar = found[0]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse such numbers, then read the arguments.

        Raises:
            typer.BadParameter: with the option and what was typed.
        """
        typed, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        hints = get_type_hints(self.callback)
        for parameter in self.get_params(ctx):
            kind, text = hints.get(str(parameter.name)), typed.get(str(parameter.name))
            number = any(each in (int, float) for each in (kind, *get_args(kind)))
            if number and isinstance(text, str) and ("_" in text or not text.isascii()):
                raise typer.BadParameter(
                    f"{text!r} is not a number in the digits 0 to 9.",
                    param_hint=f"'{max(parameter.opts, key=len)}'",
                )
        return super().parse_args(ctx, args)


def is_given(context: typer.Context, name: str) -> bool:
    """Whether a parameter is in the command as it was typed."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_unused(context: typer.Context, options: type[Any], values: Mapping[str, Any]) -> None:
    """Refuse what was typed and has no use beside the other options.

    Raises:
        typer.BadParameter: with the option, and what it is for.
    """
    spelled = {
        parameter.name: next((o for o in parameter.opts if o.startswith("--")), parameter.opts[0])
        for parameter in context.command.params
    }
    for name, hint in get_type_hints(options, include_extras=True).items():
        for rule in getattr(hint, "__metadata__", ()):
            if isinstance(rule, Only) and is_given(context, name) and not rule.when(values):
                raise typer.BadParameter(f"{spelled[name]} is {rule.place}: leave it out")
