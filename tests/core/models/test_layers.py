"""Pooling against loops, padding, and the weights that models begin with."""

import numpy as np
import pytest
import torch
from torch import nn

from seqrec_cli.core.inference.onnx_graphs import graph_bytes, session_of
from seqrec_cli.core.models.layers import init_weights, pool, rows_at

POOLED = {"mean": lambda x: x.mean(0), "sum": lambda x: x.sum(0), "max": lambda x: x.amax(0)}


@pytest.mark.parametrize("how", POOLED)
@pytest.mark.parametrize("width", [0, 1, 5])
def test_pooling_is_that_of_the_vectors_that_count(how: str, width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    vectors = torch.randn(7, width, 3, generator=generator)
    real = torch.rand(7, width, generator=generator) > 0.5
    if width:
        real[0] = False
    found = pool(vectors, real, how)  # type: ignore[arg-type]
    for row in range(7):
        own = vectors[row][real[row]]
        expected = POOLED[how](own) if len(own) else torch.zeros(3)
        torch.testing.assert_close(found[row], expected)


def test_weights_begin_as_glorot_and_bengio_say_and_padding_at_zero() -> None:
    model = nn.ModuleDict(
        {
            "table": nn.Embedding(400, 50, padding_idx=0),
            "linear": nn.Linear(300, 100),
            "gru": nn.GRU(60, 40),
        }
    )
    init_weights(model, torch.Generator().manual_seed(0))
    weights = dict(model.named_parameters())
    assert weights["table.weight"][0].abs().max() == 0
    assert float(weights["linear.weight"].detach().std()) == pytest.approx(
        (2 / 400) ** 0.5, rel=0.03
    )
    assert float(weights["table.weight"].detach()[1:].std()) == pytest.approx(
        (2 / 450) ** 0.5, rel=0.03
    )
    for name, values in weights.items():
        assert ("bias" in name) == (values.abs().max() == 0), name
    again = nn.Linear(300, 100)
    init_weights(again, torch.Generator().manual_seed(1))
    first = nn.Linear(300, 100)
    init_weights(first, torch.Generator().manual_seed(1))
    assert torch.equal(first.weight, again.weight)


@pytest.mark.slow
def test_a_table_without_columns_is_exported_too() -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")

    class Rows(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("empty", torch.zeros(9, 0))
            self.register_buffer("full", torch.arange(18.0).view(9, 2))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return torch.cat([rows_at(self.empty, ids), rows_at(self.full, ids)], 1)  # type: ignore[arg-type]

    made = graph_bytes(Rows(), {"ids": torch.tensor([0, 1])}, {"ids": ("batch",)}, ["rows"], 9)
    (found,) = session_of(made).run(None, {"ids": np.array([8, 3, 0])})
    assert found.tolist() == [[16, 17], [6, 7], [0, 1]]
