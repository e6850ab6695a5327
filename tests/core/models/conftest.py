"""Models of every kind and variant, small, with features of every kind."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.attributes import Attributes, Side
from seqrec_cli.core.data.features.encoded import EncodedFeatures, Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.encoding import EncodedSide, encode_side
from seqrec_cli.core.data.features.kinds import Encoding, Kind
from seqrec_cli.core.models.sequential.registry import MODELS, build_model
from tests.core.models.ordinary import PLAIN, register

NUM_ITEMS = 20


def side_of(side: Side, rows: int) -> EncodedSide:
    """Features of every kind for so many users or items."""
    random = np.random.default_rng(rows)
    attributes = Attributes(
        "x.csv",
        [str(row) for row in range(rows)],
        {
            "n": random.normal(size=rows).astype(str).tolist(),
            "c": random.choice(["red", "green", "blue"], rows).tolist(),
            "t": random.choice(["a|b", "b", "", "a|b|c"], rows).tolist(),
        },
    )
    kinds: dict[str, Kind] = {"n": "dense", "c": "sparse", "t": "tags"}
    encoding = Encoding(user_kinds=kinds, item_kinds=kinds, min_value_count=1)
    encoded = encode_side(side, attributes, np.arange(rows), np.ones(rows, np.bool_), encoding)
    assert encoded is not None
    return encoded


def user_features() -> EncodedFeatures:
    """The features of 5 users."""
    return side_of("user", 5).features.take(np.arange(5))


def features(num_items: int = NUM_ITEMS) -> Features:
    """Features of 5 users and all items, of which the last is not trained on."""
    users, items = side_of("user", 5), side_of("item", num_items)
    encoders = Encoders(users.encoders.columns + items.encoders.columns)
    rows = items.features.take(np.arange(num_items))
    return Features(encoders, rows, np.arange(num_items) < num_items - 1)


# The models that read histories alone.
READERS = [name for name in MODELS.ours if not MODELS[name].settings_class.reads_users]


# Each model of the registry as it is by default, and in what else it can be made of.
VARIANTS: list[dict[str, Any]] = [
    *({"name": name} for name in sorted(READERS)),
    {"name": "sasrec", "block": "ligr", "norm": "pre", "expansion": 4, "heads": 2},
    {"name": "sasrec", "padding": "zeros", "heads": 2},
    {"name": "sasrec", "padding": "states", "norm": "post"},
    {"name": "sasrec", "block": "ligr", "norm": "pre", "convolution": 2},
    {"name": "sasrec", "block": "ligr", "norm": "pre", "recurrent": 6},
    {"name": "gru4rec", "layers": 2, "units": 12},
    {"name": "gru4rec", "item_bias": True, "tied": False},
    {"name": "two_tower", "history": "gru4rec"},
    {"name": "two_tower", "history": "sasrec", "user_layers": [9], "item_layers": [9, 7]},
    {"name": "two_tower", "history": "gru4rec", "pooling": "max", "normalize": False},
    {"name": "two_tower", "history": "transformer"},
    *({"name": name} for name in PLAIN),
]


@pytest.fixture(autouse=True)
def ordinary_models(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


@pytest.fixture(params=VARIANTS, ids=lambda settings: "-".join(map(str, settings.values())))
def config(request: pytest.FixtureRequest) -> Any:
    return small(**request.param)


def small(name: str, **settings: Any) -> Any:
    sizes = {"hidden": 8, "max_length": 6}
    if name in READERS or name in PLAIN:
        return MODELS[name].settings_class(**sizes, **settings)
    history = {"name": settings.pop("history", "sasrec"), **sizes}
    return MODELS[name].settings_class(history=history, output=8, **settings)


@pytest.fixture
def model(config: Any) -> Any:
    return build_model(config, NUM_ITEMS, torch.Generator().manual_seed(0), features()).eval()
