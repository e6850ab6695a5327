"""The rules of the house: who may import what, and what nobody may do."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = Path(__file__).parent.parent / "seqrec_cli"
FILES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """The modules that a file imports, anywhere or when it is itself imported."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def names(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", CORE, ids=names)
def test_core_does_not_talk(path: Path) -> None:
    for module in imports(path):
        assert module.split(".")[0] not in {"typer", "rich", "click", "argparse"}, module
        assert not module.startswith(("seqrec_cli.commands", "seqrec_cli.console")), module
        assert not module.startswith("seqrec_cli.app"), module
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert not called & {"print", "input"}
    assert "sys.argv" not in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=names)
def test_nothing_dangerous(path: Path) -> None:
    assert not {m.split(".")[0] for m in imports(path)} & {"click", "pickle", "cloudpickle", "dill"}
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "yaml.load", "torch.load", "torch.save"}, called
            assert not called.endswith((".extractall", ".extract")), called
            for keyword in node.keywords:
                allowed = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                assert keyword.arg != "allow_pickle" or allowed


@pytest.mark.parametrize("path", FILES, ids=names)
def test_commands_and_app_import_no_core_when_they_are_imported(path: Path) -> None:
    if "core" not in path.parts:
        for module in imports(path, top_level=True):
            assert not module.startswith(("torch", "numpy", "seqrec_cli.core")), module


@pytest.mark.parametrize("path", sorted((PACKAGE / "commands").glob("*.py")), ids=names)
def test_commands_hold_no_mathematics(path: Path) -> None:
    """A command neither computes with arrays nor reads and writes data files itself."""
    tree = ast.parse(path.read_text())
    typing_only = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for name in [inner.lineno]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and node.lineno not in typing_only:
            module = node.names[0].name if isinstance(node, ast.Import) else str(node.module)
            assert module.split(".")[0] not in {"numpy", "torch", "safetensors", "yaml"}, module


def in_a_new_process(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import seqrec_cli",
        "import seqrec_cli.app",
        "import sys; sys.argv = ['seqrec', '--help']\n"
        "try: from seqrec_cli.app import main; main()\nexcept SystemExit: pass",
        "import seqrec_cli.core.preparation, seqrec_cli.core.interactions, seqrec_cli.core.dataset",
    ],
)
def test_torch_is_not_imported_before_it_is_needed(code: str) -> None:
    assert "torch: False" in in_a_new_process(
        f"{code}\nimport sys; print('torch:', 'torch' in sys.modules)"
    )


@pytest.mark.parametrize("path", FILES, ids=names)
def test_nothing_acts_on_import(path: Path) -> None:
    """Modules define; only __main__, and app for its commands, do something at the top level."""
    if path.name in {"__main__.py", "app.py"}:
        return
    for node in ast.parse(path.read_text()).body:
        allowed = (
            *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
            *(ast.Assign, ast.AnnAssign),
        )
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        typing_block = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        assert docstring or typing_block or isinstance(node, allowed), ast.unparse(node)


@pytest.mark.parametrize(
    "name",
    [
        *("training", "objective", "batching", "scoring", "evaluation", "retrieval"),
        *("recommendation", "run", "indexing"),
    ],
)
def test_nothing_asks_which_model_it_holds(name: str) -> None:
    """They know the registry alone, not the models in it, nor what those are called."""
    models = {path.stem for path in (ROOT / "seqrec_cli/core/models").glob("*.py")}
    for node in ast.walk(ast.parse((ROOT / f"seqrec_cli/core/{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.rpartition(".")
            assert not (package.endswith("core.models") and module in models), node.module
        if isinstance(node, ast.Compare):
            assert not models & {
                value.value for value in ast.walk(node) if isinstance(value, ast.Constant)
            }, ast.unparse(node)
        if isinstance(node, ast.Attribute):
            assert node.attr != "name" or "model" not in ast.unparse(node.value), ast.unparse(node)
