"""seqrec evaluate: how good runs are, beside what needs no training."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import is_given, takes
from seqrec_cli.commands.evaluate_options import EvaluateOptions, parse_ks, parse_targets
from seqrec_cli.commands.evaluate_results import (
    check_thresholds,
    keep_results,
    known_baselines,
    stages_of,
)
from seqrec_cli.commands.options import (
    say_which,
)
from seqrec_cli.commands.reports import evaluation as shown
from seqrec_cli.commands.reports import ranking as shown_ranking
from seqrec_cli.commands.reports import rules as shown_rules
from seqrec_cli.commands.stages import (
    diversified,
    open_reranker,
    open_retriever,
    open_rules,
    reweigh,
    with_priors,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.evaluation.report import EvaluationProtocol, Report
    from seqrec_cli.core.evaluation.sequential import Evaluation
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.runs.comparing import Compared
    from seqrec_cli.core.runs.run import Run

NEXT_ITEM_ONLY = (
    *("protocol", "k", "seen", "targets", "sample_users", "per_user", "safe_csv"),
    *("index", "effort"),
    *("only", "exclude", "exclude_seen", "popularity_penalty", "prior", "reweigh", "diversify"),
)


@takes(EvaluateOptions)
def evaluate(options: EvaluateOptions, context: typer.Context) -> None:
    """Say how good runs are, with 95 % intervals over users.

    $ seqrec evaluate ml-1m-sasrec-1 --k 10
    """
    from seqrec_cli.core.data.store import RANKING
    from seqrec_cli.core.evaluation.report import EvaluationProtocol
    from seqrec_cli.core.evaluation.thresholds import parse_threshold
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.reranking import check_candidates

    protocol = EvaluationProtocol(
        part=options.split,
        kind=options.protocol,
        ks=parse_ks(options.k),
        seen=options.seen,
        targets=parse_targets(options.targets),
        seed=options.seed,
        sample_users=options.sample_users,
    )
    for text in options.fail_under or ():
        parse_threshold(text)
    if options.per_user is not None:
        check_output(options.per_user)
    if options.rerank is not None:
        check_candidates(options.candidates, max(protocol.ks))
    runs = open_runs(options)
    if options.rerank is None and all(run.task == RANKING for run in runs):
        refuse_next_item_options(context)
        evaluate_ranking(runs, options)
    else:
        evaluate_sequential(runs, options, protocol)


def open_runs(options: EvaluateOptions) -> "list[Run]":
    """The runs that are named, or the latest; before a re-ranker, the latest that finds items."""
    from seqrec_cli.core.data.store import NEXT_ITEM
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.loading import newest_of
    from seqrec_cli.core.runs.run import Run

    find = find_run if options.rerank is None else lambda name: newest_of(NEXT_ITEM, name)
    runs = [Run.open(find(name)) for name in options.runs]
    for name, run in zip(options.runs, runs, strict=True):
        say_which(name, run.path)
    return runs


def refuse_next_item_options(context: typer.Context) -> None:
    """Refuse what was typed and has no use for ranking runs."""
    if given := [name for name in NEXT_ITEM_ONLY if is_given(context, name)]:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise typer.BadParameter(f"a ranking run has no use for {options}: leave it out")


def evaluate_ranking(runs: "Sequence[Run]", options: EvaluateOptions) -> None:
    """Say how good ranking runs are, each metric with its 95 % interval."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation.ranking import evaluate_rows
    from seqrec_cli.core.runs.comparing import load_rankers

    device = choose_device(options.device)
    compared = load_rankers(runs, options.data, options.data_dir, device)
    console.warn_all(compared.notes)
    report = evaluate_rows(
        {name: ranker.model for name, ranker in compared.rankers.items()},
        compared.dataset,
        options.split,
        device,
        baselines=options.baselines,
        seed=options.seed,
    )
    stopped = compared.stopped_on_test
    if options.as_json:
        console.print_json(report.plain() | {"stopped_on_the_test_part": stopped})
    else:
        shown_ranking.show_ranking_metrics(report)
    keep_results(report.plain(), {}, compared.runs)
    if options.split == "test" and stopped:
        console.warn(
            f"{', '.join(stopped)}: stopped on the test file, so these figures are optimistic"
        )
    check_thresholds(report.figures, compared.runs, options)


