"""seqrec list: the datasets and runs that there are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import DataDir, Json
from seqrec_cli.wording import size


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """The options of `seqrec list`."""

    data_dir: DataDir = Path("data")
    as_json: Json = False


@takes(ListOptions)
def list_(options: ListOptions) -> None:
    """List the prepared datasets, and the runs, the newest first.

    $ seqrec list
    """
    from seqrec_cli.core.runs.listing import list_datasets, list_runs

    datasets, runs = list(list_datasets(options.data_dir)), list(list_runs())
    if options.as_json:
        console.print_json({"datasets": datasets, "runs": runs})
        return
    if datasets:
        columns = ["dataset", "task", "users", "items", "interactions", "size"]
        console.print_table(columns, [dataset_row(each) for each in datasets], left=(0, 1))
    else:
        console.info(f"no dataset in `{options.data_dir}`")
        console.hint("seqrec prepare ml-100k")
    if runs:
        columns = ["run", "model", "state", "best validation", "size"]
        console.print_table(columns, [run_row(each) for each in runs], left=(0, 1, 2, 3))
        if any(run["latest"] for run in runs):
            console.info("* the latest: what commands take where no run is named")
    else:
        console.info("no run in `runs`")
        console.hint("seqrec train --data NAME")


def dataset_row(each: dict[str, Any]) -> list[str]:
    """A dataset as a row of a table."""
    counts = (each[key] for key in ("users", "items", "interactions"))
    shown = ("?" if count is None else f"{count:,}" for count in counts)
    return [each["name"], each["task"], *shown, size(each["bytes"])]


def run_row(each: dict[str, Any]) -> list[str]:
    """A run as a row of a table."""
    best = each["best"]
    score = "-" if best is None else f"{each['metric']} {best:.4f}, epoch {each['best_epoch']}"
    name = f"{each['name']} *" if each["latest"] else each["name"]
    return [name, each["model"], each["status"], score, size(each["bytes"])]
