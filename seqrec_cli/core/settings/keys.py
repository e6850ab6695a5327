"""The keys of all settings, for completion: read from the source, which takes no import of torch.

The classes of settings are spread over the wings, beside their readers. Here their fields are found
in the syntax trees of the modules, by the names of their base classes; a test holds the result
against the classes themselves.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from seqrec_cli.core.storage import foreign

CORE = Path(__file__).parents[1]
PLACES = ("experiment", "losses", "models", "settings")
# What stands at which part of an experiment file, by the class that its settings are of.
PARTS = {
    "ExperimentSettings": "",
    "LossSettings": "training.",
    "TrainingConfig": "training.",
    "RankingTrainingConfig": "training.",
    "SequenceModelSettings": "model.",
    "RankingModelSettings": "model.",
    "FittedModelSettings": "model.",
    "FittedTrainingConfig": "training.",
    "TransitionsConfig": "transitions.",
    "LinearConfig": "linear.",
}
WITH_PARTS = {"model", "training", "transitions", "linear"}  # not settings themselves


def all_setting_keys() -> list[str]:
    """Every key that an experiment file can have, such as `training.lr`, sorted."""
    classes = {node.name: node for path in sources() for node in classes_in(path)}
    found: set[str] = set()
    for name in classes:
        part = part_of(name, classes)
        if part is not None:
            found |= {part + field for field in fields_of(name, classes)}
    return sorted((found - WITH_PARTS - {"training.name"}) | {"model.name"})


def sources() -> list[Path]:
    """The modules that may define settings."""
    return sorted(path for place in PLACES for path in (CORE / place).rglob("*.py"))


def classes_in(path: Path) -> Iterator[ast.ClassDef]:
    """The classes that a module defines."""
    yield from (n for n in ast.parse(foreign.read_text(path)).body if isinstance(n, ast.ClassDef))


def part_of(name: str, classes: dict[str, ast.ClassDef]) -> str | None:
    """The part of an experiment file that a class describes; None if it describes none."""
    if name in PARTS:
        return PARTS[name]
    bases = [ast.unparse(base) for base in classes[name].bases] if name in classes else []
    parts = (part_of(base, classes) for base in bases)
    return next((part for part in parts if part is not None), None)


def fields_of(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[str]:
    """The fields that a class of settings declares, and those that it inherits."""
    if name not in classes:
        return
    for base in classes[name].bases:
        yield from fields_of(ast.unparse(base), classes)
    for line in classes[name].body:
        if not isinstance(line, ast.AnnAssign) or "ClassVar" in ast.unparse(line.annotation):
            continue
        if isinstance(line.target, ast.Name):
            yield line.target.id
