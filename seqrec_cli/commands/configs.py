"""seqrec configs: the experiment files that come with seqrec."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.completing import config_names
from seqrec_cli.commands.options import Json
from seqrec_cli.errors import OutputError

NAMED = Only(lambda values: values["name"] is not None, "for one config: `seqrec configs NAME`")
ALL = Only(lambda values: values["name"] is None, "for the list of configs, without a name")


@dataclass(frozen=True, kw_only=True)
class ConfigsOptions:
    """The options of `seqrec configs`."""

    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Print this one.", autocompletion=config_names),
    ] = None
    copy: Annotated[
        bool,
        typer.Option("--copy", help="Write it to NAME.yaml in this folder, to be changed there."),
        NAMED,
    ] = False
    as_json: Annotated[Json, ALL] = False


@takes(ConfigsOptions)
def configs(options: ConfigsOptions) -> None:
    """List, print or copy the experiments that come with seqrec.

    $ seqrec configs sasrec --copy
    """
    from seqrec_cli.core.settings import configs as shipped

    if options.name is None:
        known = {name: shipped.describe(name) for name in shipped.shipped_configs()}
        if options.as_json:
            console.print_json(known)
        else:
            console.print_table(("config", "what for"), list(known.items()), left=(0, 1))
            console.hint("`seqrec train --config sasrec --data NAME`")
        return
    text = shipped.text_of(options.name)
    if options.copy:
        write_copy(Path(f"{Path(options.name).stem}.yaml"), text)
    else:
        console.print_lines(text)


def write_copy(path: Path, text: str) -> None:
    """Write a copy, which replaces nothing."""
    from seqrec_cli.core.storage import files

    if path.exists():
        raise OutputError(
            f"`{path}` exists already", "move it, or copy the config in another folder"
        )
    files.write_text(path, text)
    console.success(f"`{path}`")
    console.hint(f"seqrec train --config {path}")
