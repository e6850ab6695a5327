"""What the values of a column look like, from a sample: numbers, times, lists, ids, words."""

import itertools
import re
from dataclasses import dataclass
from functools import cached_property

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.calendars import forms_by_calendar
from seqrec_cli.core.data.reading.dated_numbers import Dated, dated
from seqrec_cli.core.data.reading.dialects import shape
from seqrec_cli.core.data.reading.lists import list_form, looks_nested
from seqrec_cli.core.data.reading.relations import Column
from seqrec_cli.core.data.reading.times import (
    NUMBER,
    WHOLE,
    TimeForm,
    forms_of,
    is_compact,
    least_of,
)

MISSING = ("", "na", "n/a", "null", "nan", "none", "\\n", "<na>", "#n/a", "nil", "(null)", "?")
TRUTHS = {"true", "false", "yes", "no", "t", "f", "y", "n"}
# Seconds since 1970 from 1989 to 2049, and the same in finer units.
EPOCHS = tuple((600_000_000 * 1000**n, 2_500_000_000 * 1000**n) for n in range(4))
FEW = 20
GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})*")  # a whole number, as 13,033
CLIENT = re.compile(r"[0-9]{6,10}\.[0-9]{9,10}")  # as Google Analytics knows a browser
ASIN = re.compile(r"B0[0-9A-Z]{8}|[0-9]{9}[0-9X]")


