"""The rules of the house: who may import what, and what nobody may do."""

import ast
import functools
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = Path(__file__).parent.parent / "seqrec_cli"
FILES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(parsed(path)))


@functools.cache
def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """The modules that a file imports, anywhere or when it is itself imported."""
    nodes = parsed(path).body if top_level else nodes_of(path)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Let go of what all these files are made of, half a million nodes."""
    yield
    for cached in (parsed, nodes_of, imports):
        cached.cache_clear()


def names(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def each_of(paths: Iterable[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Have a rule hold for each of these files, in one test that names those that break it."""
    known = list(paths)

    def decorate(rule: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            broken = []
            for path in known:
                try:
                    rule(path)
                except AssertionError as error:
                    broken.append(f"{names(path)}: {error}")
            assert known
            assert not broken, "\n".join(broken)

        test.__doc__ = rule.__doc__
        return test

    return decorate


@each_of(CORE)
def test_core_does_not_talk(path: Path) -> None:
    for module in imports(path):
        assert module.split(".")[0] not in {"typer", "rich", "click", "argparse"}, module
        assert not module.startswith(("seqrec_cli.commands", "seqrec_cli.console")), module
        assert not module.startswith("seqrec_cli.app"), module
    calls = [n for n in nodes_of(path) if isinstance(n, ast.Call)]
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert not called & {"print", "input"}
    assert "sys.argv" not in path.read_text()


# The spine, from top to bottom: nothing imports upwards.
WINGS = (
    *("runs", "training", "experiment", "losses", "evaluation", "inference", "models", "kernels"),
    *("batching", "data", "settings", "storage", "devices", "randomness"),
)


def wing_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["seqrec_cli", "core"] and len(parts) > 2 else None


def test_the_wings_are_those_that_there_are() -> None:
    rooms = {path.stem for path in (PACKAGE / "core").iterdir() if not path.name.startswith("__")}
    assert rooms == set(WINGS)


@each_of(CORE)
def test_nothing_imports_up_the_wings(path: Path) -> None:
    own = path.relative_to(PACKAGE / "core").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for module in imports(path):
        wing = wing_of(module)
        if wing is not None and wing in WINGS:
            assert WINGS.index(own) <= WINGS.index(wing), f"{own} imports {module}"


# Modules that make objects or code of bytes, and calls that do, or that unpack or run things.
UNSAFE_MODULES = {
    *("click", "pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"),
    *("code", "codeop", "runpy", "ctypes", "xml", "tarfile", "telnetlib", "ftplib"),
}
# The members of tar archives are read there as streams, by `extractfile`: nothing is unpacked by a
# name that stands in an archive, no link is followed, nothing becomes a file. What the reading of a
# damaged archive raises is listed in the other one.
MAY_READ_TAR = {"core/data/reading/sources.py", "core/data/reading/unpacking.py"}
UNSAFE_CALLS = {
    *("eval", "exec", "compile", "__import__", "breakpoint", "os.system", "os.popen"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "torch.load"),
    *("torch.save", "torch.jit.load", "np.save", "np.lib.format.read_array", "npy.read_array"),
    *("np.fromfile", "np.memmap", "shutil.unpack_archive", "tempfile.mktemp"),
}


@each_of(FILES)
def test_nothing_dangerous(path: Path) -> None:
    unsafe = {m.split(".")[0] for m in imports(path)} & UNSAFE_MODULES
    assert unsafe <= ({"tarfile"} if names(path) in MAY_READ_TAR else set())
    for node in nodes_of(path):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        assert called not in UNSAFE_CALLS, called
        assert not called.endswith((".extractall", ".extract", "._extract_member")), called
        assert "tarfile" not in called or called == "tarfile.open", called
        assert options.get("allow_pickle", "False") == "False", called
        if called in ("np.load", "np.savez", "np.savez_compressed"):
            assert "allow_pickle" in options, called
        assert options.get("shell", "False") == "False", called
        if called == "importlib.import_module":  # of a name that stands in the source
            assert isinstance(node.args[0], ast.Constant), ast.unparse(node)


# Where files are written: the one writer, the locks, temporary copies, what reads strangers' files.
STORAGE = {f"core/storage/{name}.py" for name in ("files", "locks", "temporary", "foreign")}
WRITES = {"write_text", "write_bytes", "rename", "replace", "unlink", "hardlink_to", "symlink_to"}


@each_of(FILES)
def test_every_file_goes_through_the_one_writer(path: Path) -> None:
    """What changes the disk stands in files.py; locks.py removes the locks that it made, and
    temporary.py the folders."""
    if names(path) in STORAGE:
        return
    assert not imports(path) & {"tempfile", "shutil"}
    for node in nodes_of(path):
        if isinstance(node, ast.Call):
            # By any name, with the mode in any place.
            mode = [*node.args[:2], *(k.value for k in node.keywords if k.arg == "mode")]
            written = [a.value for a in mode if isinstance(a, ast.Constant)]
            called = ast.unparse(node.func)
            assert called not in ("os.open", "os.fdopen", "io.open", "open"), called
            if called.endswith((".open", "open_text")):
                assert not {"w", "wb", "a", "ab", "x", "xb", "r+", "r+b", "w+"} & set(written), (
                    called
                )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, of = node.func.attr, ast.unparse(node.func.value)
            # `replace` of texts takes two arguments, that of paths one.
            of_a_path = called != "replace" or (len(node.args) == 1 and not node.keywords)
            if called in WRITES and of_a_path:
                assert of in ("files", "files.disk"), ast.unparse(node)


@each_of(FILES)
def test_commands_and_app_import_no_core_when_they_are_imported(path: Path) -> None:
    if "core" not in path.parts and path.name != "api.py":
        for module in imports(path, top_level=True):
            assert not module.startswith(("torch", "numpy", "seqrec_cli.core")), module


# Modules that Windows does not have.
OF_UNIX = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix"}


@each_of(FILES)
def test_nothing_of_unix_alone_is_needed_to_import(path: Path) -> None:
    assert not {m.split(".")[0] for m in imports(path, top_level=True)} & OF_UNIX


@each_of(sorted((PACKAGE / "commands").glob("*.py")))
def test_commands_hold_no_mathematics(path: Path) -> None:
    """A command neither computes with arrays nor reads and writes data files itself."""
    typing_only = {
        name
        for node in nodes_of(path)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for name in [inner.lineno]
    }
    for node in nodes_of(path):
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
        "try: from seqrec_cli.app import run_app; run_app()\nexcept SystemExit: pass",
        "from seqrec_cli.core.data import dataset, interactions, preparation",
    ],
)
def test_torch_is_not_imported_before_it_is_needed(code: str) -> None:
    assert "torch: False" in in_a_new_process(
        f"{code}\nimport sys; print('torch:', 'torch' in sys.modules)"
    )


