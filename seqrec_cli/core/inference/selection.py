"""Which items a rule names: a file of ids, or an expression over the items' table.

DuckDB evaluates the expression over a table of the columns in it, and can open no file.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import TAG
from seqrec_cli.core.data.features.kinds import is_missing
from seqrec_cli.core.data.item_table import ItemTable
from seqrec_cli.core.data.reading import where
from seqrec_cli.core.data.reading.engine import Engine, first_sentence, name, opened_engine
from seqrec_cli.core.data.reading.where import Wording
from seqrec_cli.core.inference.names import Catalogue, Names, read_ids
from seqrec_cli.errors import InputError

ITEM, TITLE, COUNT = "item", "title", "train_count"  # columns that every run of this version has
STANDARD_INPUT = "-"
FILES = (".txt", ".csv", ".ids", ".lst", ".list")

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?(?<=[0-9])")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+)?Z?")
TRUTHS, TRUE = {"true", "false", "yes", "no"}, {"true", "yes"}
ORDERED = {"whole number", "number", "time"}
# What can stand between double quotes in a shell, as a column and as its value.
PLAIN_NAME, PLAIN_TEXT = re.compile(r"[A-Za-z_]\w*"), re.compile(r"[\w .:|-]{1,30}")

# By kind: how a text becomes a value, and what a person should know to use it.
SQL = {
    "whole number": "CAST({} AS BIGINT)",
    "number": "CAST({} AS DOUBLE)",
    "true or false": "lower({}) IN ('true', 'yes')",
    "time": "TRY_CAST({} AS TIMESTAMP)",
    "set": f"[trim(tag) FOR tag IN string_split({{}}, '{TAG}')]",
    "text": "{}",
}

# By kind: a condition on a column that has a value.
EXAMPLES = {
    "whole number": "{0} >= {1}",
    "number": "{0} >= {1}",
    "true or false": "{0} = {1}",
    "time": "{0} >= '{1}'",
    "set": "'{1}' in {0}",
    "text": "{0} = '{1}'",
}


@dataclass(frozen=True, eq=False)
class Chosen:
    """The items that a rule names.

    Attributes:
        mask: bool (N,).
        text: the rule, as typed.
        notes: what the user should know: ids of a file that the catalogue does not have.
    """

    mask: NDArray[np.bool_]
    text: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Selection:
    """Items to choose from.

    Attributes:
        catalogue: ids, titles and counts.
        table: what else is known of them; None if nothing is.
        place: what has them, for messages: "the run `runs/a`".
    """

    catalogue: Catalogue
    table: ItemTable | None
    place: str

    def choose(self, option: str, rule: str | tuple[str, ...], files: bool = True) -> Chosen:
        """The items that `option rule` names: ids, or a text, which is an expression, or the name
        of a file where `files` may be named.

        Raises:
            InputError: no file, no expression, an unknown column, or nothing in it is known.
        """
        if isinstance(rule, tuple):
            return self.listed(option, rule, "[…]")
        path = file_named(rule) if files else None
        if path is None:
            return self.filtered(option, rule)
        return self.listed(option, read_ids(path, "item"), str(path))

    def listed(self, option: str, ids: Sequence[str], path: str) -> Chosen:
        """The items with these ids, which `path` lists."""
        names, mask = Names(self.catalogue.item_ids), np.zeros(len(self.catalogue.item_ids), bool)
        found = names.find_ids(ids)
        unknown = [ids[at] for at in np.flatnonzero(found < 0).tolist()]
        if len(unknown) == len(ids):
            raise InputError(
                f"`{option} {path}`: none of its {len(ids):,} ids is in the catalogue, "
                f"the first of them `{unknown[0]}`",
                f"write ids as in the source, such as `{self.catalogue.item_ids[0]}`, one a line",
            )
        mask[found[found >= 0]] = True
        notes = []
        if unknown:
            notes.append(
                f"{option} {path}: {len(unknown):,} of {len(ids):,} ids are not in the "
                f"catalogue, the first of them `{unknown[0]}`"
            )
        return Chosen(mask, path, notes)

    def filtered(self, option: str, expression: str) -> Chosen:
        """The items for which an expression is true; where it is NULL they are not chosen."""
        wording = self.wording(option)
        with opened_engine() as engine:
            engine.allow([])
            try:
                used = where.columns_in(expression, list(self.columns), engine, wording)
            except InputError as error:
                raise self.with_remedy(error) from None
            if not used:
                raise where.malformed(expression, "it names no column", wording)
            mask = self.evaluated(expression, used, engine, wording)
        if not mask.any():
            raise InputError(
                f"no item fulfils `{option} {expression}`, of {len(mask):,} in {self.place}",
                "; ".join(self.example_values(column.lower()) for column in used),
            )
        return Chosen(mask, expression)

    def evaluated(
        self, expression: str, used: Sequence[str], engine: Engine, wording: Wording
    ) -> NDArray[np.bool_]:
        """Where the expression is true, bool (N,)."""
        values = {column: self.cells(column.lower()) for column in used}
        kinds = {column: kind_of(cells) for column, cells in values.items()}
        count = len(self.catalogue.item_ids)
        # Columns are numbered, as their names may be anything.
        source = {f"c{n}": cells for n, cells in enumerate(values.values())}
        engine.connection.register("cells", source | {"r": np.arange(count)})
        typed = ", ".join(
            f"{SQL[kinds[column]].format(f'c{n}')} AS {name(column)}"
            for n, column in enumerate(used)
        )
        query = (
            f"SELECT (SELECT CAST(({expression}\n) AS BOOLEAN) FROM (SELECT {typed})) AS chosen "
            "FROM cells ORDER BY r"
        )
        try:
            chosen = engine.masked(query)["chosen"]
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise InputError(
                f"`{wording.option} {expression[:100]}` cannot be evaluated: "
                f"{first_sentence(error)}",
                "; ".join(
                    f"`{column}` is {kind if kind == 'true or false' else 'a ' + kind}"
                    + kind.endswith("set") * f": `list_contains({column}, 'value')` looks into it"
                    for column, kind in kinds.items()
                ),
            ) from None
        return np.asarray(np.ma.filled(chosen, False), np.bool_)

    @property
    def columns(self) -> dict[str, str]:
        """The names of the columns, by themselves in lower case."""
        names = [ITEM]
        names += [TITLE] * (self.catalogue.titles is not None)
        names += [COUNT] * (self.catalogue.counts is not None)
        names += [] if self.table is None else self.table.columns
        return {each.lower(): each for each in reversed(names)}

    def cells(self, column: str) -> NDArray[np.object_]:
        """The texts of a column, in lower case, one an item; None where one is missing."""
        catalogue = self.catalogue
        if column == ITEM:
            return np.array([str(key) for key in catalogue.item_ids.tolist()], object)
        if column == TITLE and catalogue.titles is not None:
            return np.array([text or None for text in catalogue.titles.tolist()], object)
        if column == COUNT and catalogue.counts is not None:
            return np.array([str(count) for count in catalogue.counts.tolist()], object)
        assert self.table is not None
        texts = self.table.columns[self.columns[column]]
        distinct = [None if is_missing(text) else text for text in texts.distinct()]
        return np.array(distinct, object)[texts.rows]

    def example_values(self, column: str) -> str:
        """What a column has, for a hint: the range of numbers and times, or frequent values."""
        named, cells = self.columns[column], self.cells(column)
        texts, kind = [cell for cell in cells.tolist() if cell is not None], kind_of(cells)
        if kind in ORDERED:
            key = float if kind.endswith("number") else str
            low, high = min(texts, key=key), max(texts, key=key)
            return f"`{named}` is `{low}`" if low == high else f"`{named}` is `{low}` to `{high}`"
        common = ", ".join(f"`{text[:40]}`" for text, _ in Counter(texts).most_common(5))
        return f"`{named}` has {common or 'no value'}"

    def wording(self, option: str) -> Wording:
        return Wording(option, self.example, self.place)

    def example(self) -> str:
        """An expression that some item fulfils, quoted for a shell."""
        table = [] if self.table is None else list(self.table.columns)
        for column in (*table, ITEM):
            if not PLAIN_NAME.fullmatch(column):
                continue
            cells = self.cells(column.lower())
            value = next(
                (cell for cell in cells.tolist() if PLAIN_TEXT.fullmatch(cell or "")), None
            )
            if value is not None:
                kind, value = kind_of(cells), value.split(TAG)[0]
                if kind == "true or false":
                    value = str(value.lower() in TRUE).lower()
                return f'"{EXAMPLES[kind].format(column, value)}"'
        return f'"{ITEM} is not null"'

    def with_remedy(self, error: InputError) -> InputError:
        """The error, and why there are so few columns."""
        guessed = error.hint.startswith("did you mean")
        if "no column" not in error.message or self.table is not None or guessed:
            return error
        why = (
            "there was no file of items beside the log: prepare it with `--items-file FILE` and "
            "train again"
            if self.catalogue.counts is not None
            else "it is of an earlier version, which kept no items' table: prepare the dataset "
            "again and train again"
        )
        return InputError(error.message, f"{error.hint}; {why}")


def file_named(text: str) -> Path | None:
    """The file that a rule names; None where it is an expression."""
    if text == STANDARD_INPUT:
        return Path(text)
    with contextlib.suppress(OSError, ValueError):
        if Path(text).is_file():
            return Path(text)
    return Path(text) if text.lower().endswith(FILES) and " " not in text else None


def kind_of(cells: NDArray[np.object_]) -> str:
    """What the values of a column are, by all its texts."""
    texts = {cell for cell in cells.tolist() if cell is not None}
    if not texts:
        return "text"
    if all(WHOLE.fullmatch(text) for text in texts):
        return "whole number"
    if all(NUMBER.fullmatch(text) for text in texts):
        return "number"
    if all(text.lower() in TRUTHS for text in texts):
        return "true or false"
    if all(MOMENT.fullmatch(text) for text in texts):
        return "time"
    return "set" if any(TAG in text for text in texts) else "text"
