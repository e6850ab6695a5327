"""Encoded features become tensors row by row."""

import numpy as np
import torch

from seqrec_cli.core.batching.features import FeatureTensors, rows_as_tensors
from seqrec_cli.core.data.features.encoded import EncodedFeatures

FEATURES = EncodedFeatures(
    np.array([[0.5], [1.0], [0.0]], np.float32),
    np.array([[1, 2], [2, 1], [3, 3]], np.int32),
    (np.array([[2, 0], [1, 2], [0, 0]], np.int32),),
)


def test_tensors_have_the_rows_that_are_taken() -> None:
    whole = FeatureTensors.of(FEATURES)
    assert (whole.dense.dtype, whole.sparse.dtype) == (torch.float32, torch.int64)
    one = whole.take(torch.tensor([2, 0])).to(torch.device("cpu"))
    other = rows_as_tensors(FEATURES, np.array([2, 0]))
    assert other is not None
    pairs = ((one.dense, other.dense), (one.sparse, other.sparse), (one.tags[0], other.tags[0]))
    for mine, theirs in pairs:
        assert torch.equal(mine, theirs)
    assert one.tags[0].tolist() == [[0, 0], [2, 0]]
    assert rows_as_tensors(None, np.array([0])) is None


def test_tensors_can_be_written_to_though_a_file_cannot() -> None:
    frozen = np.array([[0.5]], np.float32)
    frozen.setflags(write=False)
    none = np.zeros((1, 0), np.int32)
    tensors = FeatureTensors.of(EncodedFeatures(frozen, none, ()))
    tensors.dense.zero_()
    assert frozen[0, 0] == 0.5
