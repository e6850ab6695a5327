"""What must hold of every sequence model, whatever its weights are: ours and ordinary modules."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.packing import pack
from seqrec_cli.core.data.features.encoded import EncodedFeatures, Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.encoding import EncodedSide, encode_side
from seqrec_cli.core.data.features.kinds import Encoding, Kind
from seqrec_cli.core.data.reading.attributes import Attributes
from seqrec_cli.core.data.reading.sheets import Side
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models.sequential.plain import PlainSequenceModel
from seqrec_cli.core.models.sequential.registry import MODELS, build_model
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
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
READERS = [name for name in MODELS.ours if not MODELS[name].settings_class.reads_features]

# Each model of the registry as it is by default, and in what else it can be made of.
VARIANTS: list[dict[str, Any]] = [
    *({"name": name} for name in sorted(READERS)),
    {"name": "sasrec", "block": "ligr", "norm": "pre", "expansion": 4, "heads": 2},
    {"name": "sasrec", "block": "ligr", "norm": "pre", "convolution": 2},
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


def test_maps_each_position_to_a_state(model: Any) -> None:
    states = model(torch.randint(1, NUM_ITEMS + 1, (4, 6)))
    assert states.shape[:2] == (4, 6)
    assert model.score(states[:, -1]).shape == (4, NUM_ITEMS + 1)
    assert model.score(states[:, -1], torch.tensor([[3, 1]] * 4)).shape == (4, 2)


def test_does_not_see_the_future(model: Any) -> None:
    seen, changed = torch.tensor([[1, 2, 3, 4, 5, 6]]), torch.tensor([[1, 2, 3, 9, 9, 9]])
    torch.testing.assert_close(model(seen)[:, :3], model(changed)[:, :3])
    for later in range(3, 6):
        assert not torch.allclose(model(seen)[:, later], model(changed)[:, later])


def test_sees_the_whole_past(model: Any) -> None:
    first = [model(torch.tensor([[item, 2, 3, 4, 5, 6]]))[:, -1] for item in (1, 20)]
    assert not torch.allclose(first[0], first[1], atol=1e-7)


def test_ignores_padding_on_the_left(model: Any) -> None:
    short, padded = torch.tensor([[7, 8, 9]]), torch.tensor([[0, 0, 0, 7, 8, 9]])
    torch.testing.assert_close(model(short), model(padded)[:, 3:])
    if not isinstance(model, PlainSequenceModel):
        assert model(padded)[:, :3].abs().max() == 0


def test_padding_alone_gives_finite_states(model: Any) -> None:
    assert torch.isfinite(model(torch.zeros(2, 6, dtype=torch.int64))).all()


def test_a_history_alone_is_as_in_a_batch(model: Any) -> None:
    batch = torch.tensor([[0, 0, 0, 0, 0, 4], [1, 2, 3, 4, 5, 6], [0, 0, 9, 9, 1, 2]])
    together = model(batch)
    for row in range(3):
        torch.testing.assert_close(model(batch[row : row + 1])[0], together[row])


def test_scoring_candidates_agrees_with_scoring_everything(model: Any) -> None:
    state = model(torch.tensor([[1, 2, 3]]))[:, -1]
    candidates = torch.tensor([[5, 1, 20]])
    torch.testing.assert_close(
        model.score(state, candidates), model.score(state).gather(1, candidates)
    )


def test_packed_histories_give_the_states_of_padded_ones(model: Any) -> None:
    lists = [[4], [1, 2, 3, 4, 5, 6], [9, 9, 1, 2], [8, 7], [3, 2, 1, 5, 6, 4]]
    batch = pack(Sequences.from_lists(lists), 6)
    newest = model.encode(batch)[batch.last]
    padded = torch.tensor([[0] * (6 - len(items)) + items for items in lists])
    torch.testing.assert_close(newest, model(padded)[:, -1])


def test_saved_weights_score_the_same(config: Any, model: Any, tmp_path: Path) -> None:
    save_tensors(tmp_path / "weights.safetensors", model.state_dict(), {})
    other = build_model(config, NUM_ITEMS, torch.Generator(), features()).eval()
    other.load_state_dict(load_tensors(tmp_path / "weights.safetensors")[0])
    history = torch.tensor([[1, 2, 3, 4]])
    torch.testing.assert_close(model(history), other(history), rtol=0, atol=0)


def test_same_generator_same_weights() -> None:
    for name in [*READERS, "two_tower", *PLAIN]:
        first, second = (
            build_model(small(name), NUM_ITEMS, torch.Generator().manual_seed(5), features())
            for _ in range(2)
        )
        for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
            assert torch.equal(a, b), name
        weights = first.item_vectors().detach().numpy()
        assert np.unique(weights).size > NUM_ITEMS


def test_item_vectors_are_what_states_are_multiplied_with(model: Any) -> None:
    state = model(torch.tensor([[1, 2, 3]]))[:, -1]
    torch.testing.assert_close(state @ model.item_vectors().T, model.score(state))
    ids = torch.tensor([[5, 1], [1, 20]])
    torch.testing.assert_close(model.item_vectors(ids), model.item_vectors()[ids])


def test_item_tables_are_named_among_the_weights(model: Any) -> None:
    weights = dict(model.named_parameters())
    assert model.tables
    for name in model.tables:
        assert weights[name].shape[0] == NUM_ITEMS + 1
    assert weights.keys() >= model.tables
