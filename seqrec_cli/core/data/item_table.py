"""The items' table: what is known of each item, column by column, kept for rules over items.

Each column is stored as its distinct texts in UTF-8, without padding, and the text of each item.
The types of the columns are inferred when a rule asks for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Attributes
from seqrec_cli.core.data.features.columns import TextColumn

PREFIX = "item_table"
LARGEST_COLUMN = 64 << 20  # bytes of a column's distinct texts
NAMED_OTHERWISE = ("item", "title")  # the ids and the titles have these names in an expression


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of texts.

    Attributes:
        content: uint8, the distinct texts in UTF-8, one behind the other.
        ends: int64 (distinct,), where each of them ends.
        rows: int32 (items,), the text of each item.
    """

    content: NDArray[np.uint8]
    ends: NDArray[np.int64]
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, column: TextColumn) -> "Texts":
        encoded = [text.encode("utf-8", "replace") for text in column.texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        content = np.frombuffer(b"".join(encoded), np.uint8)
        return cls(content, ends, column.rows.astype(np.int32))

    def distinct(self) -> list[str]:
        """The distinct texts."""
        content, starts = self.content.tobytes(), [0, *self.ends.tolist()]
        return [
            content[start:end].decode("utf-8", "replace")
            for start, end in zip(starts, self.ends.tolist(), strict=False)
        ]

    def check(self, name: str, num_items: int) -> None:
        """Refuse arrays that do not fit each other.

        Raises:
            ValueError: with the column's name.
        """
        arrays = ((self.content, np.uint8), (self.ends, np.int64), (self.rows, np.int32))
        if any(array.dtype != dtype for array, dtype in arrays) or self.rows.shape != (num_items,):
            raise ValueError(f"the column `{name}` of the items' table is not one of this dataset")
        ordered = (np.diff(self.ends, prepend=0) >= 0).all()
        last = int(self.ends[-1]) if self.ends.size else 0
        inside = not self.rows.size or (
            int(self.rows.min()) >= 0 and int(self.rows.max()) < len(self.ends)
        )
        if self.content.ndim != 1 or self.ends.ndim != 1 or not ordered or not inside:
            raise ValueError(f"the column `{name}` of the items' table is damaged")
        if last != len(self.content):
            raise ValueError(f"the column `{name}` of the items' table is cut off")


@dataclass(frozen=True, eq=False)
class ItemTable:
    """What is known of each item, besides id and title: columns by name, one text an item."""

    columns: Mapping[str, Texts]

    @classmethod
    def of(cls, attributes: Attributes, ids: NDArray[Any]) -> tuple["ItemTable", list[str]]:
        """The table of a file for these ids, and the columns that are too large to be kept."""
        place = {key: row for row, key in enumerate(attributes.ids)}
        rows = np.array([place.get(str(key), -1) for key in ids.tolist()], np.int64)
        columns: dict[str, Texts] = {}
        left_out = []
        for name, cells in attributes.columns.items():
            # Row -1, the last, is that of an item that the file does not have.
            texts = Texts.of(TextColumn.of([*cells, ""]).take(rows))
            taken = name.lower() in NAMED_OTHERWISE or name.lower() in map(str.lower, columns)
            if taken or texts.content.size > LARGEST_COLUMN:
                left_out.append(name)
            else:
                columns[name] = texts
        return cls(columns), left_out

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for an npz; `from_arrays` reads them."""
        arrays: dict[str, NDArray[Any]] = {
            f"{PREFIX}_names": np.array(list(self.columns) or [""], dtype=np.str_)
        }
        for number, texts in enumerate(self.columns.values()):
            arrays[f"{PREFIX}_{number}_content"] = texts.content
            arrays[f"{PREFIX}_{number}_ends"] = texts.ends
            arrays[f"{PREFIX}_{number}_rows"] = texts.rows
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], num_items: int) -> "ItemTable | None":
        """Read the arrays of `arrays`; None if there are none.

        Raises:
            ValueError, KeyError: they do not fit each other, or `num_items`.
        """
        names = arrays.get(f"{PREFIX}_names")
        if names is None:
            return None
        if names.ndim != 1 or names.dtype.kind != "U":
            raise ValueError("the names of the items' table are not texts")
        columns = {}
        for number, name in enumerate(names.tolist()):
            if name:
                kinds = ("content", "ends", "rows")
                texts = Texts(*(arrays[f"{PREFIX}_{number}_{kind}"] for kind in kinds))
                texts.check(name, num_items)
                columns[name] = texts
        return cls(columns)
