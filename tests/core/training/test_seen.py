"""A training settles once whether seen items may be recommended, by the share of repeats."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data import sequences
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.seen import MANY_REPEATS, check_reachable, settle_seen
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import DatasetError
from tests.conftest import leave_one_out

LISTS = st.lists(st.lists(st.integers(1, 6), max_size=7), max_size=8)


def experiment(seen: str = "auto") -> Experiment:
    training = {"epochs": 20, "batch_size": 16, "validate_every": 10, "lr": 0.01}
    training |= {"loss": "softmax", "seen": seen}
    model = {"hidden": 16, "max_length": 12, "blocks": 1, "dropout": 0.0}
    return Experiment.model_validate({"model": model, "training": training})


def players(count: int = 60) -> SequenceDataset:
    """Everybody plays three items of their own in turn, again and again."""
    return leave_one_out([[3 * (u % 5) + t % 3 + 1 for t in range(12)] for u in range(count)], 15)


@settings(max_examples=100, deadline=None)
@given(LISTS, st.sampled_from([1, 3, 1 << 22]), st.sampled_from([1, 1 << 28]))
def test_repeats_are_those_that_a_loop_finds(
    lists: list[list[int]], block: int, spread: int
) -> None:
    # Far numbers need keys of 64 bits.
    lists = [[item * spread for item in own] for own in lists]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences, "REPEATS_BLOCK", block)
        found = Sequences.from_lists(lists).count_repeats()
    expected = sum(item in own[:place] for own in lists for place, item in enumerate(own))
    assert found == expected


@pytest.mark.parametrize("again", [4, 5, 6])
def test_a_tenth_of_repeats_decides(again: int) -> None:
    """50 interactions to learn from, of which some are repeats; the held-out ones do not count."""
    random = np.random.default_rng(again)
    histories = [(random.permutation(15)[:5] + 1).tolist() for _ in range(10)]
    for own in histories[:again]:
        own[-1] = own[0]
    data = leave_one_out([[*own, own[0], own[0]] for own in histories], 15)
    settled = settle_seen(experiment(), data)
    assert settled.repeat_share == pytest.approx(again / 50)
    assert settled.seen == ("include" if again / 50 >= MANY_REPEATS else "exclude")
    assert f"{again / 50:.1%}" in settled.reason
    for said in ("exclude", "include"):
        assert settle_seen(experiment(said), data).seen == said
        assert settle_seen(experiment(said), data).reason == ""


def test_who_plays_the_same_items_again_is_validated_on_them() -> None:
    data = players().without_test()
    events = list(fit(Training(experiment(), 15, torch.device("cpu")), data))
    last = [event for event in events if isinstance(event, Validated)][-1]
    assert last.metrics["hr@10"] == 1
    assert last.metrics["ndcg@10"] > 0.9


def test_a_validation_that_would_be_0_everywhere_is_refused() -> None:
    data = players().without_test()
    for ask in (
        lambda: check_reachable(data, "exclude"),
        lambda: next(fit(Training(experiment("exclude"), 15, torch.device("cpu")), data)),
    ):
        with pytest.raises(DatasetError, match="every metric would be 0") as caught:
            ask()
        assert "training.seen=include" in caught.value.hint
    assert check_reachable(data, "include") == ""


def test_many_targets_that_cannot_be_found_are_said() -> None:
    histories = [[1, 2, 3, 4, 5]] * 7 + [[1, 2, 3, 1, 5]] * 3
    note = check_reachable(leave_one_out(histories, 5), "exclude")
    assert "3 of 10 targets" in note
    assert check_reachable(leave_one_out([[1, 2, 3, 4, 5]] * 9, 5), "exclude") == ""
