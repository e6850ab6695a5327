"""Plain modules as ONNX graphs, and onnxruntime to compare them with."""

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.tensors import first_line
from seqrec_cli.errors import InputError, MissingExtra, RunError

TOLERANCE = 1e-4  # of a score, against the larger of 1 and the largest score
BATCH, LENGTH = "batch", "length"


@dataclass(frozen=True)
class Agreement:
    """How onnxruntime agrees with seqrec.

    Attributes:
        compared: how many histories, or rows.
        difference: the largest of two scores.
        same: how many lists have the same items in the same order.
    """

    compared: int
    difference: float
    same: int

    def check(self) -> "Agreement":
        """Itself, if the difference is small.

        Raises:
            RunError: it is not.
        """
        if not self.difference <= TOLERANCE:
            raise RunError(
                f"onnxruntime gives other scores than seqrec, by up to {self.difference:.2g}: "
                "nothing was written",
                "please report this, with the run's experiment.yaml",
            )
        return self


def check_onnx() -> None:
    """Refuse to begin without the packages of the extra.

    Raises:
        MissingExtra: with the first that is missing.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "onnx")


def check_folder(folder: Path) -> None:
    """Refuse a folder that has something in it.

    Raises:
        InputError: so it is, or it is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"`{folder}` exists already", "name a new folder: `--output FOLDER`")


def write_folder(folder: Path, made: bytes, readme: str, lists: Mapping[str, Any]) -> None:
    """Write the file of a model, how to call it, and what its numbers mean: each list as JSON."""
    files.write_bytes(folder / "model.onnx", made)
    for name, values in lists.items():
        files.write_json(folder / f"{name}.json", values)
    files.write_text(folder / "README.md", readme)


def graph_bytes(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    sizes: Mapping[str, Sequence[str]],
    outputs: Sequence[str],
    longest: int,
) -> bytes:
    """The ONNX file of a module.

    Args:
        inputs: an example of each, in the order of `forward`.
        sizes: the names of each input's sizes that vary, from the first; others are as they are.
        longest: the largest that BATCH is not, LENGTH; the others have no limit.

    Raises:
        RunError: torch cannot export it.
    """
    named = {
        name: torch.export.Dim(name, max=longest if name == LENGTH else None)
        for name in {name for names in sizes.values() for name in names}
        if name != LENGTH or longest > 1
    }
    # By place: a `forward` with `*inputs` has no names for them.
    shapes = tuple(
        {at: named[size] for at, size in enumerate(sizes[name]) if size in named} for name in inputs
    )
    # Under autograd a graph with two scans comes out with sizes among its values, and fails.
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                Positional(module),
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes=(shapes,),
                input_names=list(inputs),
                output_names=list(outputs),
                verbose=False,
            )
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            raise RunError(
                f"torch cannot export this model: {first_line(root_of(error))}",
                "use `seqrec embed` for its vectors",
            ) from error
    assert program is not None
    made: bytes = program.model_proto.SerializeToString()
    return made


def root_of(error: BaseException) -> Exception:
    """The error that came first."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error if isinstance(error, Exception) else RuntimeError(str(error))


class Positional(nn.Module):
    """A module whose inputs have no names."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Any:
        return self.module(*inputs)


def session_of(made: bytes) -> Any:
    """onnxruntime with this file."""
    runtime = importlib.import_module("onnxruntime")
    return runtime.InferenceSession(made, providers=["CPUExecutionProvider"])


def padded_after(histories: Sequences, longest: int) -> NDArray[np.int64]:
    """The latest items of each history, oldest first, int64 (B, L), with 0 after its end."""
    latest = [history[-longest:] for history in histories]
    rows = np.zeros((len(latest), max(1, *map(len, latest))), np.int64)
    for row, history in zip(rows, latest, strict=True):
        row[: len(history)] = history
    return rows


def relative_gap(left: NDArray[Any], right: NDArray[Any]) -> float:
    """The largest difference where one of two is finite, against the larger of 1 and the largest of
    `right`."""
    there = np.isfinite(left) | np.isfinite(right)
    scale = max(1.0, float(np.abs(right[np.isfinite(right)]).max(initial=1.0)))
    return float(np.abs(left[there] - right[there]).max(initial=0.0)) / scale
