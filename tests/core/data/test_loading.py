"""A source, as a person names it, becomes a dataset of a name."""

import pytest

from seqrec_cli.core.data.loading import choose_name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("ml-1m", "ml-1m"),
        ("a/my log.csv.gz", "my-log"),
        ("a/ratings.tar.dat", "ratings.tar"),
        ("demo", "demo"),
        ("./.hidden.txt", "hidden"),
    ],
)
def test_names_the_result_after_the_source(source: str, name: str) -> None:
    assert choose_name(None, source, shuffled=False) == name
