"""A share of a table's rows is that of the whole table, to the bit."""

import pytest
import torch
from torch import nn

from seqrec_cli.core.models import shards
from seqrec_cli.core.models.sequential.registry import MODELS, build_model
from seqrec_cli.core.models.shards import (
    Shard,
    ShardedEmbedding,
    blocks_to_draw,
    item_embedding,
    sharing,
)
from seqrec_cli.core.randomness import Purpose, torch_stream


@pytest.mark.parametrize("name", ["sasrec", "gru4rec"])
@pytest.mark.parametrize("num_items", [5, 63, 64, 300])
def test_shards_of_a_model_are_rows_of_the_whole(
    name: str, num_items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "DRAWN", 64)
    own = {"item_bias": True} if name == "gru4rec" else {"blocks": 1}
    settings = MODELS[name].settings_class(hidden=6, max_length=7, tied=False, **own)

    def build(shard: Shard | None) -> dict[str, torch.Tensor]:
        with sharing(shard):
            weights = build_model(settings, num_items, torch_stream(3, Purpose.WEIGHTS))
        return dict(weights.state_dict())

    whole = build(None)
    for rank in range(3):
        part = build(Shard(rank, 3))
        assert part.keys() == whole.keys()
        for key, tensor in whole.items():
            is_table = key.split(".")[0] in ("items", "outputs", "biases")
            expected = tensor[rank::3] if is_table else tensor
            assert torch.equal(part[key], expected), key


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (70, 1), (128, 1), (129, 1), (200, 64)])
def test_a_last_block_is_never_drawn_singly(
    rows: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "DRAWN", 64)
    blocks = blocks_to_draw(rows, columns)
    assert [start for start, _ in blocks] == [0, *(stop for _, stop in blocks)][: len(blocks)]
    assert blocks[-1][1] == rows
    if rows * columns >= 16:
        assert all((stop - start) * columns >= 16 for start, stop in blocks)


def test_the_shards_have_every_row_once() -> None:
    assert sum(Shard(rank, 4).count(10) for rank in range(4)) == 10
    assert [Shard(rank, 4).count(10) for rank in range(4)] == [3, 3, 2, 2]


def test_without_sharing_a_table_is_whole() -> None:
    with sharing(Shard(1, 2)):
        part = item_embedding(10, 4, 0)
    whole = item_embedding(10, 4, 0)
    assert isinstance(part, ShardedEmbedding)
    assert (part.num_embeddings, part.weight.shape) == (10, (5, 4))
    assert type(whole) is nn.Embedding
    assert whole.weight.shape == (10, 4)
