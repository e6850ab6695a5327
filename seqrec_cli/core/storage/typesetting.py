"""Tables as text for papers and other programs: Markdown, LaTeX, CSV."""

import csv
import io
from collections.abc import Collection, Sequence

# What LaTeX takes for a command, and how it is written there.
LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"},
        **{
            "†": r"$^\dagger$",
            "±": r"$\pm$",
            "–": "--",
            "×": r"$\times$",
            "<": r"$<$",
            ">": r"$>$",
        },
    }
)

Rows = Sequence[Sequence[str]]
Place = tuple[int, int]  # row and column


def as_markdown(columns: Sequence[str], rows: Rows, bold: Collection[Place] = ()) -> str:
    """A table of Markdown; the cells at `bold` stand out."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    marked = [
        [f"**{cell}**" if (y, x) in bold else cell for x, cell in enumerate(row)]
        for y, row in enumerate(rows)
    ]
    return "\n".join([line(columns), line(["---"] * len(columns)), *map(line, marked)]) + "\n"


def as_latex(
    columns: Sequence[str], rows: Rows, bold: Collection[Place] = (), text_columns: int = 1
) -> str:
    """A tabular of LaTeX with the rules of booktabs; the first columns are text."""

    def cell(text: str, place: Place | None = None) -> str:
        shown = text.translate(LATEX)
        return rf"\textbf{{{shown}}}" if place in bold else shown

    layout = "l" * text_columns + "r" * (len(columns) - text_columns)
    body = [
        " & ".join(cell(text, (y, x)) for x, text in enumerate(row)) + r" \\"
        for y, row in enumerate(rows)
    ]
    head = " & ".join(map(cell, columns)) + r" \\"
    lines = [rf"\begin{{tabular}}{{{layout}}}", r"\toprule", head, r"\midrule", *body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def as_csv(columns: Sequence[str], rows: Rows) -> str:
    """A table as RFC 4180 has it, but for its line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
