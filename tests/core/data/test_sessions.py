"""Whole sessions by time into parts, held against a partitioner in plain Python."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Interactions, Origin
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.data.sessions import NEW_ITEM, SHORT_SESSION
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.errors import InputError

Row = tuple[int, int, int]  # session, item, time
ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(0, 60)), min_size=2, max_size=80
)


def log_of(rows: list[Row], parts: list[int] | None = None) -> Interactions:
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    user_ids, user_codes = np.unique(users, return_inverse=True)
    item_ids, item_codes = np.unique(items, return_inverse=True)
    return Interactions(
        users=user_codes.astype(np.int32),
        items=item_codes.astype(np.int32),
        user_ids=user_ids,
        item_ids=item_ids,
        origin=Origin("log.csv", "0" * 64, "delimited", len(rows), time_unit="seconds"),
        timestamps=times.astype(np.int64),
        parts=None if parts is None else np.array(parts, np.int8),
    )


def by_hand(rows: list[Row], valid: int, test: int) -> tuple[list[dict[int, list[int]]], int, int]:
    """The items of each session by part, the items and the rows that nothing can predict."""
    sessions: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    written = set()
    for place, (session, item, time) in enumerate(rows):
        if (session, item, time) not in written:  # an exact duplicate
            written.add((session, item, time))
            sessions[session].append((time, place, item))
    parts: list[dict[int, list[int]]] = [{}, {}, {}]
    for session, events in sorted(sessions.items()):
        events.sort()
        end = events[-1][0]
        parts[(end >= valid) + (end >= test)][session] = [item for _, _, item in events]
    known = {item for items in parts[0].values() for item in items}
    new = short = 0
    for part in parts[1:]:
        for session, items in list(part.items()):
            kept = [item for item in items if item in known]
            new += len(items) - len(kept)
            short += len(kept) == 1
            part[session] = kept
            if len(kept) < 2:
                del part[session]
    return parts, new, short


def as_ids(dataset: SequenceDataset, part: Sequences) -> dict[int, list[int]]:
    return {
        int(dataset.user_ids[user]): dataset.item_ids[items - 1].tolist()
        for user, items in enumerate(part)
        if len(items)
    }


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(5, 40), st.integers(0, 30))
def test_parts_are_those_of_a_plain_partitioner(rows: list[Row], valid: int, more: int) -> None:
    test = valid + more
    expected, new, short = by_hand(rows, valid, test)
    options = Preparation(split="sessions", valid_from=str(valid), test_from=str(test))
    try:
        dataset = prepare(log_of(rows), options, "log")
    except InputError:
        left = {item for part in expected for items in part.values() for item in items}
        assert not all(expected) or len(left) < 2
        return
    assert dataset.test is not None
    found = [as_ids(dataset, part) for part in (dataset.train, dataset.valid, dataset.test)]
    assert found == expected
    assert dataset.manifest["dropped"].get(NEW_ITEM, 0) == new
    assert dataset.manifest["split"]["new_items"]["interactions"] == new
    assert dataset.manifest["dropped"].get(SHORT_SESSION, 0) == short
    # Training is given the train part alone; what can be recommended is what it has.
    assert as_ids(dataset.without_test(), dataset.without_test().learnt()) == expected[0]
    assert set(dataset.item_ids.tolist()) == {i for items in expected[0].values() for i in items}

    for number, part in ((1, "valid"), (2, "test")):
        asked = queries(dataset, part)  # type: ignore[arg-type]
        users = dataset.user_ids[asked.users].tolist()
        assert users == sorted(expected[number])
        for user, history, target in zip(users, asked.histories, asked.targets, strict=True):
            own = expected[number][user]
            assert dataset.item_ids[history - 1].tolist() == own[:-1]
            assert dataset.item_ids[target - 1].tolist() == own[-1:]
    whole = as_ids(dataset, dataset.histories("end"))
    assert whole == expected[0] | expected[1] | expected[2]
    # Before the test part the sessions of the valid part are over.
    before = as_ids(dataset, dataset.histories("test"))
    assert before == expected[0] | expected[1] | {u: own[:-1] for u, own in expected[2].items()}


def sessions(count: int = 40) -> list[Row]:
    return [(s, (s + t) % 5, 1000 * s + t) for s in range(count) for t in range(3)]


def test_without_moments_four_fifths_of_the_sessions_are_learnt_from() -> None:
    rows = sessions()
    # A long session in the middle, which would move a quantile over interactions.
    rows += [(20, t % 5, 20000 + t) for t in range(3, 60)]
    split = prepare(log_of(rows), Preparation(split="sessions"), "log").manifest["split"]
    assert [split[part]["users"] for part in ("train", "valid", "test")] == [32, 4, 4]
    assert split["kind"] == "sessions"


def test_a_session_that_goes_on_after_the_valid_part_begins_is_not_learnt_from() -> None:
    rows = [*sessions(), (0, 4, 32500)]
    options = Preparation(split="sessions", valid_from="32000", test_from="36000")
    dataset = prepare(log_of(rows), options, "log")
    assert 0 not in as_ids(dataset, dataset.train)
    assert as_ids(dataset, dataset.valid)[0] == [0, 1, 2, 4]
    assert dataset.timestamps["train"].max() < 32000


def test_times_are_needed() -> None:
    log = log_of(sessions())
    with pytest.raises(InputError, match="needs times"):
        prepare(replace(log, timestamps=None), Preparation(split="sessions"), "log")


def test_items_with_features_may_be_new() -> None:
    rows = [*sessions(), (39, 9, 39500)]
    log = log_of(rows)
    dataset = prepare(log, Preparation(split="sessions"), "log")
    assert 9 not in dataset.item_ids
    assert dataset.manifest["split"]["new_items"] == {"items": 1, "interactions": 1}


def test_files_with_sessions_of_their_own_are_whole_sessions() -> None:
    rows = sessions()
    parts = [0 if s < 30 else 1 if s < 35 else 2 for s, _, _ in rows]
    dataset = prepare(log_of(rows, parts), Preparation(), "log")
    assert dataset.manifest["split"]["kind"] == "files"
    assert len(queries(dataset, "test").users) == 5
    # With users that go on from part to part they are histories, as ever.
    parts = [min(place % 3, 2) for place in range(len(rows))]
    dataset = prepare(log_of(rows, parts), Preparation(), "log")
    assert not dataset.whole_sessions
    assert queries(dataset, "valid").histories.lengths.tolist() == [1] * 40


@pytest.mark.parametrize("kind", ["time", "files"])
def test_a_split_that_leaves_nobody_to_evaluate_is_refused(kind: str) -> None:
    """../shared/data/cases/sessions-split-by-time."""
    rows = sessions()
    options: dict[str, Any] = {"split": "time", "valid_from": "32000", "test_from": "36000"}
    parts = None
    if kind == "files":
        # User 39 goes on from the valid part to the test part, nobody from train.
        parts = [0 if s < 30 else 1 for s, _, _ in rows]
        parts[-1], options = 2, {}
    with pytest.raises(InputError, match="did anything before it") as caught:
        prepare(log_of(rows, parts), Preparation(**options), "log")
    assert ("--split sessions" in caught.value.hint) == (kind == "time")


def test_a_loaded_dataset_knows_its_sessions(tmp_path: Any) -> None:
    dataset = prepare(log_of(sessions()), Preparation(split="sessions"), "log")
    dataset.save(tmp_path / "log.npz")
    for parts in (("train", "valid"), ("train", "valid", "test")):
        loaded = SequenceDataset.load(tmp_path / "log.npz", parts)  # type: ignore[arg-type]
        assert loaded.whole_sessions
        asked = queries(loaded, "valid")
        assert asked.histories.lengths.tolist() == [2] * 4
        assert np.array_equal(asked.targets.items, loaded.valid.items[2::3])
    assert SequenceDataset.load(tmp_path / "log.npz", ("train", "valid")).test is None
