"""Tables of figures that fit the terminal: scorers as columns, metrics as rows.

A cell is a value with something smaller beside it, such as its interval. Where a line has no room
for all columns the small part moves to a second line; where that is too wide still, the table is
cut into several with the same rows.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from seqrec_cli import console

GAP = 2  # spaces between columns


@dataclass(frozen=True)
class Cell:
    """A figure: the value, what stands beside or below it, and whether it is the best of a row."""

    value: str
    beside: str = ""
    best: bool = False

    def text(self, *, stacked: bool) -> Text:
        style = "bold" if self.best else ""
        if not self.beside:
            return Text(self.value, style)
        return Text.assemble((self.value, style), "\n" if stacked else " ", (self.beside, "dim"))

    def width(self, *, stacked: bool) -> int:
        sizes = len(self.value), len(self.beside)
        return max(sizes) if stacked or not self.beside else sum(sizes) + 1


def print_grid(
    corner: str, rows: Mapping[str, Sequence[Cell]], columns: Sequence[str], *, title: str = ""
) -> None:
    """Write a table of figures to stdout, in as few pieces as the width allows."""
    room = console.stdout().width
    first = max(len(corner), *(len(name) for name in rows)) if rows else len(corner)
    cells = [[row[number] for row in rows.values()] for number in range(len(columns))]
    stacked, widths = False, [0]
    for stacked, whole_names in ((False, True), (False, False), (True, False)):
        widths = [
            max(len(name) if whole_names else longest_word(name), 0, *figures_of(column, stacked))
            for name, column in zip(columns, cells, strict=True)
        ]
        if first + sum(width + GAP for width in widths) <= room:
            break
    for piece in pieces(widths, room - first):
        header = [textwrap.fill(columns[n], widths[n], break_on_hyphens=False) for n in piece]
        console.print_table(
            [corner, *header],
            [
                [name, *(row[number].text(stacked=stacked) for number in piece)]
                for name, row in rows.items()
            ],
            title=title,
        )


def figures_of(column: Sequence[Cell], stacked: bool) -> Iterator[int]:
    """The widths of a column's cells."""
    return (cell.width(stacked=stacked) for cell in column)


def pieces(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The numbers of the columns of each table: as many as fit, and one at least."""
    piece: list[int] = []
    used = 0
    for number, width in enumerate(widths):
        if piece and used + width + GAP > room:
            yield piece
            piece, used = [], 0
        piece.append(number)
        used += width + GAP
    if piece:
        yield piece


def longest_word(text: str) -> int:
    """The length of the longest word, below which a header cannot be narrowed."""
    return max(map(len, text.split()), default=0)


def mark_best(values: Sequence[float | None], *, lower: bool = False) -> list[bool]:
    """Which of the values are the best; none where there is a single one."""
    there = [value for value in values if value is not None]
    if len(there) < 2:
        return [False] * len(values)
    best = min(there) if lower else max(there)
    return [value == best for value in values]
