"""Each module that does something is tested by the file of its name: tests mirror the package."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "seqrec_cli"
MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)


def has_behaviour(tree: ast.Module) -> bool:
    """Whether any function does something; protocols and plain records only say what there is."""
    protocols = {
        function
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
        for function in ast.walk(node)
    }
    return any(
        isinstance(node, ast.FunctionDef) and node not in protocols for node in ast.walk(tree)
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("X = 1\n", False),
        ("class A:\n    x: int = 1\n", False),
        ("class A(Protocol):\n    def f(self) -> int: ...\n", False),
        ("class A:\n    def f(self) -> int: return 1\n", True),
        ("def f() -> int: return 1\n", True),
    ],
)
def test_declarations_need_no_test(source: str, expected: bool) -> None:
    assert has_behaviour(ast.parse(source)) == expected


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_has_a_test_of_its_name(module: Path) -> None:
    if has_behaviour(ast.parse((PACKAGE / module).read_text())):
        test = ROOT / "tests" / module.with_name(f"test_{module.name}")
        assert test.is_file(), f"{module} has no {test.relative_to(ROOT)}"
        assert "\ndef test_" in test.read_text(), f"{test.relative_to(ROOT)} has no test"
