"""What commands do with ranking datasets and runs."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqrec_cli import console
from seqrec_cli.commands import showing
from seqrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from seqrec_cli.core.data.ranking.dataset import RankingDataset
    from seqrec_cli.core.data.ranking.from_log import ExampleOptions
    from seqrec_cli.core.evaluation.ranking import Predictions
    from seqrec_cli.core.evaluation.summary import Figure
    from seqrec_cli.core.runs.run import Run

TASK = "ranking"
MOST_EMPTY = 0.1  # share of empty histories that is worth a note


def is_pair(source: str) -> bool:
    """Whether the source is a folder with a train.csv and a test.csv."""
    from seqrec_cli.core.data.ranking.table import is_pair

    return is_pair(Path(source))


def check_options(
    positive_rating: float,
    history_length: int,
    rows_per_user: int,
    negatives: int,
    negatives_power: float,
    split: Literal["leave-one-out", "time", "user"] | None,
    seed: int,
) -> "ExampleOptions":
    """How rows are made of a log, from what the user typed."""
    from seqrec_cli.core.data.ranking.from_log import ExampleOptions

    return ExampleOptions(
        positive_rating=positive_rating,
        history_length=history_length,
        rows_per_user=rows_per_user,
        negatives=negatives,
        negatives_power=negatives_power,
        split=split or "user",
        seed=seed,
    )


def prepare_pair(source: str, name: str, table: Path | None, min_count: int) -> "RankingDataset":
    """Make a ranking dataset of a train.csv and a test.csv."""
    from seqrec_cli.core.data.ranking.from_table import prepare_pair
    from seqrec_cli.core.data.ranking.table import load_columns

    columns = None if table is None else load_columns(table)
    return prepare_pair(Path(source), name, columns, min_count)


def keep(dataset: "RankingDataset", target: Path, data_dir: Path, as_json: bool) -> None:
    """Write a ranking dataset and say what is in it."""
    manifest = dataset.save(target)
    showing.report(manifest, account(manifest), notes(manifest), as_json=as_json)
    console.success(f"`{target}` and its manifest `{target.with_suffix('.json')}`")
    folder = "" if data_dir == Path("data") else f" --data-dir {data_dir}"
    console.hint(f"seqrec train --config configs/dien.yaml --data {manifest['name']}{folder}")


def parts_of(manifest: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The counts of each part that there is."""
    split = manifest["split"]
    return {part: split[part] for part in ("train", "valid", "test") if part in split}


