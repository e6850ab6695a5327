"""A small prepared dataset with everything that one can have."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.storage import files


def small() -> SequenceDataset:
    return SequenceDataset(
        name="x",
        train=Sequences.from_lists([[1, 2], [3]]),
        valid=Sequences.from_lists([[3], []]),
        test=Sequences.from_lists([[2], []]),
        user_ids=np.array(["ann", "bob"]),
        item_ids=np.array([10, 20, 30]),
        item_titles=np.array(["A", "", "日本"]),
        timestamps={
            "train": np.array([5, 6, 7]), "valid": np.array([8]), "test": np.array([2**62])
        },
        ratings={
            part: np.ones(n, np.float32) for part, n in (("train", 3), ("valid", 1), ("test", 1))
        },
        manifest={"source": "by hand"},
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "x.npz"
    small().save(path)
    return path


def reseal(path: Path) -> None:
    """Make the manifest agree with what is at `path` now."""
    manifest = path.with_suffix(".json")
    content = json.loads(manifest.read_bytes()) | {"npz_sha256": files.sha256(path)}
    manifest.write_text(json.dumps(content))
