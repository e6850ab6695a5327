"""The figures of baselines, kept beside the dataset, so that they are computed once.

They depend on the dataset, the protocol and the code; all three are in the key. The file is a
convenience: where it cannot be read or written the baselines are computed.
"""

import contextlib
import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqrec_cli.core.evaluation.report import EvaluationProtocol
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.storage import files, foreign
from seqrec_cli.errors import SeqRecError

CORE = Path(__file__).parents[1]
# The code that the figures are of; a change of it makes them anew.
CODE = ("models", "evaluation", "inference")
MOST = 20  # protocols that are remembered

Figures = dict[str, dict[str, Figure]]


def place_of(data_path: Path) -> Path:
    """The file beside the dataset at `data_path` (the npz)."""
    return data_path.with_name(f".{data_path.stem}.baselines.json")


def key_of(data_sha256: str, protocol: EvaluationProtocol) -> str:
    """A digest of everything that the figures depend on."""
    digest = hashlib.sha256(f"{data_sha256} {sorted(asdict(protocol).items())}".encode())
    for name in CODE:
        for file in sorted((CORE / name).glob("*.py")):
            digest.update(foreign.read_bytes(file, follow=True))
    return digest.hexdigest()


def remembered(data_path: Path, data_sha256: str, protocol: EvaluationProtocol) -> Figures | None:
    """The figures of the baselines, by name; None where they are not known."""
    found: Any = read_figures(place_of(data_path)).get(key_of(data_sha256, protocol))
    try:
        return {
            name: {metric: figure_of(values) for metric, values in by_metric.items()}
            for name, by_metric in found.items()
        }
    except (AttributeError, TypeError, ValueError):
        return None


def figure_of(values: Any) -> Figure:
    """A figure as read from a file."""
    mean, low, high = (float(value) for value in values)
    if not all(map(math.isfinite, (mean, low, high))):
        raise ValueError("not finite")
    return Figure(mean, low, high)


def remember(
    data_path: Path,
    data_sha256: str,
    protocol: EvaluationProtocol,
    figures: Mapping[str, Mapping[str, Figure]],
) -> None:
    """Keep the figures of the baselines for the next evaluation."""
    path = place_of(data_path)
    content = read_figures(path)
    content[key_of(data_sha256, protocol)] = {
        name: {metric: [f.mean, f.low, f.high] for metric, f in by_metric.items()}
        for name, by_metric in figures.items()
    }
    newest = dict(list(content.items())[-MOST:])
    with contextlib.suppress(SeqRecError, OSError):  # a folder that cannot be written to
        files.remove_leftovers(path.parent, path.name)
        files.write_json(path, newest)


def read_figures(path: Path) -> dict[str, Any]:
    """The content of the file; empty if there is none, or if it is damaged."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        content = foreign.read_json(path)
        return content if isinstance(content, dict) else {}
    return {}
