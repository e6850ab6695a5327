"""One-dimensional arrays that are read by parts: pieces on the disk, one behind the other, and
what is made of them without a copy.

They act as arrays: slices and places give ordinary ones. What needs the whole gets all of it in
memory, or is refused where that has too little room.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from seqrec_cli.core.storage.memory import in_words, total_memory
from seqrec_cli.errors import DatasetError

BLOCK = 1 << 22  # elements that are looked at at a time
ROOM = 0.5  # of the memory: what an array may take as a whole


class LazyArray(NDArrayOperatorsMixin):
    """An array of one dimension, of which nothing is in memory until it is asked for."""

    ndim = 1

    def __init__(self, length: int, dtype: np.dtype[Any]) -> None:
        self.length = length
        self.dtype = dtype

    @abstractmethod
    def read(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """The elements at these places, in their order."""

    def span(self, start: int, stop: int) -> NDArray[Any]:
        """The elements from `start` to `stop`."""
        return self.read(np.arange(start, stop))

    @property
    def shape(self) -> tuple[int]:
        return (self.length,)

    @property
    def size(self) -> int:
        return self.length

    @property
    def nbytes(self) -> int:
        return self.length * self.dtype.itemsize

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        return (element for block in self.blocks() for element in block)

    def blocks(self) -> Iterator[NDArray[Any]]:
        """All of it, a block at a time."""
        return (
            self.span(start, min(start + BLOCK, self.length))
            for start in range(0, self.length, BLOCK)
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            start, stop, step = key.indices(self.length)
            if step == 1:
                return self.span(start, max(start, stop))
            key = np.arange(start, stop, step)
        places = np.asarray(key)
        if places.dtype == np.bool_:
            if places.shape != self.shape:
                raise IndexError(f"a mask of {places.shape} for an array of {self.shape}")
            return self.chosen(places)
        places = places.astype(np.int64, copy=False)
        flat = places.ravel()
        if flat.size and (flat.min() < -self.length or flat.max() >= self.length):
            raise IndexError(f"a place outside an array of {self.length} elements")
        found = self.read(np.where(flat < 0, flat + self.length, flat)).reshape(places.shape)
        return found if places.ndim else found[()]

    def chosen(self, mask: NDArray[np.bool_]) -> NDArray[Any]:
        """The elements of a mask."""
        kept = [
            self.span(start, min(start + BLOCK, self.length))[mask[start : start + BLOCK]]
            for start in range(0, self.length, BLOCK)
            if mask[start : start + BLOCK].any()
        ]
        return np.concatenate(kept) if kept else np.empty(0, self.dtype)

    def min(self, initial: Any = None) -> Any:
        """The smallest element."""
        least = [block.min() for block in self.blocks()]
        return min(least) if initial is None else min([*least, initial])

    def max(self, initial: Any = None) -> Any:
        """The largest element."""
        most = [block.max() for block in self.blocks()]
        return max(most) if initial is None else max([*most, initial])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if self.nbytes > ROOM * total_memory():
            raise DatasetError(
                f"what was asked for needs {in_words(self.nbytes)} of the dataset in memory at "
                f"once, and there are {in_words(total_memory())}",
                "use a model or a command that reads the dataset by parts (docs/scale.md), or a "
                "machine with more memory",
            )
        whole = self.span(0, self.length)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        whole = (np.asarray(each) if isinstance(each, LazyArray) else each for each in inputs)
        return getattr(ufunc, method)(*whole, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)


class Chained(LazyArray):
    """Arrays, one behind the other."""

    def __init__(self, pieces: Sequence[NDArray[Any]]) -> None:
        dtype = np.result_type(*pieces)  # of texts the widest
        super().__init__(sum(map(len, pieces)), dtype)
        self.pieces = pieces
        self.starts = np.cumsum([0, *map(len, pieces)])

    def span(self, start: int, stop: int) -> NDArray[Any]:
        first = max(0, int(np.searchsorted(self.starts, start, side="right")) - 1)
        parts = []
        for piece, begin in zip(self.pieces[first:], self.starts[first:].tolist(), strict=False):
            if begin >= stop:
                break
            parts.append(piece[max(0, start - begin) : stop - begin])
        if len(parts) == 1:
            return parts[0].astype(self.dtype, copy=False)
        return np.concatenate([np.empty(0, self.dtype), *parts])

    def read(self, places: NDArray[np.int64]) -> NDArray[Any]:
        found = np.empty(len(places), self.dtype)
        owners = np.searchsorted(self.starts, places, side="right") - 1
        # The places of a user lie side by side: few runs of places are in the same piece each.
        cuts = np.flatnonzero(np.diff(owners)) + 1
        chosen: Iterable[Any] = map(slice, (0, *cuts.tolist()), (*cuts.tolist(), len(places)))
        if len(cuts) > len(self.pieces):
            chosen = (owners == owner for owner in np.flatnonzero(np.bincount(owners)))
        for own in chosen if len(places) else ():
            owner = owners[own][0]
            found[own] = self.pieces[owner][places[own] - self.starts[owner]]
        return found


class Shifted(LazyArray):
    """Runs of another array, one behind the other: run r is those that lie `shifts[r]` further
    there; `offsets` (runs + 1,) says where each run begins here."""

    def __init__(
        self, whole: NDArray[Any], offsets: NDArray[np.int64], shifts: NDArray[np.int64]
    ) -> None:
        super().__init__(int(offsets[-1]), whole.dtype)
        self.whole, self.offsets, self.shifts = whole, offsets, shifts

    def read(self, places: NDArray[np.int64]) -> NDArray[Any]:
        runs = np.searchsorted(self.offsets, places, side="right") - 1
        return cast(NDArray[Any], self.whole[places + self.shifts[runs]])


class Interleaved(LazyArray):
    """For each user the elements of one array, then those of another; their offsets (users + 1,)
    say which are whose."""

    def __init__(
        self,
        own: NDArray[Any],
        later: NDArray[Any],
        own_offsets: NDArray[np.int64],
        later_offsets: NDArray[np.int64],
    ) -> None:
        super().__init__(len(own) + len(later), own.dtype)
        self.own, self.later = own, later
        self.own_offsets, self.later_offsets = own_offsets, later_offsets
        self.offsets = own_offsets + later_offsets

    def read(self, places: NDArray[np.int64]) -> NDArray[Any]:
        users = np.searchsorted(self.offsets, places, side="right") - 1
        before = self.later_offsets[users]  # elements of the other array before this user's
        at = places - before
        first = at < self.own_offsets[users + 1]
        found = np.empty(len(places), self.dtype)
        found[first] = self.own[at[first]]
        rest = ~first
        found[rest] = self.later[places[rest] - self.own_offsets[users[rest] + 1]]
        return found


def is_lazy(*arrays: Any) -> bool:
    """Whether any of these is read by parts."""
    return any(isinstance(array, LazyArray) for array in arrays)


def as_array(lazy: LazyArray) -> NDArray[Any]:
    """The same, for the type checker: whoever asks for parts of it need not know."""
    return cast(NDArray[Any], lazy)


def chained(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays, one behind the other; a single one is itself."""
    return pieces[0] if len(pieces) == 1 else as_array(Chained(pieces))
