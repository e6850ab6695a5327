"""The index of a run's item vectors: built when first used, kept in the run, and checked."""

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
    """The index of the items' vectors, and whether it had to be built.

    It is built when first used, and again when the best weights have changed.

    Raises:
        RunError: the index file does not match its manifest.
    """
    weights = digest(scorer.model.state_dict(), "")
    manifest = index_manifest(folder)
    if manifest.get("weights_sha256") != weights:
        # Wait for another process that is building it.
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
            "remove both files; the next command builds the index again",
        )
    return index, False


def read_index(folder: Path, manifest: dict[str, Any]) -> NeighbourIndex | None:
    """The index; None if its file is not the one that the manifest describes."""
    try:
        content = foreign.read_bytes(folder / INDEX, LARGEST_INDEX)
    except OSError as error:
        raise RunError(
            f"`{folder / INDEX}` cannot be read: {error.strerror}",
            f"remove `{folder / INDEX_MANIFEST}`; the next command builds the index again",
        ) from error
    if hashlib.sha256(content).hexdigest() != manifest.get("index_sha256"):
        return None
    return NeighbourIndex.from_bytes(content)


def make_index(folder: Path, scorer: ModelScorer, weights: str) -> NeighbourIndex:
    """Index the items' vectors and save it; `weights` is the digest of the model's weights."""
    index = NeighbourIndex.build(item_vectors(scorer))
    content = index.to_bytes()
    # An index without a manifest is ignored, so the two never disagree.
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
    """The index manifest; empty if there is none."""
    path = folder / INDEX_MANIFEST
    try:
        content = foreign.read_json(path)
        return content if isinstance(content, dict) else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"`{path}` is damaged: {error}",
            "remove it; the next command builds the index again",
        ) from error