def account(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows of the summary."""
    source, encoders, history = (manifest[key] for key in ("source", "encoders", "history"))
    made = manifest["examples"]
    columns = [column_line(column) for column in encoders["columns"]]
    if encoders["left_out"]:
        columns.append(f"left out: {', '.join(encoders['left_out'])}")
    rows = [
        ("source", source["path"]),
        ("format", source["format"]),
        ("rows read", f"{manifest['rows_read']:,}"),
        *((f"dropped: {reason}", f"{n:,}") for reason, n in manifest["dropped"].items()),
    ]
    if made:
        rows += [
            ("liked", f"rated {made['positive_rating']:g} or higher" if made["rated"] else "all"),
            ("candidates", made["candidates"]),
        ]
    rows += [
        ("rows", f"{manifest['rows']:,}"),
        ("users", f"{manifest['users']:,}"),
        ("candidate items", f"{manifest['items']:,}"),
        ("history", f"at most {history['longest']}, mean {history['mean']:.2f}"),
        ("item codes", f"{encoders['item_values']:,} in {encoders['min_value_count']} places each"),
        ("columns", "; ".join(columns) or "none"),
        ("split", manifest["split"]["kind"]),
    ]
    for part, counts in parts_of(manifest).items():
        share = counts["positives"] / counts["rows"]
        rows.append(
            (part, f"{counts['rows']:,} rows of {counts['users']:,} users, {share:.1%} positive")
        )
    return rows


def column_line(column: dict[str, Any]) -> str:
    """What became of a column."""
    values = f", {column['values']:,} values" if "values" in column else ""
    return f"{column['name']} ({column['kind']}{values})"


def notes(manifest: dict[str, Any]) -> list[str]:
    """What the user should know before trusting the result."""
    found = []
    for part, counts in parts_of(manifest).items():
        if part != "train" and counts["unknown_candidates"]:
            found.append(
                f"{counts['unknown_candidates']:,} of {counts['rows']:,} candidates of the {part} "
                "part are unknown or rare items, told by their features alone"
            )
        if counts["empty_histories"] > MOST_EMPTY * counts["rows"]:
            found.append(
                f"{counts['empty_histories']:,} of {counts['rows']:,} rows of the {part} part have "
                "an empty history"
            )
    if "valid" not in manifest["split"]:
        found.append("there is no valid part: training carves one out of the train part")
    return found


def evaluate(
    runs: "dict[str, Run]",
    split: Literal["test", "valid"],
    baselines: bool,
    data: str | None,
    data_dir: Path,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Say how good ranking runs are, each metric with its 95 % interval."""
    from seqrec_cli.core.data.ranking.dataset import RankingDataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation import ranking as evaluation
    from seqrec_cli.core.inference.ranker import Ranker

    if len({run.manifest()["data_sha256"] for run in runs.values()}) > 1:
        raise ConfigError(
            f"the runs {', '.join(runs)} were trained on different datasets",
            "evaluate them one after the other",
        )
    dataset = RankingDataset.load(next(iter(runs.values())).find_data(data, data_dir))
    rows = evaluation.check_part(
        dataset.test if split == "test" else dataset.valid, dataset.name, split
    )
    where = choose_device(device)
    found: dict[str, Predictions] = {}
    for name, run in runs.items():
        run.check_data(dataset)
        found[name] = evaluation.predict(Ranker.load(run, where).model, rows, where)
        for note in run.notes:
            console.warn(note)
    for name, rate in evaluation.BASELINES.items() if baselines else ():
        found[name] = evaluation.Predictions.of(rows, rate(dataset.train, rows))
    draws = {name: evaluation.bootstrap(one, seed) for name, one in found.items()}
    figures = {name: evaluation.figures(one, draws[name]) for name, one in found.items()}
    compared = {
        (a, b): evaluation.differences(found[a], found[b], (draws[a], draws[b]))
        for a, b in itertools.combinations(runs, 2)
    }
    stopped = [n for n, r in runs.items() if r.manifest().get("validated_on") == "test"]
    first = next(iter(found.values()))
    if as_json:
        console.print_json(
            as_plain(dataset, split, seed, first, figures, compared)
            | {"stopped_on_the_test_part": stopped}
        )
    else:
        show(dataset, split, first, figures, compared)
    if split == "test" and stopped:
        console.warn(
            f"{', '.join(stopped)}: stopped on the test file, so these figures are optimistic"
        )


def show(
    dataset: "RankingDataset",
    split: str,
    first: "Predictions",
    figures: "dict[str, dict[str, Figure]]",
    compared: dict[tuple[str, str], dict[str, tuple[float, float]]],
) -> None:
    """Print a table of metrics by run, and one of differences between runs."""
    positive = int(first.labels.sum())
    console.info(
        f"{dataset.name}, {split} part: {len(first.labels):,} rows of {len(first.user_aucs):,} "
        f"users, {positive:,} positive"
    )
    if first.skipped_users:
        console.info(
            f"{first.skipped_users:,} users left out of gauc: their rows have one label only"
        )
    names = list(dict.fromkeys(name for found in figures.values() for name in found))
    rows = [
        [name, *(cell(found[name]) if name in found else "-" for found in figures.values())]
        for name in names
    ]
    console.print_table(["metric", *figures], rows)
    showing.print_comparisons(compared)


def cell(figure: "Figure") -> str:
    """A figure with its interval."""
    return f"{figure.mean:.4f} [{figure.low:.4f}, {figure.high:.4f}]"


def as_plain(
    dataset: "RankingDataset",
    split: str,
    seed: int,
    first: "Predictions",
    figures: "dict[str, dict[str, Figure]]",
    compared: dict[tuple[str, str], dict[str, tuple[float, float]]],
) -> dict[str, Any]:
    """Everything that was found out, for JSON."""
    return {
        "data": dataset.name,
        "data_sha256": dataset.sha256,
        "task": TASK,
        "split": split,
        "seed": seed,
        "rows": len(first.labels),
        "positives": int(first.labels.sum()),
        "users": len(first.user_aucs),
        "users_left_out_of_gauc": first.skipped_users,
    } | showing.as_plain(figures, compared)
