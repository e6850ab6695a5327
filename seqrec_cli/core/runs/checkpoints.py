"""The checkpoints of a run: the best weights, the last state, and the previous one of each."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.tensors import (
    AllocationLimit,
    StoredTensor,
    first_line,
    load_tensors,
    open_tensors,
    save_tensors,
)
from seqrec_cli.core.training.state import Resumable
from seqrec_cli.errors import RunError

Model = TypeVar("Model", bound=torch.nn.Module)
Loaded = tuple[dict[str, Tensor], dict[str, Any], bool]


class Checkpoints:
    """The safetensors files of a run.

    Attributes:
        best, last: the newest of each kind.
        previous_best, previous_last: the ones before.
        notes: warnings for the user about what was read; shared with the run.
    """

    def __init__(self, folder: Path, notes: list[str]) -> None:
        self.folder = folder
        self.notes = notes
        self.best = folder / "best.safetensors"
        self.last = folder / "last.safetensors"
        self.previous_best = folder / "best.previous.safetensors"
        self.final = folder / "final.safetensors"
        self.previous_last = folder / "last.previous.safetensors"

    def save_best(
        self, training: Resumable, epoch: int, metrics: dict[str, float], step: int = 0
    ) -> None:
        """Save the weights as the best so far; the best before become the previous ones.

        `step` counts from the beginning, where they are not those of the end of `epoch`; else 0.
        """
        facts: dict[str, Any] = {"epoch": epoch, "metrics": metrics} | training.facts()
        if step:
            facts["step"] = step
        tensors = training.whole(training.kept())
        save_tensors(self.best, tensors, facts, self.previous_best)

    def save_final(self, training: Resumable, epoch: int) -> None:
        """Save the weights of the last fit, on train + valid, and which best ones it repeats."""
        facts = {"epoch": epoch, "of": self.best_facts()} | training.facts()
        save_tensors(self.final, training.kept(), facts)

    def best_facts(self) -> dict[str, Any]:
        """The facts of the best weights."""
        return self.load_best_weights()[1]

    def has_final(self) -> bool:
        """Whether there is a last fit, of the best weights as they are now."""
        return self.final.exists() and load_tensors(self.final)[1].get("of") == self.best_facts()

    def save_last(self, training: Resumable) -> None:
        """Save everything that exact resuming needs; the state before becomes the previous one.

        The counters are in the same file, which is replaced atomically; `last.json` repeats them
        for people.
        """
        tensors, counters = training.state()
        save_tensors(self.last, training.whole(tensors), counters, self.previous_last)
        files.write_json(self.folder / "last.json", readable(counters))

    def any_last(self) -> bool:
        """Whether there is a state to resume from."""
        return self.last.exists() or self.previous_last.exists()

    def any(self) -> bool:
        """Whether there is any checkpoint."""
        return self.any_last() or self.best.exists() or self.previous_best.exists()

    def load_last(self) -> Loaded:
        """The last state: tensors, counters, and whether it is the one before the last."""
        loaded: Loaded = self.load_either(self.last, self.previous_last)
        return loaded

    def open_last(self) -> tuple[dict[str, StoredTensor], dict[str, Any], bool]:
        """The same, with the tensors still in the file."""
        opened: tuple[dict[str, StoredTensor], dict[str, Any], bool]
        opened = self.load_either(self.last, self.previous_last, open_tensors)
        return opened

    def load_best(self) -> Loaded:
        """The best weights, their facts, and whether they are the previous ones."""
        loaded: Loaded = self.load_either(self.best, self.previous_best)
        return loaded

    def sha256_of_best(self, final: bool = False) -> str:
        """The checksum of the file with the best weights, or of those of the last fit; "" without
        one."""
        path = self.final if final else self.best
        return files.sha256(path) if path.exists() else ""

    def load_best_into(
        self, build: Callable[[], Model], final: bool = False
    ) -> tuple[Model, dict[str, Any]]:
        """The model that `build` makes, with the best weights, and the facts beside these.

        With `final`, those of the last fit take their place.

        If these are damaged, the previous best weights are used, and `notes` says so.

        Raises:
            RunError: no best weights, or both the best and the previous ones are damaged.
        """
        tensors, facts = load_tensors(self.final) if final else self.load_best_weights()
        try:
            with AllocationLimit(tensors):
                model = build()
            model.load_state_dict(tensors)
        except (RuntimeError, ValueError, OverflowError, TypeError) as error:
            raise RunError(
                f"`{self.best}` does not belong to the experiment beside it: {first_line(error)}",
                "train again",
            ) from error
        return model, facts

    def load_best_weights(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The best weights and their facts, or the previous ones if these are damaged.

        Raises:
            RunError: there are none, or both are damaged.
        """
        if not (self.best.exists() or self.previous_best.exists()):
            raise RunError(
                f"the run `{self.folder}` has no best weights: it was stopped before its first "
                "validation",
                f"resume it: `seqrec train --resume {self.folder}`",
            )
        tensors, facts, _ = self.load_best()
        return tensors, facts

    def load_either(
        self, path: Path, previous: Path, load: Callable[[Path], Any] = load_tensors
    ) -> Any:
        """The checkpoint at `path`, or the one before it; and whether it is that one.

        Raises:
            RunError: both are missing or damaged.
        """
        try:
            return *load(path), False
        except RunError as error:
            with contextlib.suppress(RunError):
                tensors, facts = load(previous)
                self.notes.append(f"{error.message}; using `{previous}`, the one before it")
                return tensors, facts, True
            raise


def readable(counters: dict[str, Any]) -> dict[str, Any]:
    """Counters as JSON, which has no infinity: null in its place."""
    return {
        key: None if value in (float("inf"), -float("inf")) else value
        for key, value in counters.items()
    }
