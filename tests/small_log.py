"""A small log to try commands with, its items, and two experiments."""

from pathlib import Path

from typer.testing import CliRunner

from seqrec_cli.app import app

LOG = "user,item,time\n" + "".join(
    f"u{u},i{(u + t) % 6},{1_640_000_000 + 20_000_000 * t + u}\n"
    for u in range(12)
    for t in range(5)
)
ITEMS = "item,category\n" + "".join(f"i{i},c{i % 2}\n" for i in range(6))
SMALL = ["--set", "training.epochs=1", "--device", "cpu"]
CONFIG = """\
data: log
model: {hidden: 8, blocks: 1, heads: 1, max_length: 6}
training: {epochs: 1, batch_size: 8, validate_every: 1}
"""
TOWERS = """\
data: log
model: {name: two_tower, history: {name: gru4rec, hidden: 8}, output: 8}
training: {epochs: 1, batch_size: 8, validate_every: 1}
"""
FILES = {"log.csv": LOG, "items.csv": ITEMS, "toy.yaml": CONFIG, "two.yaml": TOWERS}


def write(folder: Path) -> None:
    """Write the files."""
    for name, text in FILES.items():
        (folder / name).write_text(text)


def run(*arguments: str, code: int = 0) -> str:
    """What a command prints on stderr."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stderr
