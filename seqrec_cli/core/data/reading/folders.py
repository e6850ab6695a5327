"""What the names of files and folders say of the rows in them: `day=2024-01-01`, or whose they are.

A file of its own for each user is read with `--columns user=file`; where the files are all called
the same, `file` has the names of their folders.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from urllib.parse import unquote

from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.relations import Column, Relation

FILE = "file"  # what to name for the name of the file
FOLDER = re.compile(r"([^=/]{1,100})=([^/]*)")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def with_names_of_files(relation: Relation, files: Files) -> Relation:
    """The relation with a column for each `name=value` in the names of its folders, and with the
    names of its files for who asks for them."""
    paths = [str(path) for part in relation.paths for path in part]
    names = [PurePath(source.member or str(source.path)) for part in files.parts for source in part]
    if len(paths) < 2 or len(paths) != len(names):
        return relation
    called = [name.name.partition(".")[0] for name in names]
    if len({*called}) == 1:
        called = [name.parent.name for name in names]
    relation = replace(relation, file=column_of(FILE, dict(zip(paths, called, strict=True))))
    if not files.hive:
        return relation
    values: dict[str, dict[str, str]] = {}
    for path, name in zip(paths, names, strict=True):
        for folder in name.parts[:-1]:
            if match := FOLDER.fullmatch(folder):
                told = "" if match[2] == NO_VALUE else unquote(match[2])
                values.setdefault(match[1], {})[path] = told
    taken = {column.name for column in relation.columns}
    more = [column_of(key, own) for key, own in values.items() if key not in taken]
    return replace(relation, columns=(*relation.columns, *more), numbers=lambda types: None)


def column_of(name: str, values: Mapping[str, str]) -> Column:
    pairs = ", ".join(f"{quoted(path)}: {quoted(value)}" for path, value in values.items())
    return Column(name, f"map {{{pairs}}}[filename]")
