"""What a grid comes to: the table of a paper, with the best and what differs from it."""

from typing import Any

from seqrec_cli.core.evaluation.comparison import Difference
from seqrec_cli.core.evaluation.groups import Spread
from seqrec_cli.core.runs.summary import Summary, table_of

REPORT: Any = None  # no table looks at it


def difference(a: str, b: str, p: float) -> Difference:
    return Difference(a, b, "all users", 9, "hr@10", 0.1, 0.0, 0.2, p)


def test_the_best_of_each_column_is_bold_and_what_differs_from_it_has_a_dagger() -> None:
    one = Summary(
        "one",
        REPORT,
        {
            "good": {"hr@10": Spread(0.5, 0.01, 3)},
            "near": {"hr@10": Spread(0.49, 0.02, 3)},
            "poor": {"hr@10": Spread(0.25, 0.125, 3)},
        },
        # That two others differ from each other says nothing of the best.
        [
            difference("good", "near", 0.05),
            difference("good", "poor", 0.049),
            difference("near", "poor", 0.001),
        ],
    )
    two = Summary("two", REPORT, {"near": {"hr@10": Spread(0.75, None, 1)}}, [])
    columns, rows, bold = table_of([one, two], ["hr@10"])
    assert columns == ["model", "one hr@10", "two hr@10"]
    assert rows == [
        ["good", "0.5000 ± 0.0100", "-"],
        ["near", "0.4900 ± 0.0200", "0.7500"],
        ["poor", "0.2500 ± 0.1250†", "-"],
    ]
    assert bold == {(0, 1), (1, 2)}
