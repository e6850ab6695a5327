"""Runs a notebook cell by cell in one namespace, as Jupyter does, without needing Jupyter.

A cell's output is what it prints, then the value of its last expression.
"""

import ast
import contextlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docsite import shop

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"


def read(path: Path = TUTORIAL) -> dict[str, Any]:
    """A notebook as plain values."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def shown_output(cell: dict[str, Any]) -> str:
    """The output that a cell of the file has."""
    texts = [out["text"] if "text" in out else out["data"]["text/plain"] for out in cell["outputs"]]
    return "".join("".join(text) for text in texts)


def executed(notebook: dict[str, Any], folder: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Run the code cells in order, in a folder with the shop's log; each with its output.

    Raises: whatever a cell raises.
    """
    shop.write(folder / "clicks.csv")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    before = Path.cwd()
    os.chdir(folder)
    try:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                yield cell, run(source_of(cell), namespace)
    finally:
        os.chdir(before)


def run(source: str, namespace: dict[str, Any]) -> str:
    """Run the source of a cell; its output."""
    tree, printed = ast.parse(source), io.StringIO()
    value, last = None, tree.body[-1] if tree.body else None
    with contextlib.redirect_stdout(printed):
        if isinstance(last, ast.Expr):
            tree.body.pop()
        exec(compile(tree, "cell", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
    if value is not None:
        printed.write(f"{value!r}\n")
    return printed.getvalue()


def with_outputs(notebook: dict[str, Any], folder: Path) -> str:
    """The text of the notebook's file with the outputs as they are now."""
    for number, (cell, output) in enumerate(executed(notebook, folder), 1):
        lines = output.splitlines(keepends=True)
        stream = {"name": "stdout", "output_type": "stream", "text": lines}
        cell["outputs"], cell["execution_count"] = [stream] if lines else [], number
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def as_markdown(notebook: dict[str, Any]) -> str:
    """The notebook as a page."""
    pieces = list[str]()
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            pieces.append(source_of(cell))
            continue
        pieces.append(f"```python\n{source_of(cell).rstrip()}\n```")
        if output := shown_output(cell).rstrip():
            pieces.append(f"```text\n{output}\n```")
    return "\n\n".join(pieces) + "\n"
