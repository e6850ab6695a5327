"""seqrec evaluate: how good runs are, beside what needs no training."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands import ranking, showing
from seqrec_cli.commands.options import (
    Candidates,
    Data,
    DataDir,
    Device,
    Effort,
    IndexOption,
    Json,
    Rerank,
    RetrievalWeight,
    Seed,
    SeenOption,
    make_reranker,
    make_retriever,
)
from seqrec_cli.errors import ConfigError, InputError

if TYPE_CHECKING:
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.evaluation.sequential import Evaluation
    from seqrec_cli.core.evaluation.summary import Figure
    from seqrec_cli.core.runs.run import Run

RETRIEVAL_ONLY = (
    *("protocol", "k", "seen", "per_user", "index", "effort"),
    *("candidates", "retrieval_weight"),
)
SHOWN = ("hr", "ndcg", "mrr", "recall", "precision", "map")


def evaluate(
    context: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]…", help="Runs; the latest if none is named."),
    ] = None,
    split: Annotated[
        Literal["test", "valid"], typer.Option(help="Which part is to be predicted.")
    ] = "test",
    protocol: Annotated[
        Literal["full", "sampled"],
        typer.Option(help="Rank against the whole catalogue, or against 100 random items."),
    ] = "full",
    k: Annotated[str, typer.Option("--k", help="List lengths, separated by commas.")] = "1,5,10,20",
    seen: SeenOption = "exclude",
    baselines: Annotated[
        bool, typer.Option(help="Put what needs no training into the same table.")
    ] = True,
    per_user: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write each user's metrics to a .csv or .jsonl file."),
    ] = None,
    index: IndexOption = "exact",
    effort: Effort = 128,
    rerank: Rerank = None,
    candidates: Candidates = 200,
    retrieval_weight: RetrievalWeight = 0.0,
    data: Data = None,
    data_dir: DataDir = Path("data"),
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Say how good runs are, with 95 % bootstrap intervals over users.

    $ seqrec evaluate ml-1m-sasrec-1 --k 10
    """
    from seqrec_cli.core.data.store import TASK
    from seqrec_cli.core.evaluation import sequential as evaluation
    from seqrec_cli.core.evaluation import statistics, summary
    from seqrec_cli.core.inference import export, reranking
    from seqrec_cli.core.models.baselines import BASELINES, affordable
    from seqrec_cli.core.runs.directory import LATEST, find_run
    from seqrec_cli.core.runs.run import Run, newest_of

    if protocol == "sampled" and seen == "include":
        raise typer.BadParameter("the sampled protocol never has seen items: leave out --seen")
    if protocol == "sampled" and index != "exact":
        raise typer.BadParameter("the sampled protocol looks nothing up: leave out --index")
    ks = parse_ks(k)
    if per_user is not None:
        export.check_output(per_user)
    runs = runs or [LATEST]
    if rerank is not None:
        if protocol == "sampled":
            raise typer.BadParameter("the sampled protocol finds nothing: leave out --rerank")
        reranking.check_candidates(candidates, max(ks))
        runs = [str(newest_of(TASK, name)) if name == LATEST else name for name in runs]
    named = [Run.open(find_run(name)) for name in runs]
    if rerank is None and all(run.task == ranking.TASK for run in named):
        if given := [name for name in RETRIEVAL_ONLY if is_given(context, name)]:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise typer.BadParameter(f"a ranking run has no use for {options}: leave it out")
        ranking.evaluate(labelled(named), split, baselines, data, data_dir, seed, device, as_json)
        return
    opened, dataset, scorers = load_runs(runs, data, data_dir, device)
    retrievers = {
        name: make_retriever(run, scorers[name], index, effort) for name, run in opened.items()
    }
    finders: dict[str, Any] = dict(retrievers)
    reach: dict[str, float] = {}
    for name, run in opened.items() if rerank is not None else ():
        assert rerank is not None
        item_ids = run.catalogue().item_ids
        parts = retrievers[name], scorers[name], item_ids, candidates, dataset, split
        second = make_reranker(rerank, *parts, retrieval_weight)
        reranking.check_unseen(second.ranker, dataset, split)
        both = f"{name} + {Path(rerank).name}"
        scorers[both], finders[both] = scorers[name], second
        outcome = evaluation.evaluate(
            scorers[name],
            dataset,
            split,
            metrics=("recall",),
            ks=[candidates],
            seen=seen,
            retriever=retrievers[name],
        )
        reach[name] = outcome.means()[f"recall@{candidates}"]
    if baselines:
        for name, fit in BASELINES.items():
            if affordable(name, dataset):
                scorers[name] = fit(dataset)
            else:
                console.warn(
                    f"{name} left out: {dataset.num_users:,} users and {dataset.num_items:,} items "
                    "are too many for it"
                )
    outcomes = {}
    with console.progress(len(scorers), "evaluated") as advance:
        for number, (name, scorer) in enumerate(scorers.items()):
            advance(number, name)
            outcomes[name] = evaluation.evaluate(
                scorer,
                dataset,
                split,
                ks=ks,
                protocol=protocol,
                seen=seen,
                seed=seed,
                lists=True,
                retriever=finders.get(name),
            )
    recalls = {
        name: evaluation.recall_of(retriever, outcomes[name], dataset, split, seen)
        for name, retriever in retrievers.items()
        if retriever is not None
    }
    figures = {
        name: summary.summarise(outcome, dataset, ks, seed) for name, outcome in outcomes.items()
    }
    compared = {
        (a, b): statistics.compare(outcomes[a].per_user, outcomes[b].per_user, seed)
        for a, b in itertools.combinations(opened, 2)
    }
    if per_user is not None:
        header = ["scorer", "user", *next(iter(outcomes.values())).per_user]
        export.write_rows(per_user, user_rows(outcomes, dataset), header)
    if as_json:
        console.print_json(
            as_plain(dataset, split, protocol, seen, seed, outcomes, figures, compared)
            | ({"index": index, "recall": recalls} if recalls else {})
            | (
                {
                    "rerank": rerank,
                    "candidates": candidates,
                    "retrieval_weight": retrieval_weight,
                    "reach": reach,
                }
                if reach
                else {}
            )
        )
    else:
        show(dataset, split, protocol, seen, outcomes, figures, compared)
        for name, share in reach.items():
            console.info(
                f"{name}: {share:.4f} of what was done next is among its {candidates} candidates, "
                "so no order of them can have more"
            )
        for name, recall in recalls.items():
            console.info(
                f"{name}, {index}: recall@{max(ks)} {recall:.4f} of the exact result, over all "
                "users; the metrics are those of the approximate lists"
            )


