"""Arguments and options shared by commands, spelled once so that they read alike everywhere."""

from pathlib import Path
from typing import Annotated

from typer import Option

DataDir = Annotated[Path, Option("--data-dir", help="Folder of the prepared datasets.")]
Json = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]
