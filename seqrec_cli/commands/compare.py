"""seqrec compare: whether one run is better than another, and for whom."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.completing import run_names
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    Device,
    Json,
    PartOption,
    RunsInstead,
    Seed,
    SeenOption,
    TargetsOption,
    say_which,
)
from seqrec_cli.commands.reports import comparison as shown
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.sequential import Evaluation
    from seqrec_cli.core.inference.scoring import Seen
    from seqrec_cli.core.runs.comparing import Compared

METRICS = ("ndcg", "hr")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The options of `seqrec compare`."""

    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN RUN…", help="Two runs or more.", autocompletion=run_names),
    ] = None
    named_by_option: RunsInstead = None
    split: PartOption = "test"
    k: Annotated[
        int, typer.Option("--k", "--topk", min=1, max=10_000, help="Length of the lists.")
    ] = 10
    seen: SeenOption = None
    targets: TargetsOption = "last"
    slices: Annotated[
        bool, typer.Option(help="Compare for slices of users too, not only for all users.")
    ] = True
    data: Data = None
    data_dir: DataDir = Path("data")
    seed: Seed = 0
    device: Device = "auto"
    as_json: Json = False

    @property
    def runs(self) -> list[str]:
        return [*(self.named or ()), *(self.named_by_option or ())]


@takes(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Say whether one run is better than another, and for whom.

    Differences are paired by user, with 95 % bootstrap intervals; p-values are corrected for the
    number of comparisons (Holm). Of more than two runs: means over the seeds of runs that differ in
    nothing else, and a matrix of differences.

    $ seqrec compare ml-1m-sasrec-1 ml-1m-sasrec-2
    """
    if len(options.runs) < 2:
        raise typer.BadParameter("name two runs or more")
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation import comparison
    from seqrec_cli.core.runs.comparing import load_runs, seed_groups
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.loading import agreed_seen
    from seqrec_cli.core.runs.run import Run

    runs = [Run.open(find_run(name)) for name in options.runs]
    for name, run in zip(options.runs, runs, strict=True):
        say_which(name, run.path)
    seen = agreed_seen(runs, options.seen)
    device = choose_device(options.device)
    compared = load_runs(runs, options.data, options.data_dir, device, options.split)
    console.warn_all(compared.notes)
    dataset = compared.dataset
    outcomes = evaluate_each_run(compared, options, seen)
    users = next(iter(outcomes.values())).users
    groups = comparison.slices_of(dataset, options.split, users) if options.slices else {}
    metrics = [f"{name}@{options.k}" for name in METRICS]
    if options.as_json:
        differences = comparison.compare(outcomes, groups, metrics, options.seed)
        console.print_json([asdict(difference) for difference in differences])
        return
    console.info(f"{dataset.name}, {options.split} part: {counted(len(users), 'user')}")
    if len(runs) > 2:
        shown.show_many(outcomes, metrics, seed_groups(compared.runs), options.seed)
    else:
        shown.show_two(comparison.compare(outcomes, groups, metrics, options.seed))


def evaluate_each_run(
    compared: "Compared", options: CompareOptions, seen: "Seen"
) -> "dict[str, Evaluation]":
    """The evaluation of each run by its label."""
    from seqrec_cli.core.evaluation.sequential import evaluate
    from seqrec_cli.core.runs.ruling import usual_rules

    outcomes, rules = {}, usual_rules(compared.runs)
    with console.progress(len(compared.scorers), "evaluated") as advance:
        for number, (name, scorer) in enumerate(compared.scorers.items()):
            advance(number, name)
            outcomes[name] = evaluate(
                scorer,
                compared.dataset,
                options.split,
                metrics=METRICS,
                ks=[options.k],
                seen=seen,
                targets=options.targets,
                rules=rules[name],
            )
    return outcomes
