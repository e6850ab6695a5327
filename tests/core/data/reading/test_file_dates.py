"""The order of files by the dates in their names."""

import pytest

from seqrec_cli.core.data.reading.file_dates import order_of_dates


@pytest.mark.parametrize(
    "names",
    [
        ("28-11-2023", "01-12-2023", "02-01-2024"),
        ("log 28.11.2023 a", "log 1.12.2023 b", "log 2.1.2024 a"),
        ("11-28-2023", "12-01-2023", "01-02-2024"),
        ("28112023", "01122023", "02012024"),
        ("Nov2023", "Dec2023", "Jan2024"),
        ("events-november-2023", "events-december-2023", "events-january-2024"),
        ("2023_Nov", "2023_Dec", "2024_Jan"),
        ("28Nov2023", "01Dec2023", "02Jan2024"),
        ("b-2023-11-28", "a-2023-12-01", "a-2024-01-02"),
        ("11-2023", "12-2023", "01-2024"),
        ("Janvier 2024", "Février 2024", "Août 2024"),
    ],
)
def test_files_are_in_the_order_of_their_dates(names: tuple[str, ...]) -> None:
    assert order_of_dates(names) == [0, 1, 2]
    assert order_of_dates(names[::-1]) == [2, 1, 0]


@pytest.mark.parametrize(
    "names",
    [
        ("01-12-2023", "02-11-2023", "12-01-2024"),  # days first or months first
        ("part-1", "part-2"),
        ("2020-11-15-2020-12-14", "2020-12-15-2021-01-14", "2021-01-15-2021-02-14"),
        ("2020_11_2020_12", "2020_12_2021_01", "2021_01_2021_02"),
        ("Nov2023", "Dec2023", "rest"),
        ("Foo2023", "Bar2024"),
    ],
)
def test_names_without_one_date_each_have_no_order(names: tuple[str, ...]) -> None:
    assert order_of_dates(names) is None
