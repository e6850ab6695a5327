"""Graphs of modules for every size, and how two answers are compared."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.onnx_graphs import (
    Agreement,
    check_folder,
    graph_bytes,
    padded_after,
    relative_gap,
    session_of,
)
from seqrec_cli.errors import InputError, RunError


class Sums(nn.Module):
    """Sums over lengths, of one input and of as many more as there are."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        return first.sum(1) + sum(other.sum(1) for other in others)


class LoopBound(nn.Module):
    """A module whose loop has as many steps as a value says: no graph."""

    def forward(self, x: Tensor) -> Tensor:
        while bool(x.sum() > 0):
            x = x - 1
        return x


@pytest.mark.slow
def test_sizes_that_vary_and_names() -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    inputs = {name: torch.ones(2, 3) for name in ("a", "b")}
    sizes = {"a": ("batch", "length"), "b": ("batch", "width")}
    session = session_of(graph_bytes(Sums(), inputs, sizes, ["sum"], 9))
    assert [i.name for i in session.get_inputs()] == ["a", "b"]
    for rows, length, width in ((1, 1, 4), (5, 9, 40)):
        a, b = np.ones((rows, length), np.float32), np.ones((rows, width), np.float32)
        (found,) = session.run(["sum"], {"a": a, "b": b})
        assert found.tolist() == [length + width] * rows
    with pytest.raises(RunError, match="cannot export"):
        graph_bytes(LoopBound(), {"x": torch.ones(2)}, {"x": ("batch",)}, ["y"], 9)


def test_the_latest_items_with_padding_after_them() -> None:
    histories = Sequences.from_lists([[1, 2, 3], [4], []])
    assert padded_after(histories, 2).tolist() == [[2, 3], [4, 0], [0, 0]]
    assert padded_after(Sequences.from_lists([[]]), 2).tolist() == [[0]]


def test_differences_count_against_the_largest_score() -> None:
    right = np.array([[-np.inf, 4.0, 2.0]])
    assert relative_gap(right, right) == 0
    assert relative_gap(np.array([[-np.inf, 4.0, 1.0]]), right) == 0.25
    assert relative_gap(np.array([[0.0, 4.0, 2.0]]), right) == np.inf
    assert relative_gap(np.array([0.5]), np.array([0.25])) == 0.25


@pytest.mark.parametrize("difference", [2e-4, np.inf, np.nan])
def test_what_differs_is_refused(difference: float) -> None:
    assert Agreement(1, 1e-5, 1).check().compared == 1
    with pytest.raises(RunError, match="nothing was written"):
        Agreement(1, difference, 1).check()


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "new")
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(InputError, match="exists already"):
            check_folder(folder)