def test_who_only_uses_a_run_or_trains_does_not_load_the_engine_that_reads_logs() -> None:
    modules = (
        *("inference.export", "inference.people", "runs.beginning", "runs.comparing"),
        *("runs.histories", "runs.loading", "runs.recording", "runs.ruling"),
    )
    found = in_a_new_process(
        f"import importlib, sys\nfor name in {modules}:\n"
        "    importlib.import_module(f'seqrec_cli.core.{name}')\n"
        "    print(name, 'duckdb' in sys.modules)"
    )
    assert found.split("\n")[:-1] == [f"{name} False" for name in modules]


@each_of(FILES)
def test_nothing_acts_on_import(path: Path) -> None:
    """Modules define; only __main__, and app for its commands, do something at the top level."""
    if path.name in {"__main__.py", "app.py"}:
        return
    for node in parsed(path).body:
        allowed = (
            *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
            *(ast.Assign, ast.AnnAssign),
        )
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        typing_block = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        assert docstring or typing_block or isinstance(node, allowed), ast.unparse(node)


@pytest.mark.parametrize(
    "name",
    [
        *("training/sequential", "training/objective", "batching/sequential"),
        *("inference/scoring", "inference/retrieval", "inference/recommendation"),
        *("inference/index", "evaluation/sequential", "runs/run", "training/ranking"),
        *("experiment/loading", "experiment/sequential", "experiment/ranking"),
    ],
)
def test_nothing_asks_which_model_it_holds(name: str) -> None:
    """They know the registry alone, not the models in it, nor what those are called."""
    models = {path.stem for path in (ROOT / "seqrec_cli/core/models").rglob("*.py")}
    models -= {"__init__", "interface", "registry", "fitted", "transitions", "linear"}
    for node in ast.walk(ast.parse((ROOT / f"seqrec_cli/core/{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.rpartition(".")
            assert not ("core.models" in package and module in models), node.module
        if isinstance(node, ast.Compare):
            assert not models & {
                value.value for value in ast.walk(node) if isinstance(value, ast.Constant)
            }, ast.unparse(node)
        if isinstance(node, ast.Attribute):
            assert node.attr != "name" or "model" not in ast.unparse(node.value), ast.unparse(node)


@each_of(sorted((PACKAGE / "commands").rglob("*.py")))
def test_no_function_of_a_command_is_longer_than_40_lines(path: Path) -> None:
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > 40} == {}


@each_of(CORE)
def test_no_function_of_the_core_is_longer_than_60_lines(path: Path) -> None:
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno < 60, node.name
