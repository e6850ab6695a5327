"""A small shop to work in: a log with times, a table of its items, and finished runs."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner, Result

from seqrec_cli.app import app

USERS, ITEMS, NEW = 40, 30, 3
CONFIG = """\
data: shop
model: {hidden: 8, blocks: 1, heads: 1, max_length: 8}
training: {epochs: 3, batch_size: 16, validate_every: 3, lr: 0.02}
"""
CATEGORIES = ("shoes", "hats", "coats")
SHOE = CATEGORIES[0]
DAY = 86_400
START = 1_700_000_000


def item(number: int) -> dict[str, Any]:
    """What the shop knows of an item; the last NEW of them nobody has."""
    return {
        "sku": f"item {number:02}",
        "title": f"Thing {number} (19{number:02})",
        "category": CATEGORIES[number % 3] if number % 7 else "",
        "price": f"{number * 1.5:g}",
        "in_stock": "true" if number % 2 else "false",
        "topics": "red|blue" if number % 4 == 0 else "red" if number % 4 == 1 else "",
    }


def is_shoe(row: dict[str, Any]) -> bool:
    return bool(row["category"] == SHOE)


def build(folder: Path) -> None:
    """Make the folder: shop.csv, items.csv, data/shop.npz and runs/one."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(USERS):
        start, step = int(random.integers(ITEMS)), int(random.integers(1, 4))
        for at in range(int(random.integers(6, 14))):
            when = START + at * 5 * DAY + user
            rows.append((f"u{user}", item((start + at * step) % ITEMS)["sku"], when))
    rows += [("once", item(1)["sku"], START), ("once", item(2)["sku"], START + 1)]
    write(folder / "shop.csv", ("user", "sku", "time"), rows)
    table = [item(number) for number in range(ITEMS + NEW)]
    write(folder / "items.csv", tuple(table[0]), [tuple(row.values()) for row in table])
    (folder / "toy.yaml").write_text(CONFIG)
    before = Path.cwd()
    os.chdir(folder)
    try:
        prepare = ("prepare", "shop.csv", "--items-file", "items.csv", "--min-user-count", "3")
        for arguments in (
            (*prepare, "--new-items"),
            ("train", "--config", "toy.yaml", "--run", "one", "--device", "cpu"),
        ):
            result = invoke(*arguments)
            assert result.exit_code == 0, result.output
    finally:
        os.chdir(before)


def write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def invoke(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def said(*arguments: str, code: int = 0) -> str:
    """What a command prints on stderr."""
    result = invoke(*arguments)
    assert result.exit_code == code, result.output
    return result.stderr


def plain(*arguments: str) -> Any:
    """What a command prints with --json."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


ALL = {row["sku"]: row for row in map(item, range(ITEMS + NEW))}


def lists(*arguments: str, topk: int = 999) -> dict[str, list[tuple[str, float]]]:
    """The recommendations by user: items and scores, of the users u0 to u9."""
    users = [piece for n in range(10) for piece in ("--user", f"u{n}")]
    rows = plain("recommend", "--run", "one", *users, "--topk", str(topk), *arguments)
    return {row["user"]: [(i["item"], i["score"]) for i in row["items"]] for row in rows}
