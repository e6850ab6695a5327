"""How a training begins: what it does not use is said."""

import pytest

from tests.small_log import SMALL, run

pytestmark = pytest.mark.usefixtures("small_log")


def test_features_that_the_model_does_not_read_are_said() -> None:
    run("prepare", "log.csv", "--items-file", "items.csv", "--min-value-count", "1")
    said = run("train", "--config", "toy.yaml", *SMALL)
    assert "sasrec does not read the features of `log` (items' category)" in said
    assert "two_tower does: `--config two-tower`" in said
    assert "does not read" not in run("train", "--config", "two.yaml", *SMALL)


def test_without_features_nothing_is_said_of_them() -> None:
    run("prepare", "log.csv")
    assert "does not read" not in run("train", "--config", "toy.yaml", *SMALL)
