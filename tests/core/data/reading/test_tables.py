"""A whole table as texts, however it writes lists."""

from pathlib import Path

from seqrec_cli.core.data.ranking.from_table import prepare_pair
from tests.core.data.ranking.test_from_table import ONE


def test_the_files_of_the_din_paper_are_read(tmp_path: Path) -> None:
    rows = ["0\tA1\tB15\tBooks\tB1\x02B2\tBooks\x02Toys", "1\tA1\tB1\tToys\tB2\tBooks"]
    rows += ["1\tA2\tB2\tBooks\tB15\x02B1\x02B2\tBooks\x02Toys\x02Books"]
    for name in ("local_train", "local_test"):
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    data = prepare_pair(tmp_path, "din", encoding=ONE)
    assert data.test is not None
    assert data.train.labels.tolist() == [0, 1, 1]
    assert (data.train.history > 0).sum(axis=1).tolist() == [2, 1, 3]
    assert data.manifest["source"]["format"] == "local_train and local_test"
    again = prepare_pair(tmp_path / "local_train", "din", encoding=ONE)
    assert again.train.items.tolist() == data.train.items.tolist()
