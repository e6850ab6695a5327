"""How a training begins: what it does not use is said."""

from pathlib import Path

import pytest

from tests.small_log import SMALL, run

pytestmark = pytest.mark.usefixtures("small_log")


def test_features_that_the_model_does_not_read_are_said() -> None:
    run("prepare", "log.csv", "--items-file", "items.csv", "--min-value-count", "1")
    said = run("train", "--config", "toy.yaml", *SMALL)
    assert "sasrec does not read the features of `log` (items' category)" in said
    assert "`--set model.item_features=true` makes it read those of items; two_tower does" in said
    added = run("train", "--config", "toy.yaml", *SMALL, "--set", "model.item_features=true")
    assert "does not read" not in added
    assert "does not read" not in run("train", "--config", "two.yaml", *SMALL)


def test_a_linear_model_says_what_makes_it_read_them() -> None:
    run("prepare", "log.csv", "--items-file", "items.csv", "--min-value-count", "1")
    train = ("train", "--config", "linear", "--data", "log", "--set", "training.grid={}")
    said = run(*train)
    assert "`--set model.alike=30` makes it read categories and tags of items; two_tower" in said
    assert "does not read" not in run(*train, "--set", "model.alike=30")


def test_numbers_are_not_read_by_what_makes_items_alike() -> None:
    lines = [f"i{i},c{i % 2},{i}.5" for i in range(6)]
    Path("items.csv").write_text("item,category,price\n" + "\n".join(lines) + "\n")
    kinds = "category=sparse,price=dense"
    prepare = ("prepare", "log.csv", "--items-file", "items.csv", "--item-features", kinds)
    run(*prepare, "--min-value-count", "1")
    train = ("train", "--config", "linear", "--data", "log", "--set", "training.grid={}")
    said = run(*train, "--set", "model.alike=30")
    assert "linear does not read the features of `log` (items' price); two_tower does" in said


def test_without_features_nothing_is_said_of_them() -> None:
    run("prepare", "log.csv")
    assert "does not read" not in run("train", "--config", "toy.yaml", *SMALL)


def test_vectors_that_the_model_does_not_read_are_said_with_what_reads_them() -> None:
    ids = [f"i{n}" for n in range(9)]
    Path("v.csv").write_text("".join(f"{each},{n},1\n" for n, each in enumerate(ids)))
    run(
        "prepare",
        "log.csv",
        "--items-file",
        "items.csv",
        "--item-vectors",
        "v.csv",
        "--min-value-count",
        "1",
    )
    said = run("train", "--config", "toy.yaml", *SMALL)
    assert "sasrec does not read the vectors of the items of `log`" in said
    assert "does not read the features" in said
    assert "`--set model.item_vectors=added` makes it read them" in said
    added = run("train", "--config", "toy.yaml", *SMALL, "--set", "model.item_vectors=added")
    assert "does not read the vectors" not in added
    assert "does not read the features" in added
    towers = run("train", "--config", "two.yaml", *SMALL)
    assert "`--set model.history.item_vectors=added` makes it read them" in towers
    added = run(
        "train", "--config", "two.yaml", *SMALL, "--set", "model.history.item_vectors=added"
    )
    assert "does not read" not in added
