"""What can go wrong on the user's side. A defect of ours is any other exception.

SeqRecError
├── InputError      a file or an id the user named: missing, unreadable, malformed, unknown
├── OutputError     a place we cannot write to
├── ConfigError     an experiment file or a setting
├── DatasetError    a prepared dataset that is missing, damaged or not the one expected
├── RunError        a run directory that is missing, incomplete, damaged or in use
├── TrainingError   a training that cannot go on
├── DownloadError   a named dataset that cannot be fetched (core/downloads.py)
├── ResultError     a figure that is below what was asked for
├── PluginError     an installed package whose model, loss or metric cannot be used
└── MissingExtra    an optional dependency that is not installed
"""

from typing import Any

# What each extra needs. The name of the package, as seqrec itself is not on the index.
REQUIREMENTS = {
    "ann": "usearch>=2.15",
    "cluster": "ray>=2.50",
    "onnx": 'onnx>=1.16" "onnxscript>=0.2" "onnxruntime>=1.20',
    "parquet": "pyarrow>=16",
    "plot": "matplotlib>=3.8",
    "remote": 'fsspec[http]>=2024.6" "s3fs>=2024.6',
    "report": 'matplotlib>=3.8" "jinja2>=3.1',
    "serve": 'fastapi>=0.115" "uvicorn>=0.52" "prometheus-client>=0.20',
    "spreadsheets": "python-calamine>=0.4",
    "tensorboard": "tensorboard>=2.16",
    "tune": "optuna>=4.2",
    "zstd": "zstandard>=0.22",
}
LONGEST = 1200  # characters of a sentence


class SeqRecError(Exception):
    """An error the user can fix: one sentence, and after it the remedy.

    `message` names the wrong value and its place; `hint` what to do, ideally a command to type.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = without_middle(message)
        self.hint = without_middle(hint)

    def __reduce__(self) -> tuple[Any, ...]:
        # For an engine that has it from another process: all of an error is its two sentences.
        return (remade, (type(self), self.message, self.hint))


def remade(kind: type[SeqRecError], message: str, hint: str) -> SeqRecError:
    """An error of some kind, as it was in another process."""
    error = SeqRecError.__new__(kind)
    SeqRecError.__init__(error, message, hint)
    return error


def without_middle(sentence: str) -> str:
    """A sentence without its middle where it is too long to read, as it may quote from files."""
    if len(sentence) <= LONGEST:
        return sentence
    return f"{sentence[: LONGEST * 2 // 3]} … {sentence[-LONGEST // 4 :]}"


class InputError(SeqRecError):
    """A file or an id the user named is missing, unreadable, malformed or unknown."""


class OutputError(SeqRecError):
    """A file cannot be written."""


class ConfigError(SeqRecError):
    """An experiment file or a setting is wrong."""


class DatasetError(SeqRecError):
    """A prepared dataset is missing, damaged or not the one expected."""


class RunError(SeqRecError):
    """A run directory is missing, incomplete, damaged or in use."""


class TrainingError(SeqRecError):
    """A training cannot go on."""


class ResultError(SeqRecError):
    """A figure is below what was asked for."""


class PluginError(SeqRecError):
    """An installed package offers a model, a loss or a metric that cannot be used."""


class MissingExtra(SeqRecError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package}, which is not installed",
            f'pip install "{REQUIREMENTS[extra]}" (the extra `{extra}` of seqrec)',
        )
