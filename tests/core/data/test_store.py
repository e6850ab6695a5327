"""A dataset that another process replaces while it is read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data import store
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.errors import DatasetError
from tests.workshop import invoke


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savetxt("log.txt", [(user, item) for user in range(1, 9) for item in range(1, 7)], "%d")
    assert invoke(["prepare", "log.txt", "--name", "new"]).exit_code == 0
    return tmp_path / "data" / "new.npz"


def test_a_dataset_replaced_while_it_is_opened_is_read_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def late(place: Path, sha256: str) -> dict[str, Any]:
        opened.append(sha256)
        if len(opened) == 1:
            again = ["prepare", "log.txt", "--name", "new", "--min-item-count", "2"]
            again += ["--shuffle-order", "history"]
            assert invoke(again).exit_code == 0
        return load_manifest(place, sha256)

    load_manifest = store.load_manifest
    monkeypatch.setattr(store, "load_manifest", late)
    first, last = SequenceDataset.load(path).sha256, opened[-1]
    assert len(set(opened)) == 2
    assert first == last


def test_a_dataset_of_another_manifest_is_refused(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DatasetError, match="is not the file that its manifest"):
        SequenceDataset.load(path)
