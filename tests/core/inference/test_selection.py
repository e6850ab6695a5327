"""Which items a rule names, and what is said of one that names none."""

from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.item_table import ItemTable, Texts
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.selection import Selection
from seqrec_cli.errors import InputError
from tests.shop import said


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ("categry = 'shoes'", "has no column `categry`", "did you mean `category`?"),
        ("category = 'boots'", "no item fulfils", "`category` has `"),
        ("price = 'dear'", "cannot be evaluated", "`price` is a number"),
        ("topics = 'red'", "cannot be evaluated", "`list_contains(topics, 'value')` looks into it"),
        ("1 = 1", "it names no column", "--only"),
        ("(select 1)", "`subquery` has no place in it", "--only"),
        ("price > 1; drop table x", "is no condition", "--only"),
        ("price < getenv('HOME')", "the function `getenv` is not known here", "--only"),
        ("gone.txt", "cannot read `gone.txt`", "one item id a line"),
        ("price < 1 and price > 2", "no item fulfils", "`price` is `0` to `48`"),
        ("category = 'shoes' and", "is no condition: it ends too early", "category = "),
        ("category = 'shoes", "unterminated string", "category = "),
        ("''", "it names no column", "--only"),
    ],
)
def test_explains_a_bad_rule(shop: Path, rule: str, message: str, hint: str) -> None:
    for command in (("recommend", "--run", "one", "--user", "u1"), ("evaluate", "one")):
        text = said(*command, "--only", rule, code=1)
        assert message in text
        assert hint in text.split("hint: ")[1]


def test_ids_of_a_file_that_are_unknown_are_counted(shop: Path) -> None:
    (shop / "skus.txt").write_text("item 03\nitem 99\n")
    text = said("recommend", "--run", "one", "--user", "u1", "--only", "skus.txt")
    assert "1 of 2 ids are not in the catalogue, the first of them `item 99`" in text
    (shop / "skus.txt").write_text("item 98\nitem 99\n")
    text = said("recommend", "--run", "one", "--user", "u1", "--only", "skus.txt", code=1)
    assert "none of its 2 ids is in the catalogue" in text


@pytest.mark.parametrize(
    ("cells", "example"),
    [
        (("2", "10"), "c >= 2"),
        (("2.5", "10"), "c >= 2.5"),
        (("yes", "no"), "c = true"),
        (("False", "true"), "c = false"),
        (("2024-05-01", "2024-06-01"), "c >= '2024-05-01'"),
        (("red|blue", "red"), "'red' in c"),
        (("it's", "big tent"), "c = 'big tent'"),
        (("it's", "$x"), "item = 'a'"),
    ],
)
def test_the_example_of_a_hint_can_be_used(cells: tuple[str, ...], example: str) -> None:
    table = ItemTable({"c": Texts.of(TextColumn.of(cells))})
    selection = Selection(Catalogue(np.array(["a", "b"]), None), table, "the table")
    with pytest.raises(InputError) as caught:
        selection.choose("--only", "1 = 1")
    assert caught.value.hint.endswith(f'`--only "{example}"`')
    assert selection.choose("--only", example).mask.any()
