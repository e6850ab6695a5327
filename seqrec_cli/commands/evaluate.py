"""seqrec evaluate: how good runs are, beside what needs no training."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, is_given, takes
from seqrec_cli.commands.options import (
    Candidates,
    Data,
    DataDir,
    Device,
    Diversify,
    DiversifyBy,
    Effort,
    ExcludeItems,
    ExcludeSeen,
    IndexOption,
    Json,
    OnlyItems,
    PartOption,
    PopularityPenalty,
    Rerank,
    RetrievalWeight,
    Seed,
    SeenOption,
    diversified,
    make_reranker,
    make_retriever,
    make_rules,
)
from seqrec_cli.commands.reports import evaluation as shown
from seqrec_cli.commands.reports import ranking as shown_ranking
from seqrec_cli.commands.reports import rules as shown_rules
from seqrec_cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqrec_cli.core.evaluation.queries import Targets
    from seqrec_cli.core.evaluation.report import EvaluationProtocol, Report
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.runs.loading import Compared
    from seqrec_cli.core.runs.run import Run

FULL = Only(
    lambda values: values["protocol"] == "full",
    "for --protocol full: the sampled protocol finds nothing and never has seen items",
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """The options of `seqrec evaluate`."""

    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]…", help="Runs; the latest if none is named."),
    ] = None
    split: PartOption = "test"
    protocol: Annotated[
        Literal["full", "sampled"],
        typer.Option(help="Rank against the whole catalogue, or against 100 random items."),
    ] = "full"
    k: Annotated[str, typer.Option("--k", help="List lengths, separated by commas.")] = "1,5,10,20"
    seen: Annotated[SeenOption, FULL] = None
    targets: Annotated[
        str,
        typer.Option(
            metavar="last|all|N",
            help="Predict what follows each user's history (of a session held out whole: its last "
            "item), and average over users; or every item of the part from all before it, and "
            "average over all of them, as session-based papers do. Intervals are over users. A "
            "number: the next N events of each user, as one set (of a session its last N).",
        ),
        FULL,
        Only(lambda values: values["rerank"] is None, "for one stage, without --rerank"),
    ] = "last"
    only: Annotated[OnlyItems, FULL] = None
    exclude: Annotated[ExcludeItems, FULL] = None
    exclude_seen: Annotated[
        ExcludeSeen,
        FULL,
        Only(lambda values: values["targets"] != "all", "for one moment a user: not --targets all"),
    ] = None
    popularity_penalty: Annotated[PopularityPenalty, FULL] = 0.0
    diversify: Annotated[Diversify, FULL] = 0.0
    diversify_by: DiversifyBy = "vectors"
    baselines: Annotated[bool, typer.Option(help="Include baselines that need no training.")] = True
    per_user: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write each user's metrics to a .csv or .jsonl file."),
    ] = None
    index: Annotated[IndexOption, FULL] = "exact"
    effort: Effort = 128
    rerank: Annotated[Rerank, FULL] = None
    candidates: Candidates = 200
    retrieval_weight: RetrievalWeight = 0.0
    data: Data = None
    data_dir: DataDir = Path("data")
    seed: Seed = 0
    device: Device = "auto"
    as_json: Json = False


NEXT_ITEM_ONLY = (
    *("protocol", "k", "seen", "targets", "per_user", "index", "effort"),
    *("only", "exclude", "exclude_seen", "popularity_penalty", "diversify"),
)


@takes(EvaluateOptions)
def evaluate(options: EvaluateOptions, context: typer.Context) -> None:
    """Say how good runs are, with 95 % bootstrap intervals over users.

    $ seqrec evaluate ml-1m-sasrec-1 --k 10
    """
    from seqrec_cli.core.data.store import RANKING
    from seqrec_cli.core.evaluation.report import EvaluationProtocol
    from seqrec_cli.core.inference.export import check_output
    from seqrec_cli.core.inference.reranking import check_candidates

    protocol = EvaluationProtocol(
        part=options.split,
        kind=options.protocol,
        ks=parse_ks(options.k),
        seen=options.seen,
        targets=parse_targets(options.targets),
        seed=options.seed,
    )
    if options.per_user is not None:
        check_output(options.per_user)
    if options.rerank is not None:
        check_candidates(options.candidates, max(protocol.ks))
    runs = opened(options)
    if options.rerank is None and all(run.task == RANKING for run in runs):
        refuse_next_item_options(context)
        evaluate_ranking(runs, options)
    else:
        evaluate_sequential(runs, options, protocol)


def opened(options: EvaluateOptions) -> "list[Run]":
    """The runs that are named, or the latest; before a re-ranker, the latest that finds items."""
    from seqrec_cli.core.data.store import NEXT_ITEM
    from seqrec_cli.core.runs.directory import LATEST, find_run
    from seqrec_cli.core.runs.loading import newest_of
    from seqrec_cli.core.runs.run import Run

    find = find_run if options.rerank is None else lambda name: newest_of(NEXT_ITEM, name)
    return [Run.open(find(name)) for name in options.runs or [LATEST]]


def refuse_next_item_options(context: typer.Context) -> None:
    """Refuse what was typed and has no use for ranking runs."""
    if given := [name for name in NEXT_ITEM_ONLY if is_given(context, name)]:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise typer.BadParameter(f"a ranking run has no use for {options}: leave it out")


def evaluate_ranking(runs: "Sequence[Run]", options: EvaluateOptions) -> None:
    """Say how good ranking runs are, each metric with its 95 % interval."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation.ranking import evaluate_rows
    from seqrec_cli.core.runs.loading import load_rankers

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
        shown_ranking.show(report)
    if options.split == "test" and stopped:
        console.warn(
            f"{', '.join(stopped)}: stopped on the test file, so these figures are optimistic"
        )


