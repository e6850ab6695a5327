"""An ordinary torch module ranks: its dropout follows the noise that it is given."""

import torch
from torch import Tensor, nn

from seqrec_cli.core.batching.ranking import RankingBatch
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.plain import PlainRankingModel
from tests.core.models.ranking.batches import SIZES, random_batch

CPU = torch.device("cpu")


class Table(PlainRankingModel):
    """A logit an item, of which dropout leaves some."""

    def __init__(self) -> None:
        super().__init__()
        self.items = nn.Embedding(SIZES.items, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, batch: RankingBatch) -> Tensor:
        return self.dropout(self.items(batch.items)).squeeze(1)


def test_learns_what_forward_gives_with_the_dropout_of_the_noise() -> None:
    model, batch = Table(), random_batch(rows=60)
    logits = model.items.weight[batch.items, 0]
    first, other = model.learn(batch, Noise(0, 1, 1, 0, CPU))
    assert other is None
    assert ((first == 0) | torch.isclose(first, 2 * logits)).all()
    assert 10 < int((first == 0).sum()) < 50
    again, _ = model.learn(batch, Noise(0, 1, 1, 0, CPU))
    assert torch.equal(first, again)
    later, _ = model.learn(batch, Noise(0, 1, 2, 0, CPU))
    assert not torch.equal(first, later)


def test_the_noise_leaves_torchs_own_generator_as_it_was() -> None:
    before = torch.random.get_rng_state()
    Table().learn(random_batch(), None)
    model = Table()
    before = torch.random.get_rng_state()
    model.learn(random_batch(), Noise(0, 1, 1, 0, CPU))
    assert torch.equal(before, torch.random.get_rng_state())


def test_without_dropout_the_logits_are_those_of_forward() -> None:
    model, batch = Table().eval(), random_batch()
    logits, _ = model.learn(batch, None)
    torch.testing.assert_close(logits, model.items.weight[batch.items, 0])
