"""The plain modules against the models on packed histories, for every way a block is built."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.retrieval import exact_top
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from seqrec_cli.core.models.sequential.textbook import textbook
from seqrec_cli.errors import ConfigError

ITEMS, LENGTH = 30, 9


def padded(histories: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, histories))
    return torch.tensor([h + [0] * (longest - len(h)) for h in histories])


def models() -> list[Any]:
    generator = torch.Generator().manual_seed(3)
    sizes = {"hidden": 8, "max_length": LENGTH}
    kinds: list[dict[str, Any]] = [
        {"norm": "sasrec"},
        {"norm": "pre", "heads": 2},
        {"norm": "post", "tied": False},
        {"norm": "pre", "block": "ligr", "heads": 2, "expansion": 2},
    ]
    return [SASRec(ITEMS, SASRecConfig(**sizes, **kind), generator) for kind in kinds]


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_scores_and_lists_are_the_models(model: Any) -> None:
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, std=0.3)
    random = np.random.default_rng(0)
    histories = [random.integers(1, ITEMS + 1, n).tolist() for n in (1, 2, 5, 9, 9, 3)]
    scorer, packed = ModelScorer(model, ITEMS), Sequences.from_lists(histories)
    with torch.no_grad():
        scores = textbook(model, 0, "include")(padded(histories))
        items, values = textbook(model, 4, "exclude")(padded(histories))
    torch.testing.assert_close(scores, scorer.score(packed), atol=1e-5, rtol=1e-5)
    expected, expected_values = exact_top(scorer, packed, 4, "exclude")
    assert items.tolist() == expected.tolist()
    np.testing.assert_allclose(values.numpy(), expected_values, atol=1e-5)


def test_what_has_no_plain_module_is_refused() -> None:
    config = SASRecConfig(hidden=8, norm="pre", block="ligr", convolution=2, max_length=LENGTH)
    with pytest.raises(ConfigError, match="convolution"):
        textbook(SASRec(ITEMS, config), 0, "include")
    generator = torch.Generator().manual_seed(0)
    gru = GRU4Rec(ITEMS, GRU4RecConfig(hidden=8), generator)
    for model in (gru, torch.nn.Linear(1, 1)):
        with pytest.raises(ConfigError, match="cannot be exported"):
            textbook(model, 0, "include")
