"""What is printed of recommendations."""

from typing import TYPE_CHECKING, Any

from seqrec_cli import console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqrec_cli.core.inference.names import Catalogue
    from seqrec_cli.core.inference.recommendation import Recommended

RECENT = 5  # items of the history that are shown


def name_of(item: int, catalogue: "Catalogue") -> tuple[Any, str]:
    """An item's id in the source, and its title or ""."""
    title = "" if catalogue.titles is None else str(catalogue.titles[item - 1])
    return catalogue.item_ids[item - 1].item(), title


def as_plain(
    label: Any,
    items: "NDArray[np.int32]",
    result: "Recommended",
    reasons: "NDArray[np.float32] | None",
    catalogue: "Catalogue",
) -> dict[str, Any]:
    """One user's recommendations, for JSON."""

    def plain(item: int) -> dict[str, Any]:
        item_id, title = name_of(item, catalogue)
        return {"item": item_id} | ({"title": title} if title else {})

    rows: list[dict[str, Any]] = []
    for rank, (item, score) in enumerate(zip(result.items, result.scores, strict=True)):
        row = {"rank": rank + 1, **plain(int(item)), "score": float(score)}
        if reasons is not None:
            row["why"] = [
                plain(int(items[at])) | {"influence": float(reasons[rank, at])}
                for at in strongest(reasons[rank])
            ]
        rows.append(row)
    return {"user": label, "recent": [plain(int(i)) for i in items[-RECENT:]], "items": rows}


def small(value: float) -> str:
    """A positive number with two decimals, or its first digit if it is smaller than they show."""
    return f"{value:.2f}" if value >= 0.01 else f"{value:.1g}"


def strongest(reasons: "NDArray[np.float32]", count: int = 3) -> list[int]:
    """Where the largest positive influences are."""
    best = (-reasons).argsort(kind="stable")[:count]
    return [int(at) for at in best if reasons[at] > 0]


def show_recommendations(
    label: Any,
    items: "NDArray[np.int32]",
    result: "Recommended",
    reasons: "NDArray[np.float32] | None",
    catalogue: "Catalogue",
) -> None:
    """Print one user's recent history and recommendations."""

    def text(item: int) -> str:
        item_id, title = name_of(item, catalogue)
        return f"{title} [{item_id}]" if title else str(item_id)

    recent = "; ".join(text(int(item)) for item in items[-RECENT:])
    more = f"{len(items) - RECENT:,} earlier items; " if len(items) > RECENT else ""
    console.print_text(f"user {label}: {more}{recent}")
    columns = ["rank", "item", "title", "score"] + (["why"] if reasons is not None else [])
    rows = []
    for rank, (item, score) in enumerate(zip(result.items, result.scores, strict=True)):
        item_id, title = name_of(int(item), catalogue)
        row = [str(rank + 1), str(item_id), title, f"{score:.3f}"]
        if reasons is not None:
            carried = (
                f"{text(int(items[at]))} +{small(float(reasons[rank, at]))}"
                for at in strongest(reasons[rank])
            )
            row.append("; ".join(carried))
        rows.append(row)
    console.print_table(columns, rows, left=(2, 4))


def similar_as_plain(item: int, result: "Recommended", catalogue: "Catalogue") -> dict[str, Any]:
    """The items similar to an item, for JSON."""
    item_id, title = name_of(item, catalogue)
    rows = []
    for rank, (other, score) in enumerate(zip(result.items, result.scores, strict=True)):
        other_id, other_title = name_of(int(other), catalogue)
        titled = {"title": other_title} if other_title else {}
        rows.append({"rank": rank + 1, "similar": other_id, **titled, "score": float(score)})
    return {"item": item_id} | ({"title": title} if title else {}) | {"items": rows}


def show_similar(item: int, result: "Recommended", catalogue: "Catalogue") -> None:
    """Print the items similar to an item."""
    item_id, title = name_of(item, catalogue)
    console.print_text(f"similar to {title} [{item_id}]" if title else f"similar to {item_id}")
    rows = []
    for rank, (other, score) in enumerate(zip(result.items, result.scores, strict=True)):
        other_id, other_title = name_of(int(other), catalogue)
        rows.append([str(rank + 1), str(other_id), other_title, f"{score:.3f}"])
    console.print_table(["rank", "item", "title", "score"], rows, left=(2,))
