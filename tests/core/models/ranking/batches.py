"""A random batch of rows, one of them without a history."""

import torch

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import RankingBatch, Sizes

SIZES = Sizes(items=12, dense=1, sparse=(4, 3), tags=(6,))


def random_batch(rows: int = 6, length: int = 5, seed: int = 0) -> RankingBatch:
    """Rows of every length of history, the first of none; padding is on the right."""
    generator = torch.Generator().manual_seed(seed)

    def codes(most: int, *shape: int) -> torch.Tensor:
        return torch.randint(1, most, shape, generator=generator)

    mask = torch.arange(length) < (torch.arange(rows) % (length + 1))[:, None]
    return RankingBatch(
        items=codes(12, rows),
        features=FeatureTensors(
            dense=torch.rand(rows, 1, generator=generator),
            sparse=torch.stack((codes(4, rows), codes(3, rows)), dim=1),
            tags=(codes(6, rows, 3) * (torch.arange(3) < 2),),
        ),
        history=codes(12, rows, length) * mask,
        negatives=codes(12, rows, length) * mask,
        mask=mask,
    )
