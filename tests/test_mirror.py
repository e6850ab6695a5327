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


def problem_of(module: Path) -> str:
    """What is wrong with the test of a module that does something, if anything is."""
    test = ROOT / "tests" / module.with_name(f"test_{module.name}")
    if not has_behaviour(ast.parse((PACKAGE / module).read_text())):
        return ""
    if not test.is_file():
        return f"{module} has no {test.relative_to(ROOT)}"
    return "" if "\ndef test_" in test.read_text() else f"{test.relative_to(ROOT)} has no test"


def test_each_has_a_test_of_its_name() -> None:
    assert len(MODULES) > 200
    assert [problem for module in MODULES if (problem := problem_of(module))] == []
