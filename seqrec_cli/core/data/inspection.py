"""What a log holds, as plain values, before anything is prepared of it."""

from typing import Any

from seqrec_cli.core.data.interactions import Interactions
from seqrec_cli.core.data.ordering import count_codes, to_offsets
from seqrec_cli.core.data.preparation import Preparation, rows_of_log, tidy
from seqrec_cli.core.data.sequences import Sequences


def inspected(log: Interactions, name: str) -> dict[str, Any]:
    """What was found in a log: its source, its columns, and counts before any filter.

    Exact duplicates are counted among the dropped rows, as `prepare` drops them; `repeats` is the
    share of the other rows whose user has the item in an earlier row.
    """
    origin = log.origin
    duplicates, repeats = repeated(log)
    return {
        "name": name,
        "source": {
            "path": origin.path,
            "licence": origin.licence,
            "findings": origin.findings.as_dict(),
        },
        "rows_read": origin.rows_read,
        "dropped": dict(origin.dropped) | duplicates,
        "users": len(log.user_ids),
        "items": len(log.item_ids),
        "repeats": repeats,
    }


def repeated(log: Interactions) -> tuple[dict[str, int], float]:
    """The exact duplicates by their reason, and the share of repeats among the other rows."""
    rows, dropped = rows_of_log(log), dict[str, int]()
    tidy(rows, dropped, Preparation())
    counts = count_codes(rows.users, len(log.user_ids))
    return dropped, Sequences(to_offsets(counts), rows.items).repeat_share
