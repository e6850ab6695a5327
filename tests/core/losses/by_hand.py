"""Losses by their names, of scores given as lists."""

import math
from typing import Any

import torch

from seqrec_cli.core.losses.full import SoftmaxSettings, softmax
from seqrec_cli.core.losses.interface import AllItems, Scores
from seqrec_cli.core.losses.registry import LOSSES


def loss_of(name: str, *scores: Any, num_items: int = 0, **settings: Any) -> torch.Tensor:
    """A loss of scores (positive, negatives, known, drawn[, log probabilities])."""
    loss = LOSSES[name]
    assert loss.of_scores is not None
    return loss.of_scores(
        Scores(*scores, num_items=num_items), loss.settings_class(name=name, **settings)
    )


def full(states: Any, table: Any, targets: Any, *rest: Any, smoothing: float = 0.0) -> torch.Tensor:
    """The softmax over a table, with `rest` = weights, excluded items, targets ahead."""
    inputs = AllItems(states, table, targets, *rest)
    return softmax(inputs, SoftmaxSettings(label_smoothing=smoothing))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