def evaluate_sequential(
    runs: "Sequence[Run]", options: EvaluateOptions, protocol: "EvaluationProtocol"
) -> None:
    """Say how good runs are that find items, beside baselines, with one stage or two."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation.report import evaluate_each, make_report
    from seqrec_cli.core.runs.loading import load_runs, settle_protocol

    if options.exclude_seen is not None:
        protocol = replace(protocol, seen="exclude")
    protocol = settle_protocol(protocol, runs)
    device = choose_device(options.device)
    compared = load_runs(runs, options.data, options.data_dir, device)
    console.warn_all(compared.notes)
    rules, account = rules_of(compared, options)
    retrievers = {
        name: make_retriever(
            run, compared.scorers[name], options.index, options.effort, rules[name]
        )
        for name, run in compared.runs.items()
    }
    finders: dict[str, Finder | None] = dict(retrievers)
    scorers: dict[str, Any] = dict(compared.scorers)
    reach: dict[str, float] = {}
    if options.rerank is not None:
        stages = Stages(compared, retrievers, scorers, finders, rules)
        reach = add_second_stage(options, protocol, stages)
    for name, run in compared.runs.items():
        finders[name] = diversified(options, run, scorers[name], finders[name], rules[name])
    if options.baselines:
        baselines = baselines_of(compared)
        scorers |= baselines
        rules |= dict.fromkeys(baselines, next(iter(rules.values())))
    outcomes = {}
    with console.progress(len(scorers), "evaluated") as advance:
        for name, outcome in evaluate_each(compared.dataset, scorers, protocol, finders, rules):
            outcomes[name] = outcome
            advance(len(outcomes), name)
    report = make_report(
        compared.dataset, protocol, outcomes, list(compared.runs), retrievers, reach, account
    )
    print_report(report, options)


def rules_of(
    compared: "Compared", options: EvaluateOptions
) -> "tuple[dict[str, Rules | None], Mapping[str, Any]]":
    """The rules of each run, and what was asked for, in words; says what they leave."""
    from seqrec_cli.core.inference.recent import unit_of

    unit = unit_of(compared.dataset)
    ruled = {name: make_rules(options, run, unit) for name, run in compared.runs.items()}
    first = next(iter(ruled.values()))
    shown_rules.show(first)
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
        second = make_reranker(
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


def baselines_of(compared: "Compared") -> dict[str, Any]:
    """Scorers that need no training; says which are left out."""
    from seqrec_cli.core.evaluation.report import fit_baselines

    fitted, left_out = fit_baselines(compared.dataset)
    for name in left_out:
        console.warn(
            f"{name} left out: {compared.dataset.num_users:,} users and "
            f"{compared.dataset.num_items:,} items are too many for it"
        )
    return dict(fitted)


def print_report(report: "Report", options: EvaluateOptions) -> None:
    """Print figures, comparisons, and what an index or a second stage costs and reaches."""
    if options.per_user is not None:
        report.write_users(options.per_user)
    if not options.as_json:
        shown.show(report)
        shown.show_stages(report, options.index, options.candidates)
        return
    plain = report.plain()
    if report.recalls:
        plain |= {"index": options.index, "recall": dict(report.recalls)}
    if report.reach:
        plain |= {
            "rerank": options.rerank,
            "candidates": options.candidates,
            "retrieval_weight": options.retrieval_weight,
            "reach": dict(report.reach),
        }
    console.print_json(plain)


def parse_targets(text: str) -> "Targets":
    """What is predicted: last, all, or a number of events."""
    if text == "last":
        return "last"
    if text == "all":
        return "all"
    if text.isascii() and text.isdigit() and 0 < int(text) <= 10**6:
        return int(text)
    raise InputError(f"`--targets {text}` is not last, all or a number", "write `--targets 5`")


def parse_ks(text: str) -> list[int]:
    """List lengths, ascending."""
    pieces = [piece.strip() for piece in text.split(",")]
    if not all(p.isascii() and p.isdigit() and 0 < int(p) <= 10**6 for p in pieces):
        raise InputError(f"`--k {text}` is not a list of lengths", "write for example `--k 5,10`")
    return sorted({int(piece) for piece in pieces})
