"""The summary of a preparation for next-item models."""

from typing import Any

from seqrec_cli.wording import counted, verb


def histories_summary(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows of the summary."""
    rows = [*count_rows(manifest), *time_rows(manifest)]
    split = manifest["split"]
    rows.append(("split", split["kind"]))
    rows += [(part, part_line(split, part)) for part in ("train", "valid", "test")]
    for side, encoded in manifest.get("features", {}).items():
        rows.append((f"{side}' features", features_line(encoded)))
    if vectors := manifest.get("item_vectors"):
        rows.append(("items' vectors", vectors_line(vectors)))
    for metric, value in manifest.get("ceiling", {}).items():
        if "@" in metric:
            rows.append((f"ceiling {metric.replace('_', ' ')}", f"{value:.4f}"))
    return rows


def count_rows(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """What was read, dropped and kept."""
    lengths, filters = manifest["history_length"], manifest["filters"]
    quantiles = ", ".join(f"{key} {value:g}" for key, value in lengths.items() if key != "mean")
    return [
        ("source", manifest["source"]["path"]),
        ("format", manifest["source"]["format"]),
        *findings_rows(manifest["source"].get("findings", {})),
        ("rows read", f"{manifest['rows_read']:,}"),
        *((f"dropped: {reason}", f"{n:,}") for reason, n in manifest["dropped"].items()),
        ("interactions", f"{manifest['interactions']:,}"),
        ("users", f"{manifest['users']:,}"),
        ("items", f"{manifest['items']:,}"),
        ("density", f"{manifest['density']:.2%} of user-item pairs"),
        repeats_row(manifest),
        ("history length", f"{quantiles}, mean {lengths['mean']:.2f} items"),
        (
            "at least",
            f"{counted(filters['min_user_count'], 'interaction')} a user, "
            f"{filters['min_item_count']} an item",
        ),
    ]


def repeats_row(counts: dict[str, Any]) -> tuple[str, str]:
    """How many interactions are with an item that the user had already."""
    return (
        "repeats",
        f"{counts['repeats']:.2%} of interactions repeat an item of the user's history",
    )


def time_rows(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """When the interactions were, and how many share their time; nothing without times."""
    if not manifest["time"]:
        return []
    order = manifest["order"]
    return [
        ("time", f"{manifest['time']['from']} to {manifest['time']['to']}"),
        ("ties in time", f"{order['tied_share']:.2%} of interactions"),
        (
            "last item ties",
            f"{order['users_whose_last_ties']:,} of {manifest['users']:,} users",
        ),
    ]


def part_line(split: dict[str, Any], part: str) -> str:
    """How much a part has, and of how many users; and how many of them can be evaluated."""
    counts = split[part]
    asked = split.get("asked", {}).get(part, counts["users"])
    evaluable = f", {asked:,} can be evaluated" if asked < counts["users"] else ""
    return f"{counts['interactions']:,} of {counted(counts['users'], 'user')}{evaluable}"


def features_line(told: dict[str, Any]) -> str:
    """What became of a file's columns."""
    pieces = []
    for column in told["columns"]:
        piece = f"{column['name']} ({column['kind']}"
        if "values" in column:
            piece += f", {column['values']:,} values"
        if column["missing"]:
            piece += f", {column['missing']:,} missing"
        if column.get("unknown", 0) > column["missing"]:
            piece += f", {column['unknown'] - column['missing']:,} rare or new"
        pieces.append(f"{piece})")
    if told["left_out"]:
        pieces.append(f"left out: {', '.join(told['left_out'])}")
    if told["without_row"]:
        pieces.append(f"{told['without_row']:,} without a row")
    return "; ".join(pieces) or "none"


def vectors_line(told: dict[str, Any]) -> str:
    """What became of a file of vectors."""
    columns, unused = told.get("columns", []), told.get("unused", [])
    of = f" ({columns[0]}{f' to {columns[-1]}' if len(columns) > 1 else ''})" if columns else ""
    pieces = [f"{told['size']:,} numbers each, of {told['source']}{of}"]
    if unused:
        pieces.append(
            f"not used: {', '.join(name or 'a column without a name' for name in unused)}"
        )
    for key, words in (
        ("missing", "items without one"),
        ("repeated", "rows of a repeated id left out"),
        ("empty", "rows without numbers left out"),
    ):
        pieces += [f"{told[key]:,} {words}"] if told[key] else []
    return "; ".join(pieces)


def histories_notes(manifest: dict[str, Any]) -> list[str]:
    """What the user should know before trusting the result."""
    found = findings_notes(manifest["source"].get("findings", {}))
    backwards = manifest["order"].get("rows_back_in_time", 0)
    if backwards:
        found.append(
            f"{counted(backwards, 'row')} {verb(backwards, 'is', 'are')} earlier than the row "
            "before of the same user: sorted by time"
        )
    ties = manifest["order"].get("users_whose_last_ties", 0)
    if ties > 0.1 * manifest["users"]:
        found.append(
            f"{ties:,} of {counted(manifest['users'], 'user')} have a last item at the same time "
            "as the one before: between these the order of the file decides"
        )
    if manifest["users"] == 1:
        found.append("there is a single user, so every metric is about one person")
    return found + split_notes(manifest)


def split_notes(manifest: dict[str, Any]) -> list[str]:
    """Who cannot be evaluated, and why."""
    split = manifest["split"]
    if split.get("whole_sessions"):
        new = split["new_items"]
        if not new["items"]:
            return []
        return [
            f"items of held-out sessions alone cannot be recommended: left out {new['items']:,} "
            f"of them, {new['interactions']:,} interactions"
        ]
    found = []
    if split["test"]["users"] < manifest["users"]:
        left = manifest["users"] - split["test"]["users"]
        found.append(
            f"{left:,} of {counted(manifest['users'], 'user')} "
            f"{verb(left, 'has', 'have')} nothing in the test part: not evaluated on it"
        )
    for part, asked in split.get("asked", {}).items():
        if asked < split[part]["users"]:
            found.append(
                f"only {asked:,} of the {counted(split[part]['users'], 'user')} of the {part} part "
                "did anything before it; where users are sessions, use `--split sessions`"
            )
    return found


def findings_summary(inspected: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """The rows and notes of a dry run."""
    found = inspected["source"]["findings"]
    rows = [
        ("source", inspected["source"]["path"]),
        *findings_rows(found),
        ("rows read", f"{inspected['rows_read']:,}"),
        *((f"dropped: {reason}", f"{n:,}") for reason, n in inspected["dropped"].items()),
        ("users", f"{inspected['users']:,}"),
        ("items", f"{inspected['items']:,}"),
        repeats_row(inspected),
    ]
    return rows, findings_notes(found)


def findings_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Which column was taken for what, which were not used, and how rows are ordered."""
    rows = [("layout", found["layout"])] if found.get("layout") else []
    for taken in found.get("taken", ()):
        chosen = "" if taken["inferred"] else ", as said"
        name = str(taken["column"])
        place = f"column {name}" if name.isdigit() else name  # a number where there is no header
        rows.append((taken["role"], f"{place}, as in {taken['example']}{chosen}"))
    if found.get("order"):
        rows.append(("order", found["order"]))
    if unused := found.get("unused"):
        more = f", and {len(unused) - 12} more" if len(unused) > 12 else ""
        rows.append(("not used", ", ".join(unused[:12]) + more))
    return rows


def findings_notes(found: dict[str, Any]) -> list[str]:
    """Types of events that are mixed, and what was inferred and should be known."""
    notes = []
    each = " (each value of a list counts)" if found.get("lists") else ""
    for kind in found.get("kinds", ()):
        if not kind["filtered"]:
            counts = ", ".join(f"{value} {number:,}" for value, number in kind["counts"].items())
            notes.append(
                f"`{kind['column']}` looks like a type of event or a label and is not used: "
                f"{counts}{each}; to choose: {kind['option']}"
            )
    return [*notes, *found.get("notes", ())]
