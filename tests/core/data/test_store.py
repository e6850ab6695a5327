"""A dataset's two files agree, or the damage is noticed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data import store
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.errors import DatasetError
from tests.core.data.conftest import reseal, small
from tests.workshop import invoke


def test_every_flipped_byte_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    for place in range(0, len(content), 7):
        saved.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DatasetError, match="not the file that its manifest"):
            SequenceDataset.load(saved)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_file_is_noticed(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    for _ in range(2):
        with pytest.raises(DatasetError):
            SequenceDataset.load(saved)
        reseal(saved)  # even with a manifest that agrees


def test_flipped_bytes_are_noticed_without_the_manifest_too(saved: Path) -> None:
    """The zip's own checksums, or the checks of the contents, or nothing has changed."""
    content = saved.read_bytes()
    whole = load_arrays(saved)
    for place in range(0, len(content), 5):
        saved.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        try:
            arrays = load_arrays(saved)
        except DatasetError:
            continue
        for name, values in arrays.items():
            if name in whole:
                np.testing.assert_array_equal(values, whole[name])


def test_says_how_to_make_a_missing_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        SequenceDataset.load(tmp_path / "nope.npz")
    assert "there is no prepared dataset" in caught.value.message
    assert "seqrec prepare nope" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_broken_manifest_is_refused(saved: Path, content: bytes) -> None:
    saved.with_suffix(".json").write_bytes(content)
    with pytest.raises(DatasetError):
        SequenceDataset.load(saved)
    saved.with_suffix(".json").unlink()
    with pytest.raises(DatasetError, match="has no manifest"):
        SequenceDataset.load(saved)


def test_killed_between_the_two_files_it_is_the_new_dataset(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, target: Path) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(files, "move", killed)
        with pytest.raises(RuntimeError, match="killed"):
            replace(small(), item_titles=None, manifest={"source": "anew"}).save(saved)
    found = SequenceDataset.load(saved)
    assert found.item_titles is None
    assert found.manifest["source"] == "anew"
    small().save(saved)
    assert SequenceDataset.load(saved).manifest["source"] == "by hand"
    assert sorted(path.name for path in saved.parent.iterdir()) == ["x.json", "x.npz"]


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
