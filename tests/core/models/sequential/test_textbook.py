"""The plain modules against the models on packed histories, for every way a block is built."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.retrieval import exact_top
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from seqrec_cli.core.models.sequential.textbook import textbook
from seqrec_cli.core.models.sequential.two_tower import TwoTower, TwoTowerConfig
from seqrec_cli.errors import ConfigError
from tests.core.models.conftest import NUM_ITEMS, features, user_features

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
        {"norm": "pre", "block": "ligr", "convolution": 2},
        {"norm": "pre", "block": "ligr", "recurrent": 6},
        {"norm": "sasrec", "padding": "zeros"},
        {"norm": "post", "padding": "states", "heads": 2},
    ]
    recurrent: list[dict[str, Any]] = [
        {},
        {"units": 6, "layers": 2, "tied": False},
        {"item_bias": True},
    ]
    towers: list[dict[str, Any]] = [
        {"history": {"name": "gru4rec", **sizes}, "output": 5},
        {"history": {"name": "sasrec", **sizes}, "output": 5, "user_layers": [7]},
    ]
    return [
        *(SASRec(ITEMS, SASRecConfig(**sizes, **kind), generator) for kind in kinds),
        *(GRU4Rec(ITEMS, GRU4RecConfig(**sizes, **kind), generator) for kind in recurrent),
        *(TwoTower(ITEMS, TwoTowerConfig(**kind), generator) for kind in towers),
    ]


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_scores_and_lists_are_the_models(model: Any) -> None:
    for parameter in model.parameters():
        if parameter.ndim == 1 or not parameter.any():
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
    # Under rules, and where fewer are left than asked for.
    rules = Rules.of(np.arange(ITEMS) % 3 > 0)
    assert rules is not None
    with torch.no_grad():
        items, _ = textbook(model, ITEMS, "exclude", allowed=rules.allowed)(padded(histories))
    expected, _ = exact_top(scorer, packed, ITEMS, "exclude", rules)
    assert items.tolist() == expected.tolist()


def test_the_features_of_users_count() -> None:
    told, random = features(), np.random.default_rng(0)
    config = TwoTowerConfig(history={"name": "gru4rec", "hidden": 8, "max_length": 6})
    generator = torch.Generator().manual_seed(0)
    model = TwoTower(NUM_ITEMS, config, generator, told)
    people = user_features()
    lists = [random.integers(1, NUM_ITEMS + 1, 1 + n).tolist() for n in range(len(people))]
    plain = Sequences.from_lists(lists)
    scorer = ModelScorer(model, NUM_ITEMS)
    module = textbook(model, 0, "include", people)
    assert module.reads_users
    with torch.no_grad():
        known = module(padded(lists), torch.arange(len(people)) + 1)
        unknown = module(padded(lists), torch.zeros(len(people), dtype=torch.int64))
    of_people = Sequences(plain.offsets, plain.items, people)
    torch.testing.assert_close(known, scorer.score(of_people), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(unknown, scorer.score(plain), atol=1e-5, rtol=1e-5)
    assert (known - unknown).abs().max() > 1e-3


def test_what_has_no_plain_module_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be exported"):
        textbook(torch.nn.Linear(1, 1), 0, "include")
