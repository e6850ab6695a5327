"""What a loss is: a function of what it reads, beside the class of its settings.

Shapes: T targets, K negatives, D hidden size, N items. Masks are 1.0 where something counts and
0.0 elsewhere. Every loss is a mean over the targets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from seqrec_cli.core.settings.registry import NamedSettings


class LossSettings(NamedSettings):
    """The settings of a loss, which stand in the `training` part of an experiment."""

    @property
    def corrects_sampling(self) -> bool:
        """Whether the loss reads the log of each negative's probability."""
        return False

    @property
    def num_targets_ahead(self) -> int:
        """How many of the items after a target are targets too, for a loss over all items."""
        return 0

    @property
    def target_half_life(self) -> float | None:
        """Targets this many items before a history's last count half; None: all count alike."""
        return None


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of targets and of the negatives of each.

    Attributes:
        positive: of the targets, float32 (T,).
        negatives: of the negatives, float32 (T, K).
        known: where there is a target, (T,).
        drawn: where there is a negative, (T, K).
        log_probabilities: the log of each negative's probability in a draw, (T, K), or None.
        num_items: N.
    """

    positive: Tensor
    negatives: Tensor
    known: Tensor
    drawn: Tensor
    log_probabilities: Tensor | None = None
    num_items: int = 0


@dataclass(frozen=True, eq=False)
class SharedNegatives:
    """States with negatives that all targets share, before they are scored.

    Attributes:
        states: float32 (T, D).
        own: the vectors of the targets, float32 (T, D).
        others: the vectors of the negatives, float32 (K, D).
        targets: int64 (T,); 0 does not count.
        negatives: int64 (K,); one that is the target itself does not count for it.
        log_probabilities: the log of each negative's probability in a draw, (K,), or None.
    """

    states: Tensor
    own: Tensor
    others: Tensor
    targets: Tensor
    negatives: Tensor
    log_probabilities: Tensor | None = None


@dataclass(frozen=True, eq=False)
class AllItems:
    """States with the vectors of all items, before they are scored.

    Attributes:
        states: float32 (T, D).
        table: (N + 1, D).
        targets: int64 (T,); 0 does not count.
        weights: of the targets, (T,); None: 1 each.
        excluded_items: int64, the rows that are no candidates; None: row 0, padding, alone.
        ahead: int64 (T, A), the items that come after each target, the next first, which are
            targets too; 0 where the history has ended. None: none are.
    """

    states: Tensor
    table: Tensor
    targets: Tensor
    weights: Tensor | None = None
    excluded_items: Tensor | None = None
    ahead: Tensor | None = None


@dataclass(frozen=True)
class Loss:
    """A loss: the class of its settings, and its function. One of the first two is given.

    Attributes:
        settings_class: of its settings.
        of_scores: the loss of `Scores`, for a loss with sampled negatives.
        of_catalogue: the loss of a `Catalogue`, for a loss over all items.
        of_shared: a faster way to what `of_scores` gives where a batch shares its negatives.
    """

    settings_class: type[LossSettings]
    of_scores: Callable[[Scores, Any], Tensor] | None = None
    of_catalogue: Callable[[AllItems, Any], Tensor] | None = None
    of_shared: Callable[[SharedNegatives, Any], Tensor] | None = None

    def __post_init__(self) -> None:
        if (self.of_scores is None) == (self.of_catalogue is None):
            raise ValueError("a loss is a function of scores or of the catalogue, one of both")
