"""seqrec evaluate: how good runs are, beside what needs no training."""

from dataclasses import dataclass
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
    Effort,
    IndexOption,
    Json,
    PartOption,
    Rerank,
    RetrievalWeight,
    Seed,
    SeenOption,
    make_reranker,
    make_retriever,
)
from seqrec_cli.commands.reports import evaluation as shown
from seqrec_cli.commands.reports import ranking as shown_ranking
from seqrec_cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqrec_cli.core.evaluation.report import EvaluationProtocol, Report
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
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
        Literal["last", "all"],
        typer.Option(
            help="Predict what follows each user's history (of a session held out whole: its last "
            "item), and average over users; or every item of the part from all before it, and "
            "average over all of them, as session-based papers do. Intervals are over users.",
        ),
        FULL,
        Only(lambda values: values["rerank"] is None, "for one stage, without --rerank"),
    ] = "last"
    sample_users: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Ask about a random sample of N users, with exact ranks: the interval says how "
            "sure that is.",
            show_default="all users",
        ),
    ] = None
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


NEXT_ITEM_ONLY = ("protocol", "k", "seen", "targets", "sample_users", "per_user", "index", "effort")


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
        targets=options.targets,
        seed=options.seed,
        sample_users=options.sample_users,
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

    protocol = settle_protocol(protocol, runs)
    device = choose_device(options.device)
    compared = load_runs(runs, options.data, options.data_dir, device)
    console.warn_all(compared.notes)
    retrievers = {
        name: make_retriever(run, compared.scorers[name], options.index, options.effort)
        for name, run in compared.runs.items()
    }
    finders: dict[str, Finder | None] = dict(retrievers)
    scorers: dict[str, Any] = dict(compared.scorers)
    reach: dict[str, float] = {}
    if options.rerank is not None:
        reach = add_second_stage(options, protocol, compared, retrievers, scorers, finders)
    if options.baselines:
        scorers |= baselines_of(compared, options.sample_users)
    outcomes = {}
    with console.progress(len(scorers), "evaluated") as advance:
        for name, outcome in evaluate_each(compared.dataset, scorers, protocol, finders):
            outcomes[name] = outcome
            advance(len(outcomes), name)
    report = make_report(
        compared.dataset, protocol, outcomes, list(compared.runs), retrievers, reach
    )
    print_report(report, options)


def add_second_stage(
    options: EvaluateOptions,
    protocol: "EvaluationProtocol",
    compared: "Compared",
    retrievers: "dict[str, Retriever | None]",
    scorers: dict[str, Any],
    finders: "dict[str, Finder | None]",
) -> dict[str, float]:
    """Add what orders the finds of each run; returns what the candidates of each can reach."""
    from seqrec_cli.core.evaluation.report import candidate_recall
    from seqrec_cli.core.inference.reranking import check_unseen
    from seqrec_cli.core.runs.loading import catalogue_of

    assert options.rerank is not None
    reach = {}
    for name, run in compared.runs.items():
        scorer, retriever = compared.scorers[name], retrievers[name]
        parts = retriever, scorer, catalogue_of(run), options.candidates, compared.dataset
        second = make_reranker(options.rerank, *parts, options.split, options.retrieval_weight)
        check_unseen(second.ranker, compared.dataset, options.split)
        both = f"{name} + {Path(options.rerank).name}"
        scorers[both], finders[both] = scorer, second
        reach[name] = candidate_recall(
            scorer, compared.dataset, protocol, options.candidates, retriever
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


def parse_ks(text: str) -> list[int]:
    """List lengths, ascending."""
    pieces = [piece.strip() for piece in text.split(",")]
    if not all(p.isascii() and p.isdigit() and 0 < int(p) <= 10**6 for p in pieces):
        raise InputError(f"`--k {text}` is not a list of lengths", "write for example `--k 5,10`")
    return sorted({int(piece) for piece in pieces})
