"""The newest states alone are those of all positions, but for rounding."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.packing import pack
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models.sequential.registry import MODELS, build_model

KINDS: dict[str, dict[str, Any]] = {
    "sasrec": {"norm": "sasrec"},
    "post": {"norm": "post"},
    "pre, two heads": {"norm": "pre", "heads": 2},
    "three layers": {"norm": "pre", "blocks": 3},
    "one layer": {"norm": "pre", "blocks": 1},
    "ligr": {"norm": "pre", "block": "ligr"},
    "ligr with a convolution": {"norm": "pre", "block": "ligr", "convolution": 3, "heads": 2},
    "ligr with a recurrent layer": {"norm": "pre", "block": "ligr", "recurrent": 5},
    "padding that is read": {"norm": "post", "padding": "zeros"},
}


def histories(*lengths: int) -> Sequences:
    draw = np.random.default_rng(0)
    return Sequences.from_lists([draw.integers(1, 40, length).tolist() for length in lengths])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fill", [0.0, 0.8])
def test_the_newest_states_are_those_of_all(kind: str, fill: float) -> None:
    settings = MODELS["sasrec"].settings_class(hidden=8, max_length=12, dropout=0.5, **KINDS[kind])
    model: Any = build_model(settings, 40, torch.Generator().manual_seed(1), None).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "mix" in name or "bias" in name:  # they begin as zeros
                torch.nn.init.normal_(weights, generator=generator)
        batch = pack(histories(5, 1, 30, 2, 12, 7, 3, 11, 4, 1), 12, fill)
        expected = model.encode(batch)[batch.last]
        found = model.encode_newest(batch)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
