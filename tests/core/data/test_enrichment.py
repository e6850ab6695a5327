"""Features and items that nobody has come from files beside the log."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from tests.shop import ITEMS, NEW, item, plain, said


def test_new_items_are_those_that_the_log_never_had(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = [f"{u},{i},{t}" for u in range(5) for t, i in enumerate((1, 2, 3, 4))] + ["0,9,9"]
    Path("log.csv").write_text("\n".join(["user,item,time", *log]))
    Path("items.csv").write_text("item,price\n1,5\n9,6\n10,7\n,8\n11,9\n")
    options = ["--items-file", "items.csv", "--new-items", "--min-item-count", "2"]
    result = runner.invoke(app, ["prepare", "log.csv", *options])
    assert result.exit_code == 0, result.stderr
    dataset = SequenceDataset.load(Path("data/log.npz"))
    assert dataset.item_ids.tolist() == [1, 2, 3, 4, 10, 11]  # 9 was left out for being rare
    Path("items.csv").write_text("item,price\n1,5\n01,6\n")
    result = runner.invoke(app, ["prepare", "log.csv", *options])
    assert result.exit_code == 1
    assert "has the item `01`, where the log has whole numbers" in result.stderr


def test_vectors_of_items_are_kept_and_read(shop: Path) -> None:
    """From the file to a list with an item that nobody has; one without a vector is left out."""
    random = np.random.default_rng(0)
    ids = [item(number)["sku"] for number in range(ITEMS + NEW - 1)]
    vectors = random.normal(size=(len(ids), 4)).astype(np.float32)
    np.savez("vectors.npz", allow_pickle=False, ids=np.array(ids), vectors=vectors)
    prepare = ("prepare", "shop.csv", "--min-user-count", "3", "--new-items", "--name", "told")
    told = (*prepare, "--items-file", "items.csv", "--item-vectors", "vectors.npz")
    manifest = plain(*told)
    assert manifest["item_vectors"] | {"source": ""} == {
        "source": "",
        "columns": [],
        "unused": [],
        "size": 4,
        "rows": len(ids),
        "missing": 1,
        "repeated": 0,
        "empty": 0,
    }
    data = SequenceDataset.load(Path("data/told.npz"))
    assert data.item_vectors is not None
    found = dict(zip(data.item_ids.tolist(), data.item_vectors, strict=True))
    for key, vector in zip(ids, vectors, strict=True):
        np.testing.assert_array_equal(found[key], vector)
    assert not found[item(ITEMS + NEW - 1)["sku"]].any()
    config = Path("toy.yaml").read_text().replace("data: shop", "data: told")
    Path("told.yaml").write_text(config.replace("{hidden", "{item_vectors: added, hidden"))
    said("train", "--config", "told.yaml", "--run", "told", "--device", "cpu")
    recommended = {
        i["item"]
        for row in plain(
            "recommend", "--run", "told", "--user", "u1", "--topk", "99", "--seen", "include"
        )
        for i in row["items"]
    }
    new = {item(number)["sku"] for number in range(ITEMS, ITEMS + NEW)}
    assert new - recommended == {item(ITEMS + NEW - 1)["sku"]}
    Path("plain.yaml").write_text(config)
    text = said("train", "--config", "plain.yaml", "--run", "bare", "--device", "cpu")
    assert "--set model.item_vectors=added" in text
    Path("toy.yaml").write_text(Path("told.yaml").read_text().replace("told", "shop"))
    assert "has none" in said("train", "--config", "toy.yaml", "--device", "cpu", code=1)


def test_new_items_may_come_from_vectors_alone(shop: Path) -> None:
    lines = [f"{item(n)['sku']},{n},{n % 3}" for n in range(ITEMS + 1)]
    Path("vectors.csv").write_text("\n".join(lines))
    prepare = ("prepare", "shop.csv", "--name", "told", "--item-vectors", "vectors.csv")
    manifest = plain(*prepare, "--new-items")
    assert manifest["items_without_interactions"] == 1
    Path("vectors.csv").write_text("a,1,2\nb,3,4\n")
    assert "has no vector of any item" in said(*prepare, "--force", code=1)
