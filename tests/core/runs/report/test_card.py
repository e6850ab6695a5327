"""What a report says in words: who beats whom, what differs, how to do it again."""

import shlex
from pathlib import Path

from seqrec_cli.core.runs.report import card
from seqrec_cli.core.runs.report.study import Study
from tests.commands.test_evaluate_results import run
from tests.core.runs.report.conftest import study_of
from tests.shop import said


def test_the_summary_says_what_beats_the_run_or_what_it_beats(study: Study) -> None:
    figures = study.report.figures
    own = figures["one"]["ndcg@10"].mean
    best = max((n for n in figures if n != "one"), key=lambda n: figures[n]["ndcg@10"].mean)
    other = figures[best]["ndcg@10"].mean
    text = " ".join(card.summary(study))
    expected = f"{own - other:+.4f} against {best}" if own > other else f"no better than {best}"
    assert expected in text


def test_results_mark_the_best_of_each_metric(study: Study) -> None:
    table = card.results(study)
    at = list(table.columns).index("ndcg@10")
    bold = [row for row, column in table.bold if column == at]
    means = [study.report.figures[row[0]]["ndcg@10"].mean for row in table.rows]
    assert {means[row] for row in bold} == {max(means)}
    assert card.differences(study) is None
    assert card.differing_settings(study) is None


def test_details_and_limits_have_the_facts(study: Study) -> None:
    facts = {row[0]: row[1] for row in card.details(study).rows}
    assert facts["model"] == "sasrec"
    assert facts["state"] == "finished"
    assert facts["epochs"] == "3 of 3, best 3"
    model = study.compared.scorers["one"].model  # type: ignore[attr-defined]
    assert facts["weights"] == f"{sum(p.numel() for p in model.parameters()):,}"
    limits = " ".join(card.limits(study))
    coverage = study.report.figures["one"]["coverage@10"].mean
    assert f"one lists {coverage:.1%} of the catalogue" in limits
    slices = [f["one"] for rows in study.slices.values() for f in rows.values()]
    assert f"{min(figure.mean for figure in slices):.4f}" in limits
    assert any("Only an experiment" in each for each in card.limits(study))
    assert any("came after the training cannot" in each for each in card.uses(study))
    (source,) = (row[1] for row in card.data_facts(study).rows if row[0] == "source")
    assert source == "shop.csv"


def test_the_commands_do_it_again(shop: Path) -> None:
    found = study_of("one")
    prepare, train, evaluate = (shlex.split(line)[1:] for line in card.commands(found))
    assert prepare[:2] == ["prepare", "shop.csv"]
    before = Path("data/shop.npz").read_bytes()
    said(*prepare)
    assert Path("data/shop.npz").read_bytes() == before
    said(*train, "--run", "again", "--device", "cpu")
    weights = "best.safetensors"
    assert Path("runs/again", weights).read_bytes() == Path("runs/one", weights).read_bytes()
    said(*evaluate)


def test_two_runs_are_told_apart(shop: Path) -> None:
    run(
        *("train", "--config", "toy.yaml", "--run", "two", "--device", "cpu"),
        "--set",
        "training.lr=0.001",
    )
    found = study_of("one", "two")
    table = card.differing_settings(found)
    assert table is not None
    assert [list(row) for row in table.rows] == [["training.lr", "0.02", "0.001"]]
    difference = card.differences(found)
    assert difference is not None
    assert difference.rows[0][0] == "one minus two"
    figures = found.report.figures
    expected = figures["one"]["ndcg@10"].mean - figures["two"]["ndcg@10"].mean
    assert difference.rows[0][1].startswith(f"{expected:+.4f}")
