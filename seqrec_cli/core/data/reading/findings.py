"""What was found in a log and taken for what, to be printed and kept in the manifest."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seqrec_cli.core.data.reading import known, vocabulary
from seqrec_cli.core.data.reading.doubts import doubts_of
from seqrec_cli.core.data.reading.event_kinds import option_for
from seqrec_cli.core.data.reading.loading import Loaded
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files, header_line, same_suffix
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.wording import shortened

# A column that a note offers in place of the one that was taken.
OFFERED = re.compile(r"`--columns '?(?:user|item|time)=(?!none`)[^`,]*`")
NOTHING = "no column looks like a time: the order of the file counts"


@dataclass(frozen=True)
class Taken:
    """A column that was taken for something.

    Attributes:
        role: user, item, time or rating.
        column: its name, or its number from 1.
        example: a value of it.
        inferred: whether nobody said so.
    """

    role: str
    column: str
    example: str
    inferred: bool


@dataclass(frozen=True)
class Kind:
    """A column that looks like a type of event or a label.

    Attributes:
        column: its name, or its number from 1.
        counts: how many rows have each of its values, the most frequent first; a row is an item
            where lists of items are read.
        filtered: whether rows were chosen by it.
        option: what to type to choose rows by it.
    """

    column: str
    counts: Mapping[str, int]
    filtered: bool
    option: str


@dataclass(frozen=True)
class Findings:
    """What was found in a log.

    Attributes:
        layout: the form of the file in words.
        taken: which columns were taken.
        unused: the names of the other columns.
        order: how the rows of a user are ordered, in words.
        kinds: columns that look like a type of event or a label.
        lists: whether rows are values of lists, which share the time of their list.
        notes: what else should be known, a sentence each.
    """

    layout: str = ""
    taken: tuple[Taken, ...] = ()
    unused: tuple[str, ...] = ()
    order: str = ""
    kinds: tuple[Kind, ...] = ()
    lists: bool = False
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def describe_log(
    files: Files, relation: Relation, plan: Plan, rows: Loaded, reading: Reading
) -> Findings:
    """What was taken for what."""
    taken = [
        Taken("user", plan.user.name, example(plan.user), "user" not in plan.asked),
        Taken("item", plan.item.name, example(plan.item), "item" not in plan.asked),
    ]
    if plan.time is not None:
        first = " + ".join(example(column) for column in plan.time.columns)
        taken.append(Taken("time", plan.time.name, first, "time" not in plan.asked))
    if plan.rating is not None and rows.ratings is not None:
        taken.append(
            Taken("rating", plan.rating.name, example(plan.rating), "rating" not in plan.asked)
        )
    used = plan.used()
    unused = tuple(column.name for column in relation.columns if column.name not in used)
    notes = [*relation.remarks, *plan.notes, *rows.notes]
    notes += doubts_of(relation, plan, rows, reading.where)
    owners = owners_beside(files, plan)
    notes += [owners] if owners else []
    notes += notes_of_files(files, timed=plan.time is not None)
    return Findings(
        layout=relation.layout,
        taken=tuple(taken),
        unused=unused,
        order=order_of(plan, rows),
        kinds=kinds_of(rows, reading),
        lists=plan.unfolded is not None and not has_own_time(plan),
        notes=tuple(told_once(notes)),
    )


def has_own_time(plan: Plan) -> bool:
    """Whether each value of a list has a time beside it, or there is no time."""
    return plan.time is None or any(column.column.listed for column in plan.time.columns)


def told_once(notes: Sequence[str]) -> Iterator[str]:
    """The notes, without those that offer nothing but columns that one before offers."""
    offered: set[str] = set()
    for note in notes:
        found = OFFERED.findall(note)
        if not found or not offered.issuperset(found):
            yield note
        offered.update(found)


def notes_of_files(files: Files, *, timed: bool) -> list[str]:
    """What to know of the files of a log: how they were found, and which order they are in where
    that counts."""
    if files.note:
        return [files.note]
    own = files.parts[0]
    if timed or len(own) < 2:
        return []
    shown = ", ".join(f"`{source.filename}`" for source in own[:3]) + ", …" * (len(own) > 3)
    return [f"the order of the files counts, as there is no time: {shown}"]


def example(profile: Profile) -> str:
    return shortened((profile.values or [""])[0], 40)


def order_of(plan: Plan, rows: Loaded) -> str:
    if plan.time is None:
        return NOTHING
    how = f" ({plan.time.form.name})" if plan.time.form.unit else ""
    name = plan.time.name  # a number where there is no header
    return f"by {f'column {name}' if name.isdigit() else f'`{name}`'}{how}, {rows.time_unit}"


def owners_beside(files: Files, plan: Plan) -> str:
    """A note on a file beside a log of orders that says whose they are, "" where there is none."""
    if "user" in plan.asked or plan.user.rank("session") < 0:
        return ""
    for path in same_suffix(files.first):
        names = re.split(r"[,;\t|]", header_line(TextSource(path)).replace('"', ""))
        user = vocabulary.best_named(names, "user")
        if plan.user.name in names and user is not None and names[user] != plan.user.name:
            return (
                f"`{path}` says which `{names[user]}` each `{plan.user.name}` is of: join the two "
                "files for histories of users"
            )
    return ""


def kinds_of(rows: Loaded, reading: Reading) -> tuple[Kind, ...]:
    """The columns that look like a type of event, with the option that chooses rows by them."""
    found = []
    for name, counts in rows.counts.items():
        filtered = any(name in each for each in reading.where)
        found.append(Kind(name, counts, filtered, option_for(name, counts)))
    return tuple(found)


def form_of(files: Files, relation: Relation, plan: Plan, rows: Loaded) -> str:
    """The form of the files, as in `--format`."""
    name = files.first.filename
    if name.endswith(".inter"):
        return "inter"
    if relation.form != "delimited":
        return relation.form
    if name in known.LOGS:
        return "movielens"
    numbers = rows.user_ids.dtype.kind == rows.item_ids.dtype.kind == "i"
    spaced = "spaces" in relation.layout or "tabs" in relation.layout
    pair = len(relation.columns) == 2 and not relation.named and spaced
    return "user-item" if pair and numbers else "delimited"