@dataclass(frozen=True)
class Profile:
    """A column, its place, and what its sample looks like."""

    column: Column
    place: int

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def label(self) -> str:
        return self.column.label

    @cached_property
    def values(self) -> list[str]:
        """The values that are there; words for a missing one are not."""
        return [value for value in self.column.values if not is_missing_cell(value)]

    @cached_property
    def filled(self) -> float:
        """The share of rows that have a value."""
        if not self.column.cells:
            return 0.0
        there = sum(
            bool(cell) if isinstance(cell, list) else cell is not None and not is_missing_cell(cell)
            for cell in self.column.cells
        )
        return there / len(self.column.cells)

    @cached_property
    def distinct(self) -> int:
        return len(set(self.values))

    @cached_property
    def numeric(self) -> bool:
        return bool(self.values) and all(NUMBER.fullmatch(value) for value in self.values)

    @cached_property
    def counts(self) -> list[str]:
        """The values that are numbers, if most of them are; with a decimal point."""
        if self.comma_numeric:
            return [value.replace(",", ".") for value in self.values]
        found = [value for value in self.values if NUMBER.fullmatch(value)]
        return found if len(found) >= least_of(len(self.values)) else []

    @cached_property
    def comma_numeric(self) -> bool:
        """Whether they are numbers, some with a decimal comma."""
        if self.numeric or not self.values:
            return False
        return all(NUMBER.fullmatch(value.replace(",", ".", 1)) for value in self.values)

    @cached_property
    def whole(self) -> bool:
        """Whether they are whole numbers as one would spell them."""
        return bool(self.values) and all(WHOLE.fullmatch(value) for value in self.values)

    @cached_property
    def whole_valued(self) -> bool:
        """Whether they are whole numbers, perhaps written `7.0`."""
        return self.whole or (self.numeric and all(float(v).is_integer() for v in self.values))

    @cached_property
    def numbers(self) -> list[float]:
        return [float(value.replace(",", ".", 1)) for value in self.values]

    @cached_property
    def is_truth(self) -> bool:
        return bool(self.values) and {value.lower() for value in self.values} <= TRUTHS

    @cached_property
    def is_flag(self) -> bool:
        """Whether they are 0 and 1 alone."""
        return self.numeric and set(self.numbers) <= {0.0, 1.0}

    @cached_property
    def is_row_number(self) -> bool:
        """Whether each row has one more than the row before; of lists, if each counts from 1."""
        if not self.whole or len(self.values) < 3:
            return False
        if self.column.listed:
            lists = [cell for cell in self.column.cells if isinstance(cell, list) and cell]
            counted = (own == [str(n) for n in range(1, len(own) + 1)] for own in lists)
            return len(lists) > FEW and all(counted)
        numbers = [int(value) for value in self.values]
        return all(b - a == 1 for a, b in itertools.pairwise(numbers))

    @cached_property
    def date_forms(self) -> list[TimeForm]:
        """The forms that they have as dates; two where days may be months."""
        if self.column.kind.endswith("moment") or self.numeric:
            return []
        return forms_of(self.values) or forms_by_calendar(self.label, self.values)

    @cached_property
    def is_epoch(self) -> bool:
        """Whether they are counts since 1970 of some unit, or dates in digits."""
        if not self.counts:
            return False
        if is_compact(self.counts):
            return True
        numbers = [float(value) for value in self.counts]
        low, high = min(numbers), max(numbers)
        return any(start <= low and high < end for start, end in EPOCHS)

    @cached_property
    def dated(self) -> Dated | None:
        """How the numbers are dates by their size and their name; None where they are not."""
        return None if self.column.listed else dated(self.label, self.counts)

    @cached_property
    def is_moment(self) -> bool:
        """Whether they are points in time, by what they look like."""
        found = self.column.kind.endswith("moment") or self.date_forms or self.is_epoch
        return bool(found or self.dated) and bool(self.values)

    @cached_property
    def shapes(self) -> set[str]:
        return {shape(value) for value in self.values}

    @cached_property
    def wordy(self) -> bool:
        """Whether they are texts for people to read."""
        spaced = sum(" " in value for value in self.values)
        return bool(self.values) and (spaced > 0.3 * len(self.values) or self.mean_length > 60)

    @cached_property
    def mean_length(self) -> float:
        return sum(map(len, self.values)) / max(1, len(self.values))

    @cached_property
    def is_asin(self) -> bool:
        """Whether they are Amazon's numbers of products, or ISBNs."""
        matches = sum(ASIN.fullmatch(value) is not None for value in self.values)
        return matches > 0.9 * len(self.values) and any(v.startswith("B0") for v in self.values)

    @cached_property
    def is_isbn(self) -> bool:
        """Whether they are ISBNs of ten digits, by the last one, which checks the others."""
        several = self.distinct > 3
        return several and all(len(v) == 10 and is_isbn(v) for v in set(self.values))

    @cached_property
    def is_asin_like(self) -> bool:
        return bool(self.values) and all(ASIN.fullmatch(value) for value in self.values)

    @cached_property
    def may_be_id(self) -> bool:
        """Whether they may be ids of users or items, by what they look like."""
        if not self.values or self.is_truth or self.filled < 0.05:
            return False
        if self.numeric and not self.whole_valued and not all(map(CLIENT.fullmatch, self.values)):
            return False
        if self.comma_numeric and not all(map(GROUPED.fullmatch, self.values)):
            return False
        if self.date_forms or self.column.kind.endswith("moment"):
            return False
        return not looks_nested(self.values)

    def rank(self, named: vocabulary.Named) -> int:
        """How well the name says that it is this; -1 for not at all."""
        if not self.label:
            return -1
        found = vocabulary.rank(self.label, named)
        if not 0 <= found < 1000 and self.label.endswith("s") and self.is_list:
            return vocabulary.rank(self.label.removesuffix("s"), named)
        return found

    @cached_property
    def is_list(self) -> bool:
        """Whether the values are lists, in the file's own terms or as texts."""
        return self.column.listed or list_form(self.values) is not None


def is_isbn(text: str) -> bool:
    """Whether the weighted sum of ten digits is a multiple of 11 (ISO 2108); X is 10."""
    if not re.fullmatch(r"[0-9]{9}[0-9X]", text):
        return False
    digits = [10 if digit == "X" else int(digit) for digit in text]
    return (
        sum(weight * digit for weight, digit in zip(range(10, 0, -1), digits, strict=True)) % 11
        == 0
    )


def is_missing_cell(text: str) -> bool:
    """Whether a cell holds a word for a missing value, or nothing."""
    return text.strip().lower() in MISSING