def evaluate_sequential(
    runs: "Sequence[Run]", options: EvaluateOptions, protocol: "EvaluationProtocol"
) -> None:
    """Say how good runs are that find items, beside baselines, with one stage or two."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation.report import make_report
    from seqrec_cli.core.runs.comparing import load_runs, settle_protocol
    from seqrec_cli.core.runs.results import PRIOR, REWEIGHED

    if options.exclude_seen is not None:
        protocol = replace(protocol, seen="exclude")
    protocol, device = settle_protocol(protocol, runs), choose_device(options.device)
    marks = [REWEIGHED] * options.reweigh + [PRIOR] * (options.prior is not None)
    compared = load_runs(runs, options.data, options.data_dir, device, options.split, marks)
    console.warn_all(compared.notes)
    rules, account = rules_of(compared, options)
    of_baselines = next(iter(rules.values()))
    weights, priors = choose_on_valid(compared, options, protocol, rules)
    retrievers = open_retrievers(compared, options, rules)
    finders: dict[str, Finder | None] = dict(retrievers)
    scorers: dict[str, Any] = dict(compared.scorers)
    reach: dict[str, float] = {}
    if options.rerank is not None:
        staged = Stages(compared, retrievers, scorers, finders, rules)
        reach = add_second_stage(options, protocol, staged)
    for name, run in compared.runs.items():
        finders[name] = diversified(options, run, scorers[name], finders[name], rules[name])
    known = {} if account else known_baselines(compared, protocol, options)
    if options.baselines and not known:
        baselines = baselines_of(compared, options.sample_users)
        scorers |= baselines
        rules |= dict.fromkeys(baselines, of_baselines)
    data = compared.dataset
    outcomes = evaluated(data, scorers, protocol, finders, rules)
    names, ruled = list(compared.runs), {**account, **priors}
    report = make_report(data, protocol, outcomes, names, retrievers, reach, ruled, known, weights)
    remembering = options.baselines and not known and not account
    finish(report, compared, options, remembering=remembering)


def choose_on_valid(
    compared: "Compared",
    options: EvaluateOptions,
    protocol: "EvaluationProtocol",
    rules: "dict[str, Rules | None]",
) -> "tuple[Mapping[str, Mapping[str, float]], Mapping[str, Any]]":
    """Let the valid part choose, by the protocol, what is asked for: the weights of what joins each
    network, by names, and of popularity, in words."""
    from seqrec_cli.core.runs.comparing import before_last_fits

    if not (options.reweigh or options.prior):
        return {}, {}
    judged = before_last_fits(compared)
    weights = reweigh(compared, judged, protocol, rules) if options.reweigh else {}
    return weights, with_priors(compared, judged, protocol, rules) if options.prior else {}


def evaluated(
    data: "SequenceDataset",
    scorers: dict[str, Any],
    protocol: "EvaluationProtocol",
    finders: "dict[str, Finder | None]",
    rules: "dict[str, Rules | None]",
) -> "dict[str, Evaluation]":
    """What each scorer finds, with a bar."""
    from seqrec_cli.core.evaluation.report import evaluate_each

    outcomes: dict[str, Evaluation] = {}
    with console.progress(len(scorers), "evaluated") as advance:
        for name, outcome in evaluate_each(data, scorers, protocol, finders, rules):
            outcomes[name] = outcome
            advance(len(outcomes), name)
    return outcomes


def finish(
    report: "Report", compared: "Compared", options: EvaluateOptions, *, remembering: bool
) -> None:
    """Keep what was found, print it, and hold it against the thresholds."""
    from seqrec_cli.core.evaluation.remembered import remember
    from seqrec_cli.core.runs.comparing import seed_groups

    if options.per_user is not None:
        report.write_users(options.per_user, safe=options.safe_csv)
    if remembering:
        data = compared.dataset
        remember(compared.data_path, data.sha256, report.protocol, report.baselines)
    stages = stages_of(report, options)
    keep_results(report.plain(), stages, compared.runs, compared.tracks)
    kinds = {name: run.experiment().model.name for name, run in compared.runs.items()}
    print_report(report, options, stages, seed_groups(compared.runs), kinds)
    check_thresholds(report.figures, compared.runs, options)


def open_retrievers(
    compared: "Compared", options: EvaluateOptions, rules: "Mapping[str, Rules | None]"
) -> "dict[str, Retriever | None]":
    """What finds items for each run by its index, if one is asked for."""
    scorers, index, effort = compared.scorers, options.index, options.effort
    return {
        name: open_retriever(run, scorers[name], index, effort, rules[name])
        for name, run in compared.runs.items()
    }


def rules_of(
    compared: "Compared", options: EvaluateOptions
) -> "tuple[dict[str, Rules | None], Mapping[str, Any]]":
    """The rules of each run, and what was asked for, in words; says what they leave."""
    from seqrec_cli.core.inference.recent import unit_of

    unit = unit_of(compared.dataset)
    ruled = {name: open_rules(options, run, unit) for name, run in compared.runs.items()}
    first = next(iter(ruled.values()))
    shown_rules.show_rules(first, baselines=options.baselines)
    return {name: each.rules for name, each in ruled.items()}, first.account


@dataclass(frozen=True)
class Stages:
    """The runs, and by their names what finds, scores and rules; a second stage adds to them."""

    compared: "Compared"
    retrievers: "dict[str, Retriever | None]"
    scorers: dict[str, Any]
    finders: "dict[str, Finder | None]"
    rules: "dict[str, Rules | None]"


def add_second_stage(
    options: EvaluateOptions, protocol: "EvaluationProtocol", stages: Stages
) -> dict[str, float]:
    """Add what orders the finds of each run; returns what the candidates of each can reach."""
    from seqrec_cli.core.evaluation.report import candidate_recall
    from seqrec_cli.core.inference.reranking import check_unseen
    from seqrec_cli.core.runs.loading import catalogue_of

    assert options.rerank is not None
    reach, compared = {}, stages.compared
    for name, run in compared.runs.items():
        scorer, retriever, rules = (
            compared.scorers[name],
            stages.retrievers[name],
            stages.rules[name],
        )
        parts = retriever, scorer, catalogue_of(run), options.candidates, compared.dataset
        second = open_reranker(
            options.rerank, *parts, options.split, options.retrieval_weight, rules
        )
        check_unseen(second.ranker, compared.dataset, options.split)
        both = f"{name} + {Path(options.rerank).name}"
        stages.scorers[both], stages.rules[both] = scorer, rules
        stages.finders[both] = diversified(options, run, scorer, second, rules)
        reach[name] = candidate_recall(
            scorer, compared.dataset, protocol, options.candidates, retriever, rules
        )
    return reach


def baselines_of(compared: "Compared", users: int | None) -> dict[str, Any]:
    """Scorers that need no training; says which are left out."""
    from seqrec_cli.core.evaluation.report import fit_baselines

    fitted, left_out = fit_baselines(compared.dataset, users)
    for name in left_out:
        asked = min(compared.dataset.num_users, users or compared.dataset.num_users)
        console.warn(
            f"{name} left out: {asked:,} users and {compared.dataset.num_items:,} items are too "
            "many for it"
        )
    if left_out and users is None:
        console.hint("`--sample-users 10000` asks about fewer users, and takes minutes less")
    return dict(fitted)


def print_report(
    report: "Report",
    options: EvaluateOptions,
    stages: dict[str, Any],
    groups: "Mapping[str, Sequence[str]]",
    kinds: "Mapping[str, str]",
) -> None:
    """Print figures, comparisons, and what an index or a second stage costs and reaches."""
    if not options.as_json:
        shown.show_metrics(report, groups, kinds)
        shown.show_stages(report, options.index, options.candidates)
        return
    console.print_json(report.plain() | dict(stages))
