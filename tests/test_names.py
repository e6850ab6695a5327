"""One name, one thing: a class or function of the top level is defined in one module.

The files of a wing that do one thing for each kind of model (`sequential`, `ranking`, `fitted`) may
share a name, and so may a command, the function of the Python interface and the function of core/
that does it: they are one thing on three floors.
"""

import ast
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "seqrec_cli"
COMMANDS = {path.stem for path in (PACKAGE / "commands").glob("*.py")}


def definitions() -> dict[str, list[Path]]:
    """The modules that define each name."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name].append(path.relative_to(PACKAGE))
    return found


def are_twins(paths: list[Path]) -> bool:
    """Whether these are files of one wing, each for one kind of model."""
    kinds = {"sequential", "ranking", "fitted"}
    return {path.stem for path in paths} <= kinds and len({path.parent for path in paths}) == 1


def are_floors(name: str, paths: list[Path]) -> bool:
    """Whether these are a command, its function of the interface and the one of core/."""
    floors = [path.parts[0] for path in paths]
    return name in COMMANDS and len(floors) == len(set(floors))


def test_a_name_means_one_thing() -> None:
    several = {
        name: [str(path) for path in paths]
        for name, paths in definitions().items()
        if len(paths) > 1 and not are_twins(paths) and not are_floors(name, paths)
    }
    assert several == {}
