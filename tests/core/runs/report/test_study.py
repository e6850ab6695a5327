"""What a report is about: the same figures, lists and reasons as the commands give."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.runs.report.study import Study, item_text
from tests.core.runs.report.conftest import study_of
from tests.shop import plain


def test_figures_are_those_of_evaluate(shop: Path) -> None:
    told = plain("evaluate", "one", "--k", "1,5,10")
    found = study_of("one")
    assert json.loads(json.dumps(found.report.plain()["figures"])) == told["figures"]
    kept = [
        json.loads(line) for line in Path("runs/one/evaluations.jsonl").read_text().split("\n")[:-1]
    ]
    assert len(kept) == 1  # the same evaluation again
    again = study_of("one")  # with baselines that are remembered
    assert again.report.plain()["figures"] == found.report.plain()["figures"]


def test_slices_add_up_to_everybody(study: Study) -> None:
    metric = study.report.main_metric
    whole = study.report.figures["one"][metric].mean
    # Everybody waits as long for the next item, so there are no slices by time.
    assert list(study.slices) == ["length of the history", "popularity of the target"]
    for rows in study.slices.values():
        users = [study.slice_users[name] for name in rows]
        means = [figures["one"].mean for figures in rows.values()]
        assert sum(users) == len(study.report.first.users)
        assert np.average(means, weights=users) == pytest.approx(whole)
        for figures in rows.values():
            assert figures["one"].low <= figures["one"].mean <= figures["one"].high


def test_examples_are_what_recommend_gives(shop: Path) -> None:
    found = study_of("one", examples=5)
    assert len(found.examples) == 5
    users = [piece for each in found.examples for piece in ("--user", each.user)]
    told = plain("recommend", "one", *users, "--before", "test", "--why", "--topk", "10")
    by_user = {row["user"]: row for row in told}
    data = found.dataset
    ids = [str(key) for key in data.user_ids]
    for example in found.examples:
        items = by_user[example.user]["items"]
        assert [each.item for each in example.listed] == [
            f"{row['title']} [{row['item']}]" for row in items
        ]
        assert [r.influence for each in example.listed for r in each.reasons] == pytest.approx(
            [reason["influence"] for row in items for reason in row["why"][:2]]
        )
        assert data.test is not None
        wanted = item_text(data, int(data.test[ids.index(example.user)][0]))
        assert example.wanted == (wanted,)
        hits = [at for at, each in enumerate(example.listed, 1) if each.item == wanted]
        assert example.rank == (hits[0] if hits else None)
    assert study_of("one", examples=0).examples == []
