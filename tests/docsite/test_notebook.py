"""The tutorial runs from its first cell to its last, and prints what it shows."""

from pathlib import Path
from typing import Any

import pytest

from docsite import notebook
from docsite.running import agrees


def test_a_cell_prints_and_then_shows_its_last_value() -> None:
    namespace: dict[str, Any] = {}
    assert notebook.run("x = 2\nprint(x)\nx + 1", namespace) == "2\n3\n"
    assert notebook.run("y = x", namespace) == ""
    assert notebook.run("print(y)", namespace) == "2\n"
    with pytest.raises(ZeroDivisionError):
        notebook.run("1 / 0", namespace)


def test_it_is_a_notebook() -> None:
    found = notebook.read()
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in found["cells"]}) == len(found["cells"])
    for cell in found["cells"]:
        assert cell["cell_type"] in ("code", "markdown")
        assert isinstance(cell["metadata"], dict)
        if cell["cell_type"] == "code":
            assert {"execution_count", "outputs"} <= set(cell)


def test_the_page_has_cells_and_outputs() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# A\n", "text"]},
        {
            "cell_type": "code",
            "source": ["1 + 1"],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["2\n"]}],
        },
    ]
    page = notebook.as_markdown({"cells": cells})
    assert page == "# A\ntext\n\n```python\n1 + 1\n```\n\n```text\n2\n```\n"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # as in a notebook
def test_every_cell_runs_and_prints_what_the_file_shows(tmp_path: Path) -> None:
    seen = 0
    for cell, output in notebook.executed(notebook.read(), tmp_path):
        shown = notebook.shown_output(cell)
        assert bool(shown) == bool(output)
        assert agrees(shown.splitlines(), output.splitlines()), f"{shown}\n---\n{output}"
        seen += 1
    assert seen >= 8
