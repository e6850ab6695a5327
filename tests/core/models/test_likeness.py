"""Scores spread to items that are alike, against matrices that are made in full."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Attributes
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.encoding import encode_side
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models import likeness
from seqrec_cli.core.models.likeness import Likeness, values_of_items

WORKERS = WorkerPool(torch.device("cpu"))
TAGS = st.lists(st.sampled_from("abcd"), max_size=4)
ITEMS = st.lists(st.tuples(st.sampled_from(["red", "blue", ""]), TAGS), min_size=2, max_size=9)


def told(items: list[tuple[str, list[str]]]) -> Features:
    """Features of items that have a color and tags."""
    texts = {"color": [color for color, _ in items], "tags": ["|".join(tags) for _, tags in items]}
    given_ = Attributes("x.csv", [str(row) for row in range(len(items))], texts)
    encoding = Encoding(item_kinds={"color": "sparse", "tags": "tags"}, min_value_count=1)
    rows, known = np.arange(len(items)), np.ones(len(items), np.bool_)
    encoded = encode_side("item", given_, rows, known, encoding)
    assert encoded is not None
    return Features(encoded.encoders, encoded.features.take(rows), known)


def likeness_matrix(
    items: list[tuple[str, list[str]]], slots: NDArray[np.int64]
) -> NDArray[np.float64]:
    """S, of the items that have slots, slot 0 first."""
    columns = [f"color {name}" for name in ("red", "blue")] + [f"tag {name}" for name in "abcd"]
    has = np.array(
        [
            [f"color {color}" == name or name.removeprefix("tag ") in tags for name in columns]
            for color, tags in items
        ],
        float,
    )
    weighed = has * np.log(len(items) / np.maximum(has.sum(0), 1))
    length = np.linalg.norm(weighed, axis=1, keepdims=True)
    unit = np.divide(weighed, length, out=np.zeros_like(weighed), where=length > 0)
    kept = slots[1:] > 0
    alike = unit[kept] @ unit[kept].T
    mean = alike.sum() / max(1, (length[kept] > 0).sum())
    whole = np.zeros((kept.sum() + 1, kept.sum() + 1))
    whole[1:, 1:] = alike / mean if mean else 0
    return whole


@settings(deadline=None)
@given(items=ITEMS, share=st.sampled_from([0.5, 30.0]), seed=st.integers(0, 9))
def test_scores_are_spread_as_by_the_whole_matrix(
    items: list[tuple[str, list[str]]], share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    chosen = np.append(False, random.random(len(items)) < 0.8)
    chosen[1] = True
    slots = np.where(chosen, np.cumsum(chosen), 0)
    size = int(slots.max()) + 1
    weights = torch.from_numpy(random.normal(size=(2 * size, size)).astype(np.float32))
    weights[:, 0] = 0
    features = told(items)
    before = weights.double().numpy()
    shares = list(Likeness.of(features, slots).spread(weights, share, WORKERS))
    expected = before + share * before @ likeness_matrix(items, slots)
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-4, atol=1e-4)
    assert shares == sorted(shares)


def test_parts_and_threads_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [("red", ["a", "b"]), ("blue", ["b"]), ("red", []), ("", ["c", "a"]), ("", [])]
    slots, found = np.arange(6), []
    for rows, threads in ((256, 1), (2, 1), (2, 3)):
        monkeypatch.setattr(likeness, "MOST_ROWS", rows)
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(threads)
            weights = torch.arange(36.0).view(6, 6)
            pool = WorkerPool(torch.device("cpu"))
            assert list(Likeness.of(told(items), slots).spread(weights, 2.0, pool))[-1] == 1
        finally:
            torch.set_num_threads(before)
        found.append(weights)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[0][:, 5], torch.arange(36.0).view(6, 6)[:, 5])  # of nothing known


def test_the_values_of_items() -> None:
    """What is missing is no value, a tag that stands twice counts once, and numbers are none."""
    features = told([("red", ["a", "a"]), ("", ["b"]), ("red", [])])
    items, values, count = values_of_items(features)
    pairs = sorted(zip(items.tolist(), values.tolist(), strict=True))
    assert count == 3
    assert [item for item, _ in pairs] == [1, 1, 2, 3]
    assert dict(pairs)[3] == pairs[0][1]  # both are red
    assert len({value for _, value in pairs}) == 3
    assert values_of_items(replace(features, items=None))[2] == 0
