"""Columns whose text is JSON: what is in it, as columns of their own."""

import json
from collections.abc import Sequence
from dataclasses import replace

from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.nested import label_of, paths_of
from seqrec_cli.core.data.reading.relations import Cell, Column, Relation

MOST_PATHS = 40  # into one column of JSON


def column_in_text(base: Column, path: str) -> Column:
    """The column of the values at a path in a column whose text is JSON."""
    steps = "".join(
        f'."{step.removesuffix("[]")}"' + "[*]" * step.endswith("[]")
        for step in path.replace('"', "").split(".")
    )
    valid = f"CASE WHEN json_valid({base.sql}) THEN {base.sql} END"
    sql = f"json_extract_string({valid}, {quoted('$' + steps)})"
    label = f"{base.name}.{path}"
    parent = label.rpartition("[]")[0] if "[]" in path else ""
    cells = tuple(value_at(cell, path.split(".")) for cell in base.cells)
    return Column(label, sql, "[]" in path, parent, cells=cells, known=path)


def value_at(cell: Cell, path: Sequence[str]) -> Cell:
    """What a cell of JSON has at a path."""
    if not isinstance(cell, str):
        return None
    try:
        found = [json.loads(cell)]
    except (ValueError, RecursionError):
        return None
    for step in path:
        key = step.removesuffix("[]")
        found = [each[key] for each in found if isinstance(each, dict) and key in each]
        if step.endswith("[]"):
            found = [inner for each in found if isinstance(each, list) for inner in each]
    texts = [value if isinstance(value, str) else json.dumps(value) for value in found]
    if any(step.endswith("[]") for step in path):
        return list(texts)
    return texts[0] if texts else None


def with_texts_of_json(relation: Relation) -> Relation:
    """The relation with further columns for what is in columns whose text is JSON."""
    more = []
    for column in relation.columns:
        values = column.values[:50] if not column.listed else []
        if not values or not all(value.startswith("{") and value.endswith("}") for value in values):
            continue
        paths: dict[str, None] = {}
        for value in values:
            try:
                record = json.loads(value)
            except (ValueError, RecursionError):
                break
            paths |= dict.fromkeys(label_of(path) for path in paths_of(record, (), 4))
        else:
            more += [column_in_text(column, path) for path in list(paths)[:MOST_PATHS]]
    return replace(relation, columns=(*relation.columns, *more))


def path_in_text(relation: Relation, name: str) -> Column | None:
    """A path into a column whose text is JSON: `53.data[].sku`."""
    head, dot, rest = name.partition(".")
    base = relation.column(head)
    if base is None or not dot or not rest or base.listed:
        return None
    return column_in_text(base, rest)