def load_runs(
    names: list[str], data: str | None, data_dir: Path, device: str
) -> "tuple[dict[str, Run], SequenceDataset, dict[str, Any]]":
    """Open runs of one dataset: runs by label, the dataset, and what scores by label."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    where = choose_device(device)
    opened = labelled([Run.open(find_run(name)) for name in names])
    for run in opened.values():
        run.experiment()  # refuses what does not find items
    if len({run.manifest()["data_sha256"] for run in opened.values()}) > 1:
        raise ConfigError(
            f"the runs {', '.join(opened)} were trained on different datasets",
            "evaluate them one after the other",
        )
    dataset = SequenceDataset.load(next(iter(opened.values())).find_data(data, data_dir))
    scorers: dict[str, Any] = {}
    for name, run in opened.items():
        run.check_data(dataset)
        scorers[name] = run.load_scorer(where)
        for note in run.notes:
            console.warn(note)
    return opened, dataset, scorers


def labelled(runs: "list[Run]") -> "dict[str, Run]":
    """A name for each run that no other run and no baseline has."""
    from seqrec_cli.core.models.baselines import BASELINES

    if len({run.path.resolve() for run in runs}) < len(runs):
        raise InputError("a run is named twice", "name each once, `latest` included")
    names = [run.name for run in runs]
    return {
        str(run.path) if names.count(run.name) > 1 or run.name in BASELINES else run.name: run
        for run in runs
    }


def is_given(context: typer.Context, name: str) -> bool:
    """Whether a parameter is in the command as it was typed."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def parse_ks(text: str) -> list[int]:
    """List lengths, ascending."""
    pieces = [piece.strip() for piece in text.split(",")]
    if not all(p.isascii() and p.isdigit() and 0 < int(p) <= 10**6 for p in pieces):
        raise InputError(f"`--k {text}` is not a list of lengths", "write for example `--k 5,10`")
    return sorted({int(piece) for piece in pieces})


def show(
    dataset: "SequenceDataset",
    split: str,
    protocol: str,
    seen: str,
    outcomes: "dict[str, Evaluation]",
    figures: "dict[str, dict[str, Figure]]",
    compared: dict[tuple[str, str], dict[str, tuple[float, float]]],
) -> None:
    """Print a table of metrics by scorer, and one of differences between runs."""
    first = next(iter(outcomes.values()))
    candidates = (
        f"all {dataset.num_items:,} items, seen ones {seen}d"
        if protocol == "full"
        else "100 sampled items"
    )
    console.info(
        f"{dataset.name}, {split} part: {len(first.users):,} users, "
        f"each target against {candidates}"
    )
    for reason, count in first.skipped.items():
        console.info(f"{count:,} users skipped: {reason}")
    if first.unreachable:
        console.warn(
            f"{first.unreachable:,} targets were in the user's history already and count as "
            "missed; with repeated items use `--seen include`"
        )
    if first.repeated:
        console.warn(f"{first.repeated:,} targets were the same item again and count once")
    names = list(next(iter(figures.values())))
    columns = ["metric", *figures]
    rows = [[name, *(cell(name, figure[name]) for figure in figures.values())] for name in names]
    console.print_table(columns, rows)
    showing.print_comparisons(compared)


def cell(name: str, figure: "Figure") -> str:
    """A figure with its interval."""
    digits = 1 if name.startswith("popularity rank") else 4
    return f"{figure.mean:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def as_plain(
    dataset: "SequenceDataset",
    split: str,
    protocol: str,
    seen: str,
    seed: int,
    outcomes: "dict[str, Evaluation]",
    figures: "dict[str, dict[str, Figure]]",
    compared: dict[tuple[str, str], dict[str, tuple[float, float]]],
) -> dict[str, Any]:
    """Everything that was found out, for JSON."""
    first = next(iter(outcomes.values()))
    return {
        "data": dataset.name,
        "data_sha256": dataset.sha256,
        "split": split,
        "protocol": protocol,
        "seen": seen,
        "seed": seed,
        "users": len(first.users),
        "skipped": first.skipped,
        "unreachable_targets": first.unreachable,
        "repeated_targets": first.repeated,
    } | showing.as_plain(figures, compared)


def user_rows(outcomes: "dict[str, Evaluation]", dataset: "SequenceDataset") -> Any:
    """A row for each scorer and user: the user's id and metrics."""
    for name, outcome in outcomes.items():
        for row, user in enumerate(outcome.users):
            metrics = {m: float(values[row]) for m, values in outcome.per_user.items()}
            yield {"scorer": name, "user": dataset.user_ids[user].item(), **metrics}
