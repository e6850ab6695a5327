"""What was seen lately is left out, and nothing else."""

from pathlib import Path

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from tests.core.inference.test_people import by_user, rows_of
from tests.shop import DAY, START, item, plain, said, write


def test_lately_is_counted_from_the_newest_time_of_the_file(shop: Path) -> None:
    skus = [item(n)["sku"] for n in range(6)]
    rows = [("a", sku, START + n * DAY) for n, sku in enumerate(skus)]
    write(shop / "new.csv", ("user", "item", "time"), [*rows, ("b", skus[0], START + 9 * DAY)])
    command = ("recommend", "--run", "one", "--histories", "new.csv", "--output", "o.jsonl")
    said(*command, "--topk", "99", "--exclude-seen", "since=6d")
    found = {i for i, _ in by_user(rows_of("o.jsonl"))["a"]}
    assert found & set(skus) == set(skus[:3])


def test_only_what_was_seen_lately_is_left_out(shop: Path) -> None:
    data = SequenceDataset.load(Path("data/shop.npz"))
    assert data.test is not None
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    end = max(int(times.max()) for times in data.timestamps.values())
    times = np.concatenate([data.timestamps[p][: s.offsets[1]] for p, s in parts.items()])  # type: ignore[index]
    user, history = str(data.user_ids[0]), data.histories()[0]
    command = ("recommend", "--run", "one", "--user", user, "--topk", "99")
    every = [i["item"] for i in plain(*command, "--seen", "include")[0]["items"]]
    for days in (0, 7, 30, 400):
        (row,) = plain(*command, "--exclude-seen", f"since={days}d")
        late = {str(data.item_ids[i - 1]) for i in history[times >= end - days * DAY]}
        assert [i["item"] for i in row["items"]] == [i for i in every if i not in late]
    text = said(*command, "--exclude-seen", "since=monday", code=1)
    assert "`--exclude-seen since=monday`: `monday` is not a time" in text
    assert "write `--exclude-seen since=30d` (s, min, h, d or w), or a date" in text
    text = said(*command, "--exclude-seen", "since=3d", "--seen", "include", code=2)
    assert "--exclude-seen is" in text


def test_an_evaluation_leaves_out_what_was_seen_before_each_target(shop: Path) -> None:
    none = plain("evaluate", "one", "--exclude-seen", "since=0d", "--no-baselines")
    include = plain("evaluate", "one", "--seen", "include", "--no-baselines")
    assert none["figures"] == include["figures"]
    assert none["rules"]["exclude_seen"] == "since=0d"
    all_of_it = plain("evaluate", "one", "--exclude-seen", "since=2000-01-01", "--no-baselines")
    exclude = plain("evaluate", "one", "--seen", "exclude", "--no-baselines")
    assert all_of_it["figures"] == exclude["figures"]
    some = plain("evaluate", "one", "--exclude-seen", "since=6d", "--no-baselines")
    assert some["figures"] not in (none["figures"], exclude["figures"])
