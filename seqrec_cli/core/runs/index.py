"""The index of a run's item vectors: made when it is first asked for, kept, and checked."""

import hashlib
from pathlib import Path
from typing import Any

from seqrec_cli.core.inference.index import NeighbourIndex
from seqrec_cli.core.inference.scoring import ModelScorer, item_vectors
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.core.storage.tensors import digest
from seqrec_cli.errors import RunError

INDEX, INDEX_MANIFEST, INDEX_LOCK = "index.usearch", "index.json", ".index.lock"
LARGEST_INDEX = 1 << 38  # bytes


def load_index(folder: Path, scorer: ModelScorer) -> tuple[NeighbourIndex, bool]:
    """The index of the items' vectors, and whether it had to be made.

    It is made when it is first asked for, and again when the best weights are others.

    Raises:
        RunError: its file is not the one that was written with it.
    """
    weights = digest(scorer.model.state_dict(), "")
    manifest = index_manifest(folder)
    if manifest.get("weights_sha256") != weights:
        # Another process that is about to make it is waited for.
        with locks.exclusive(folder / INDEX_LOCK, None, "", ""):
            manifest = index_manifest(folder)
            if manifest.get("weights_sha256") != weights:
                return make_index(folder, scorer, weights), True
    index = read_index(folder, manifest)
    if index is None:
        with locks.exclusive(folder / INDEX_LOCK, None, "", ""):
            index = read_index(folder, index_manifest(folder))
    if index is None or len(index) != scorer.num_items:
        raise RunError(
            f"`{folder / INDEX}` is not the index that `{INDEX_MANIFEST}` describes",
            "remove both, and it is made anew",
        )
    return index, False


def read_index(folder: Path, manifest: dict[str, Any]) -> NeighbourIndex | None:
    """The index, if its file is the one that the manifest describes."""
    try:
        content = foreign.read_bytes(folder / INDEX, LARGEST_INDEX)
    except OSError as error:
        raise RunError(
            f"`{folder / INDEX}` cannot be read: {error.strerror}",
            f"remove `{folder / INDEX_MANIFEST}`, and it is made anew",
        ) from error
    if hashlib.sha256(content).hexdigest() != manifest.get("index_sha256"):
        return None
    return NeighbourIndex.from_bytes(content)


def make_index(folder: Path, scorer: ModelScorer, weights: str) -> NeighbourIndex:
    """Index the items' vectors and keep that; `weights` is the digest of the model's."""
    index = NeighbourIndex.build(item_vectors(scorer))
    content = index.to_bytes()
    # Without a manifest no index counts, so the index and its manifest never disagree.
    files.remove(folder / INDEX_MANIFEST)
    for name in (INDEX, INDEX_MANIFEST):
        files.remove_leftovers(folder, name)
    files.write_bytes(folder / INDEX, content)
    files.write_json(
        folder / INDEX_MANIFEST,
        {
            "weights_sha256": weights,
            "index_sha256": hashlib.sha256(content).hexdigest(),
            "items": scorer.num_items,
        },
    )
    return index


def index_manifest(folder: Path) -> dict[str, Any]:
    """What is known of the index; nothing where there is none."""
    path = folder / INDEX_MANIFEST
    try:
        content = foreign.read_json(path)
        return content if isinstance(content, dict) else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"`{path}` is damaged: {error}", "remove it, and the index is made anew"
        ) from error
