"""What commands do with ranking datasets and runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqrec_cli import console

if TYPE_CHECKING:
    from seqrec_cli.core.ranking.dataset import RankingDataset
    from seqrec_cli.core.ranking.examples import ExampleOptions

MOST_EMPTY = 0.1  # share of empty histories that is worth a note


def is_pair(source: str) -> bool:
    """Whether the source is a folder with a train.csv and a test.csv."""
    from seqrec_cli.core.ranking.table import is_pair

    return is_pair(Path(source))


def check_options(
    positive_rating: float,
    history_length: int,
    rows_per_user: int,
    negatives: int,
    split: Literal["leave-one-out", "time", "user"] | None,
    seed: int,
) -> "ExampleOptions":
    """How rows are made of a log, from what the user typed."""
    from seqrec_cli.core.ranking.examples import ExampleOptions

    return ExampleOptions(
        positive_rating=positive_rating,
        history_length=history_length,
        rows_per_user=rows_per_user,
        negatives=negatives,
        split=split or "user",
        seed=seed,
    )


def prepare_pair(source: str, name: str, table: Path | None, min_count: int) -> "RankingDataset":
    """Make a ranking dataset of a train.csv and a test.csv."""
    from seqrec_cli.core.ranking.preparation import prepare_pair
    from seqrec_cli.core.ranking.table import load_columns

    columns = None if table is None else load_columns(table)
    return prepare_pair(Path(source), name, columns, min_count)


def keep(dataset: "RankingDataset", target: Path, data_dir: Path, as_json: bool) -> None:
    """Write a ranking dataset and say what is in it."""
    manifest = dataset.save(target)
    if as_json:
        console.print_json(manifest)
    else:
        console.print_table(("", manifest["name"]), account(manifest), left=(0, 1))
    if manifest["source"]["licence"]:
        console.info(f"licence: {manifest['source']['licence']}")
    for note in notes(manifest):
        console.warn(note)
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
        ("columns", "; ".join(map(column_line, encoders["columns"])) or "none"),
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
