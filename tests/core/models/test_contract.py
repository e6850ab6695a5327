"""What must hold of every sequence model, whatever its weights are: ours and ordinary modules."""

from pathlib import Path
from typing import Any

import pytest
import torch

from seqrec_cli.core.batching.packing import pack
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models.sequential.interface import newest_states
from seqrec_cli.core.models.sequential.plain import PlainSequenceModel
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from tests.core.models.conftest import (
    NUM_ITEMS,
    features,
)
from tests.core.models.ordinary import register


@pytest.fixture(autouse=True)
def ordinary_models(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


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


def test_packed_histories_give_the_states_of_padded_ones(model: Any) -> None:
    lists = [[4], [1, 2, 3, 4, 5, 6], [9, 9, 1, 2], [8, 7], [3, 2, 1, 5, 6, 4]]
    batch = pack(Sequences.from_lists(lists), 6)
    newest = model.encode(batch)[batch.last]
    padded = torch.tensor([[0] * (6 - len(items)) + items for items in lists])
    torch.testing.assert_close(newest, model(padded)[:, -1])
    torch.testing.assert_close(newest_states(model, batch), newest)


def test_saved_weights_score_the_same(config: Any, model: Any, tmp_path: Path) -> None:
    save_tensors(tmp_path / "weights.safetensors", model.state_dict(), {})
    other = build_model(config, NUM_ITEMS, torch.Generator(), features()).eval()
    other.load_state_dict(load_tensors(tmp_path / "weights.safetensors")[0])
    history = torch.tensor([[1, 2, 3, 4]])
    torch.testing.assert_close(model(history), other(history), rtol=0, atol=0)
