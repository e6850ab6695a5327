"""The recurrences that are exported compute those of the layers, in torch and in onnxruntime."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from seqrec_cli.core.inference.onnx_graphs import graph_bytes, session_of
from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.portable import PortableGatedUnit, PortableGRU, update_first


def test_the_order_of_gates() -> None:
    assert update_first(torch.arange(6)).tolist() == [2, 3, 0, 1, 4, 5]


def recurrences() -> list[tuple[Any, Any, int]]:
    """What is exported, what it is made of, and how many inputs it has."""
    torch.manual_seed(0)
    gru, generator = nn.GRU(3, 4), torch.Generator().manual_seed(0)
    found: list[tuple[Any, Any, int]] = [
        (PortableGRU(gru), lambda x: gru(x.transpose(0, 1))[0].transpose(0, 1), 1)
    ]
    for replaced in (False, True):
        unit = GatedUnit(3, 4, generator, replaced)
        nn.init.uniform_(unit.bias, -0.5, 0.5, generator)
        found.append((PortableGatedUnit(unit), unit, 2))
    return found


@pytest.mark.parametrize(("portable", "layer", "inputs"), recurrences(), ids=["gru", "u", "a"])
@torch.no_grad()
def test_is_the_layer(portable: Any, layer: Any, inputs: int) -> None:
    given = (torch.randn(5, 7, 3), torch.rand(5, 7))[:inputs]
    torch.testing.assert_close(portable(*given), layer(*given))


@pytest.mark.slow
@pytest.mark.parametrize(("portable", "layer", "inputs"), recurrences(), ids=["gru", "u", "a"])
@torch.no_grad()
def test_is_exported_for_every_length(portable: Any, layer: Any, inputs: int) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    names = ["x", "scale"][:inputs]
    example = dict(zip(names, (torch.rand(2, 3, 3), torch.rand(2, 3)), strict=False))
    sizes = dict.fromkeys(names, ("batch", "length"))
    session = session_of(graph_bytes(portable.eval(), example, sizes, ["states"], 20))
    for rows, length in ((1, 1), (4, 2), (3, 20)):
        given = (torch.randn(rows, length, 3), torch.rand(rows, length))[:inputs]
        (found,) = session.run(None, {n: g.numpy() for n, g in zip(names, given, strict=True)})
        np.testing.assert_allclose(found, layer(*given).numpy(), atol=1e-5)
