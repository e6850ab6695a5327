"""Similar items: those whose vectors point the same way, or what followed in the log.

Both are scorers of a history of one item, so lists come by the same path as recommendations, under
the same rules and with the same index; the item itself is seen, and left out.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Catalogue, Names, find_one
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig
from seqrec_cli.errors import InputError

# Weight of popularity in what followed, in occurrences: less than beside a model, whose histories
# have more than one item to go by.
SMOOTHING = 10.0


class Cosine(ModelScorer):
    """The cosine of the vectors of items, of a model that scores by dot products.

    The counts of transitions that a run may add to its scores are no vectors, and play no part.
    """

    def __init__(self, scorer: ModelScorer) -> None:
        super().__init__(scorer.model, scorer.num_items, scorer.device)
        self.max_length = 1
        self.table = F.normalize(scorer.item_vectors().float(), dim=1)

    def history_vectors(self, histories: Sequences) -> Tensor:
        """The vectors of the newest items, float (B, D), of length 1."""
        newest = histories.items[histories.offsets[1:] - 1].astype(np.int64)
        return self.item_vectors()[torch.from_numpy(newest).to(self.device)]


def followers(train: Sequences, num_items: int) -> Transitions:
    """A scorer by what came right after an item: the logarithm of its probability."""
    return Transitions(train, num_items, TransitionsConfig(lags=1, smoothing=SMOOTHING))


def named_items(catalogue: Catalogue, texts: list[str]) -> NDArray[np.int64]:
    """The items with these ids or titles, int64.

    Raises:
        InputError: there is none, or there are several; the hint names the most similar.
    """
    names, items = Names.of_items(catalogue), []
    for text in texts:
        index = find_one(names, text.strip())
        if index is None:
            raise InputError(
                f"there is no item `{text}` in the catalogue",
                f"did you mean {', '.join(f'`{near}`' for near in names.nearest(text.strip()))}?",
            )
        items.append(index + 1)
    return np.array(items, np.int64)


def histories_of_one(items: NDArray[np.int64]) -> Sequences:
    """A history of one item for each of `items`."""
    return Sequences(np.arange(len(items) + 1), items.astype(np.int32))
