"""Arguments and options shared by commands, spelled once so that they read alike everywhere."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Option

DataDir = Annotated[Path, Option("--data-dir", help="Folder of the prepared datasets.")]
Json = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]

RunOption = Annotated[
    str, Option("--run", metavar="RUN", help="A run: its name under runs/, or its folder.")
]
Data = Annotated[
    str | None,
    Option("--data", metavar="NAME", help="A prepared dataset: its name, or its npz file."),
]
Device = Annotated[str, Option("--device", metavar="auto|cpu|cuda|mps", help="Where to compute.")]
Overrides = Annotated[
    list[str] | None,
    Option("--set", metavar="KEY=VALUE", help="Change one setting of the experiment; repeatable."),
]
SeenOption = Annotated[
    Literal["exclude", "include"],
    Option("--seen", help="Whether items of the user's own history may be recommended."),
]
Seed = Annotated[int, Option("--seed", min=0, help="Seed of whatever is drawn at random.")]
