"""The index of a run's item vectors: built when first used, kept in the run, and checked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqrec_cli.core.inference.index import NeighbourIndex
from seqrec_cli.core.inference.scoring import ModelScorer, item_vectors
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.core.storage.tensors import digest
from seqrec_cli.errors import RunError

INDEX, SIMILAR = "index", "similar"  # of the vectors as they are, and of length 1
LARGEST_INDEX = 1 << 38  # bytes


@dataclass(frozen=True)
class IndexFiles:
    """Where an index lies in a run."""

    folder: Path
    stem: str

    @property
    def index(self) -> Path:
        return self.folder / f"{self.stem}.usearch"

    @property
    def manifest(self) -> Path:
        return self.folder / f"{self.stem}.json"

    @property
    def lock(self) -> Path:
        return self.folder / f".{self.stem}.lock"


def load_index(folder: Path, scorer: ModelScorer, stem: str = INDEX) -> tuple[NeighbourIndex, bool]:
    """The index of the items' vectors, and whether it had to be built.

    It is built when first used, and again when the best weights have changed.

    Raises:
        RunError: the index file does not match its manifest.
    """
    place, weights = IndexFiles(folder, stem), digest(scorer.model.state_dict(), "")
    manifest = index_manifest(place)
    if manifest.get("weights_sha256") != weights:
        # Wait for another process that is building it.
        with locks.exclusive(place.lock, None, "", ""):
            manifest = index_manifest(place)
            if manifest.get("weights_sha256") != weights:
                return make_index(place, scorer, weights), True
    index = read_index(place, manifest)
    if index is None:
        with locks.exclusive(place.lock, None, "", ""):
            index = read_index(place, index_manifest(place))
    if index is None or len(index) != scorer.num_items:
        raise RunError(
            f"`{place.index}` is not the index that `{place.manifest.name}` describes",
            "remove both files; the next command builds the index again",
        )
    return index, False


def read_index(place: IndexFiles, manifest: dict[str, Any]) -> NeighbourIndex | None:
    """The index; None if its file is not the one that the manifest describes."""
    try:
        content = foreign.read_bytes(place.index, LARGEST_INDEX)
    except OSError as error:
        raise RunError(
            f"`{place.index}` cannot be read: {error.strerror}",
            f"remove `{place.manifest}`; the next command builds the index again",
        ) from error
    if hashlib.sha256(content).hexdigest() != manifest.get("index_sha256"):
        return None
    return NeighbourIndex.from_bytes(content)


def make_index(place: IndexFiles, scorer: ModelScorer, weights: str) -> NeighbourIndex:
    """Index the items' vectors and save it; `weights` is the digest of the model's weights."""
    index = NeighbourIndex.build(item_vectors(scorer))
    content = index.to_bytes()
    # An index without a manifest is ignored, so the two never disagree.
    files.remove(place.manifest)
    for path in (place.index, place.manifest):
        files.remove_leftovers(place.folder, path.name)
    files.write_bytes(place.index, content)
    files.write_json(
        place.manifest,
        {
            "weights_sha256": weights,
            "index_sha256": hashlib.sha256(content).hexdigest(),
            "items": scorer.num_items,
        },
    )
    return index


def index_manifest(place: IndexFiles) -> dict[str, Any]:
    """The index manifest; empty if there is none."""
    path = place.manifest
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
