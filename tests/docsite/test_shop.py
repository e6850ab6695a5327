"""The log of the documents is the same each time, and has an order that can be learnt."""

import subprocess
import sys
from pathlib import Path

from docsite.shop import NIGHT, SPORTS, VISITORS, events, products, visits, write_files
from tests.conftest import ROOT


def test_the_same_each_time_and_in_order() -> None:
    rows = visits()
    assert rows == visits()
    assert rows != visits(seed=1)
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert len({row[0] for row in rows}) == VISITORS


def test_the_next_thing_is_of_a_sport_of_the_last_three() -> None:
    sport_of = {each: sport for sport, things in SPORTS.items() for each in things.split(",")}
    histories: dict[str, list[str]] = {}
    for visitor, product, _ in visits():
        histories.setdefault(visitor, []).append(product)
    assert all(len(set(own)) == len(own) for own in histories.values())
    pairs = [
        sport_of[own[n]] in {sport_of[product] for product in own[n - 3 : n]}
        for own in histories.values()
        for n in range(3, len(own))
    ]
    assert 0.7 < sum(pairs) / len(pairs) < 0.95


def test_carts_follow_looks_and_purchases_carts() -> None:
    done: dict[tuple[str, str], list[str]] = {}
    for visitor, product, event, _ in events():
        done.setdefault((visitor, product), []).append(event)
    stages = ["view", "cart", "purchase"]
    assert all(own == stages[: len(own)] for own in done.values())
    counts = [sum(len(own) > at for own in done.values()) for at in range(3)]
    assert 0.35 < counts[1] / counts[0] < 0.45
    assert 0.4 < counts[2] / counts[1] < 0.6


def test_the_next_night_has_the_log_before_and_a_new_thing(tmp_path: Path) -> None:
    write_files(tmp_path)
    before, after = (
        (tmp_path / name).read_text().splitlines() for name in ("events.csv", "next/events.csv")
    )
    assert after[: len(before)] == before
    assert all(row.rsplit(",", 1)[1] >= NIGHT for row in after[len(before) :])
    assert not any(",tarp," in row for row in before)
    assert any(",tarp," in row for row in after)
    sold = {row[0] for row in products()}
    assert {row.split(",")[1] for row in after[1:]} <= sold


def test_the_command_that_the_documents_name_writes_them(tmp_path: Path) -> None:
    write_files(tmp_path)
    command = [sys.executable, "-m", "docsite", "files", str(tmp_path / "new/shop")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    for name in ("clicks.csv", "events.csv", "products.csv", "customers.txt", "next/events.csv"):
        assert (tmp_path / "new/shop" / name).read_bytes() == (tmp_path / name).read_bytes()
