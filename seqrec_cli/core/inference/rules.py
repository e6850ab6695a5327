"""Rules: which items may be recommended, and what their popularity costs them.

Every way from histories to lists (all scores, an index, two stages, an evaluation) takes the same
`Rules`, so that the price of a rule is measured on the path that serves it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.inference.recent import Since


@dataclass(frozen=True, eq=False)
class Rules:
    """What a list may have, for all histories alike.

    Attributes:
        allowed: bool (N + 1,), the items that may be recommended; None: all.
        penalty: float32 (N + 1,), what is subtracted from each item's score; None: nothing.
        since: from when on seen items are left out; None: all are, or none.
        account: the rules in words and counts, for whoever reads a figure made under them.
    """

    allowed: Tensor | None = None
    penalty: Tensor | None = None
    since: Since | None = None
    account: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        allowed: NDArray[np.bool_] | None,
        penalty: NDArray[np.float64] | None = None,
        since: Since | None = None,
        account: Mapping[str, Any] | None = None,
    ) -> "Rules | None":
        """The rules for items 1 to N, `allowed` bool (N,) and `penalty` float (N,); None where
        there are none.
        """
        if allowed is not None and allowed.all():
            allowed = None
        if allowed is None and penalty is None and since is None and not account:
            return None
        return cls(
            None if allowed is None else torch.from_numpy(np.append(False, allowed)),
            None if penalty is None else torch.from_numpy(np.append(0, penalty)).float(),
            since,
            account or {},
        )

    def apply(self, scores: Tensor) -> None:
        """Change the scores (B, N + 1) in place: subtract the penalty, -inf for what is left
        out."""
        if self.penalty is not None:
            scores.sub_(self.penalty)
        if self.allowed is not None:
            scores.masked_fill_(~self.allowed, -torch.inf)

    def leave_out(self, items: NDArray[Any]) -> NDArray[np.bool_]:
        """Which items, of any shape, may not be recommended; padding counts as left out."""
        if self.allowed is None:
            return np.asarray(items == PAD)
        return np.asarray(~self.allowed.numpy()[items])

    def fingerprint(self) -> str:
        """A digest of what they change."""
        digest = hashlib.sha256()
        for tensor in (self.allowed, self.penalty):
            digest.update(b"-" if tensor is None else tensor.numpy().tobytes())
        return digest.hexdigest()

    def share_left(self, num_items: int) -> float:
        """The share of the catalogue that may be recommended."""
        return 1.0 if self.allowed is None else int(self.allowed.sum()) / num_items


def popularity_penalty(counts: NDArray[np.int64], weight: float) -> NDArray[np.float64]:
    """`weight` times the logarithm of 1 + train count of each item, float64 (N,)."""
    return np.asarray(weight * np.log1p(counts))


def with_prior(rules: Rules | None, counts: NDArray[np.int64], weight: float) -> Rules:
    """The rules, under which `weight` times the logarithm of 1 + train count (N,) is added to each
    item's score: the opposite of a penalty."""
    rules = rules or Rules()
    added = torch.from_numpy(np.append(0, popularity_penalty(counts, weight))).float()
    penalty = torch.zeros_like(added) if rules.penalty is None else rules.penalty
    return replace(rules, penalty=penalty - added)
