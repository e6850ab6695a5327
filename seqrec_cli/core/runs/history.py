"""The validations of a training: metrics.jsonl, one line each."""

import json
from pathlib import Path
from typing import Any

from seqrec_cli.core.storage import files, foreign
from seqrec_cli.errors import RunError


class History:
    """The file metrics.jsonl of a run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"

    def read(self) -> list[dict[str, Any]]:
        """All lines, oldest first; none if there is no file.

        Raises:
            RunError: it is damaged.
        """
        try:
            text = foreign.read_text(self.path)
            lines = [
                json.loads(line, parse_constant=refuse_constant) for line in text.split("\n")[:-1]
            ]
            if not all(isinstance(line["epoch"], int) for line in lines):
                raise ValueError("an epoch is not a number")
            if not all(isinstance(line.get("step", 0), int) for line in lines):
                raise ValueError("a step is not a number")
            return lines
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(
                f"`{self.path}` is damaged: {error}",
                "remove it: only the record of earlier validations is lost, not the weights",
            ) from error

    def add(self, line: dict[str, Any]) -> None:
        """Add a line."""
        self.write([*self.read(), line])

    def keep_until(self, epoch: int, step: int) -> None:
        """Remove the lines after `epoch`; those in the midst of an epoch, after `step`."""

        def is_kept(line: dict[str, Any]) -> bool:
            return bool(line["step"] <= step if "step" in line else line["epoch"] <= epoch)

        self.write([line for line in self.read() if is_kept(line)])

    def write(self, lines: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
        files.write_text(self.path, text)


def refuse_constant(name: str) -> None:
    """Refuse NaN and infinity, which Python accepts and JSON does not have."""
    raise ValueError(f"{name} is not a number in JSON")
