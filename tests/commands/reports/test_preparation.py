"""The summary of a preparation: counts, features, notes."""

import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from tests.commands.test_prepare import SMALL_LOG


def test_prepares_the_demo_with_its_ceiling(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["prepare", "demo", "--data-dir", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "ceiling ndcg@10" in result.stdout
    ceiling = json.loads((tmp_path / "demo.json").read_text())["ceiling"]
    assert 0.5 < ceiling["ndcg@10"] < ceiling["hr@10"] < 1


def test_shuffles_the_order(runner: CliRunner, tmp_path: Path) -> None:
    for arguments in (["demo"], ["demo", "--shuffle-order", "log"]):
        result = runner.invoke(app, ["prepare", *arguments, "--data-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
    plain = SequenceDataset.load(tmp_path / "demo.npz")
    shuffled = SequenceDataset.load(tmp_path / "demo-shuffled.npz")
    np.testing.assert_array_equal(plain.train.offsets, shuffled.train.offsets)
    assert (plain.train.items != shuffled.train.items).mean() > 0.9


def test_features_are_read_encoded_and_accounted_for(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(SMALL_LOG)
    (tmp_path / "people.csv").write_text(
        "user,age,city\n"
        + "".join(f"u{u},{20 + u},{'Rome' if u % 2 else 'Bonn'}\n" for u in range(7))
    )
    (tmp_path / "things.csv").write_text(
        "item,title,price,tags\n" + "".join(f"i{i},Thing {i},{i}.5,x|y\n" for i in range(9))
    )
    arguments = [
        *("prepare", str(tmp_path / "log.csv"), "--data-dir", str(tmp_path)),
        *("--users-file", str(tmp_path / "people.csv")),
        *("--items-file", str(tmp_path / "things.csv"), "--min-value-count", "2"),
        *("--item-features", "price=dense,tags=tags", "--new-items"),
    ]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    lines = " ".join(result.stdout.split())
    assert "city (sparse, 2 values, 1 missing); left out: age; 1 without a row" in lines
    assert "price (dense); tags (tags, 2 values)" in lines
    dataset = SequenceDataset.load(tmp_path / "log.npz")
    assert dataset.user_features is not None
    assert dataset.user_features.sparse.ravel().tolist() == [2, 3, 2, 3, 2, 3, 2, 1]
    assert dataset.item_ids.tolist() == [f"i{i}" for i in range(9)]
    assert dataset.item_titles is not None
    assert dataset.item_titles[8] == "Thing 8"
    assert dataset.features().trained.tolist() == [True] * 6 + [False] * 3
    assert dataset.item_features is not None
    assert dataset.item_features.tags[0].tolist() == [[2, 3]] * 9
    before = (tmp_path / "log.npz").read_bytes()
    assert runner.invoke(app, arguments).exit_code == 0
    assert (tmp_path / "log.npz").read_bytes() == before


def test_columns_without_a_name_have_a_number(runner: CliRunner, tmp_path: Path) -> None:
    rows = [f"{u},{(u + t) % 6},{1500000000 + t}" for u in range(9) for t in range(5)]
    for header, user, order in (
        ("", "column 1", "column 3"),
        ("user,item,time\n", "user", "`time`"),
    ):
        (tmp_path / "log.csv").write_text(header + "\n".join(rows) + "\n")
        command = ["prepare", str(tmp_path / "log.csv"), "--dry-run"]
        lines = runner.invoke(app, command).stdout.splitlines()
        told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[1:]}
        assert told["user"].startswith(f"{user}, as in ")
        assert told["order"].startswith(f"by {order}")


def test_kinds_are_counted_by_items_where_rows_hold_lists(
    runner: CliRunner, tmp_path: Path
) -> None:
    rows = [f"u{n % 7},{n % 2},{n % 6}|{n % 5 + 6},{1500000000 + n}" for n in range(60)]
    for items, said in (
        ("items", "0 60, 1 60 (each value of a list counts); to choose: "),
        ("", ""),
    ):
        header = f"user,clicked,{items or 'item'},time\n"
        own = rows if items else [row.replace("|", "") for row in rows]
        (tmp_path / "log.csv").write_text(header + "\n".join(own) + "\n")
        command = ["prepare", str(tmp_path / "log.csv"), "--dry-run"]
        told = runner.invoke(app, command).output.replace("\n", " ")
        assert (said or "0 30, 1 30; to choose: ") in told


def test_what_a_file_of_vectors_was_read_for_is_said(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(SMALL_LOG)
    (tmp_path / "v.csv").write_text(
        ",item,a,b\n" + "".join(f"{i},i{i},{i},0.5\n" for i in range(5))
    )
    arguments = ["prepare", str(tmp_path / "log.csv"), "--data-dir", str(tmp_path)]
    arguments += ["--item-vectors", str(tmp_path / "v.csv")]
    result = runner.invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.stderr
    assert "2 numbers each, of " in result.stdout
    assert "v.csv (a to b); not used: a column without a name; 1 items without" in result.stdout
