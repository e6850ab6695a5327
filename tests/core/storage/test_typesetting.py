"""Tables as text: what stands in a cell cannot break the table."""

import csv
import io

from seqrec_cli.core.storage.typesetting import as_csv, as_latex, as_markdown

COLUMNS = ["run_1", "ndcg@10"]
ROWS = [["a & b|c", "0.1000 ± 0.0100"], ["50 %", "0.2000"]]


def test_latex_is_escaped_and_the_best_is_bold() -> None:
    assert as_latex(COLUMNS, ROWS, {(1, 1)}).splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"run\_1 & ndcg@10 \\",
        r"\midrule",
        r"a \& b|c & 0.1000 $\pm$ 0.0100 \\",
        r"50 \% & \textbf{0.2000} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_markdown_keeps_its_columns() -> None:
    assert as_markdown(COLUMNS, ROWS, {(1, 1)}).splitlines() == [
        "| run_1 | ndcg@10 |",
        "| --- | --- |",
        r"| a & b\|c | 0.1000 ± 0.0100 |",
        "| 50 % | **0.2000** |",
    ]


def test_csv_reads_back() -> None:
    rows = [['a "quoted", text', "1"], ["two\nlines", "2"]]
    assert list(csv.reader(io.StringIO(as_csv(COLUMNS, rows)))) == [COLUMNS, *rows]
