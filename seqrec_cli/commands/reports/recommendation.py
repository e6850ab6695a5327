"""What is printed of recommendations."""

from typing import TYPE_CHECKING, Any

from seqrec_cli import console
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    earlier = len(items) - RECENT
    more = f"{counted(earlier, 'earlier item')}; " if earlier > 0 else ""
    console.print_prose(f"user {label}: {more}{recent or 'no history, so what is popular'}")
    more_cells = []
    for row in () if reasons is None else reasons:
        carried = (f"{text(int(items[at]))} +{small(float(row[at]))}" for at in strongest(row))
        more_cells.append("; ".join(carried))
    print_list(result, catalogue, more_cells)


def print_list(
    result: "Recommended", catalogue: "Catalogue", reasons: "Sequence[str]" = ()
) -> None:
    """Print a list of items, best first; without a column of titles where there are none."""
    titled = catalogue.titles is not None
    columns = ["rank", "item", *["title"] * titled, "score", *["why"] * bool(reasons)]
    rows = []
    for rank, (item, score) in enumerate(zip(result.items, result.scores, strict=True)):
        item_id, title = name_of(int(item), catalogue)
        cells = [str(rank + 1), str(item_id), *[title] * titled, f"{score:.3f}"]
        rows.append([*cells, *reasons[rank : rank + 1]])
    texts = {"title", "why"} if titled else {"item", "why"}
    left = [number for number, column in enumerate(columns) if column in texts]
    console.print_table(columns, rows, left=left)


def say_columns(*, why: bool) -> None:
    """Say what the columns of the lists are."""
    console.info("score: orders one list, and is no probability")
    if why:
        console.info("why: items of the history, and by how much the score is lower without each")


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
    console.print_prose(f"similar to {title} [{item_id}]" if title else f"similar to {item_id}")
    print_list(result, catalogue)
