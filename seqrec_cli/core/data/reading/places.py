"""From what the user names to the files to read: folders, archives, parts, what lies beside."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqrec_cli.core.data.reading import known, vocabulary
from seqrec_cli.core.data.reading.dialects import lines_of
from seqrec_cli.core.data.reading.file_dates import order_of_dates
from seqrec_cli.core.data.reading.options import Reading, command
from seqrec_cli.core.data.reading.sources import (
    MOST_MEMBERS,
    WORKBOOKS,
    TextSource,
    check_source,
    is_folder,
    is_tar,
    member_names,
    mode_of,
    natural,
    parse_place,
)
from seqrec_cli.errors import InputError
from seqrec_cli.wording import counted, verb

PARTS = ("train", "valid", "test")
SPELLINGS = {"valid": ("valid", "validation", "val", "dev", "eval"), "test": ("test",)}
NO_DATA = re.compile(
    r"(?i)(readme|licen[cs]e|changelog|notice|citation|checksum|_success|_metadata|_common_metadata|"
    r"thumbs\.db|desktop\.ini)(\.|$)|.*\.(md|pdf|png|jpe?g|gif|svg|py|ipynb|html?|sh|ya?ml|docx?|crc|"
    r"md5|sha256|log|toml|r|sql)$"
)
BLOCK = re.compile(r"[^,\s:]+:\s*")  # the head of a block, as in the Netflix prize
MOST_LISTED = 12
MOST_LOOKED_AT = 50


@dataclass(frozen=True)
class Files:
    """The files of a log.

    Attributes:
        main: for messages, and for the name of the dataset.
        parts: the files of each part; of one part where the log is whole.
        names: what the parts are called: train, valid, test, or none.
        hive: whether folders such as `day=2024-01-01` have columns in their names.
        movielens: whether the log is one of MovieLens' by its name.
        note: what should be known about the choice of files, a sentence.
    """

    main: TextSource
    parts: tuple[tuple[TextSource, ...], ...]
    names: tuple[str, ...] = ()
    hive: bool = False
    note: str = ""

    @property
    def first(self) -> TextSource:
        return self.parts[0][0]


def files_of(place: TextSource, reading: Reading) -> Files:
    """Find the files that a place stands for.

    Raises:
        InputError: nothing there, or several files of which none is clearly the log.
    """
    if "*" in str(place.path) and not place.path.exists():
        return from_pattern(place)
    check_source(place.path)
    if not place.member and is_folder(place.path):
        found = in_folder(place, reading)
    elif not place.member and is_archive(place):
        found = in_archive(place, reading)
    else:
        found = single(place, reading)
    if reading.more:
        more = tuple(parse_place(str(path)) for path in reading.more)
        found = Files(place, ((*found.parts[0], *more), *found.parts[1:]), found.names)
    return found


def is_archive(place: TextSource) -> bool:
    """Whether a file is an archive of files, and no workbook, which is zipped too."""
    zipped = place.packing() == "zip" and not place.filename.lower().endswith(WORKBOOKS)
    return zipped or is_tar(place.path)


def from_pattern(place: TextSource) -> Files:
    path = place.path
    root = Path(path.anchor) if path.anchor else Path()
    pattern = str(path.relative_to(root)) if path.anchor else str(path)
    found = sorted(root.glob(pattern), key=lambda each: natural(str(each)))
    found = [each for each in found if each.is_file()]
    if not found:
        raise InputError(f"there is no file `{path}`", "check the pattern")
    return by_dates_in_names(place, [TextSource(each) for each in found])


def by_dates_in_names(
    place: TextSource, sources: Sequence[TextSource], *, hive: bool = False
) -> Files:
    """The files of a whole log by the dates in their names, if each has one, else as they are."""
    order = order_of_dates([source.filename for source in sources])
    note = ""
    if order is not None and order != list(range(len(sources))):
        sources = [sources[n] for n in order]
        note = (
            "the files are read in the order of the dates in their names, from "
            f"`{sources[0].filename}` to `{sources[-1].filename}`"
        )
    return Files(place, (tuple(sources),), hive=hive, note=note)


def single(place: TextSource, reading: Reading) -> Files:
    """One file, with the parts that the user names or that lie beside it."""
    if reading.valid or reading.test:
        named = [("train", place)]
        for part, path in (("valid", reading.valid), ("test", reading.test)):
            if path is not None:
                named.append((part, parse_place(str(path))))
        for _, source in named:
            check_source(source.path)
        return Files(place, tuple((s,) for _, s in named), tuple(p for p, _ in named))
    if reading.more:
        return Files(place, ((place,),))
    valid, test = (part_beside(place, part) for part in ("valid", "test"))
    if valid and test and same_head(place, valid) and same_head(place, test):
        note = f"the valid and the test part are `{valid}` and `{test}`, which lie beside it"
        return Files(place, ((place,), (valid,), (test,)), PARTS, note=note)
    note = ""
    beside = valid or test
    if beside and same_head(place, beside):
        kind = "valid" if valid else "test"
        option = f"--{kind} {beside}"
        note = (
            f"`{beside}` beside it looks like the {kind} part and is not read: `{option}` takes it"
        )
    elif others := same_files_beside(place):
        note = (
            f"{counted(len(others), 'more file')} beside it {verb(len(others), 'has', 'have')} the "
            f"same columns and {verb(len(others), 'is', 'are')} not read; "
            f"all of them: `{command(place.path.parent, reading)}`"
        )
    return Files(place, ((place,),), note=note)


def part_beside(place: TextSource, part: str) -> TextSource | None:
    """The file of another part beside one whose name has `train` as a word."""
    match = re.search(r"(?<![A-Za-z])train(?:ing)?(?![A-Za-z])", place.filename)
    if match is None:
        return None
    full = place.member.rpartition("/")[2] if place.member else place.path.name
    for spelled in SPELLINGS[part]:
        found = place.sibling(full[: match.start()] + spelled + full[match.end() :])
        if found is not None:
            return found
    return None


def same_files_beside(place: TextSource) -> list[Path]:
    """Other files in the folder with the same ending and the same header; none without header."""
    own = header_line(place) if (beside := same_suffix(place)) else ""
    if not own or not re.search("[A-Za-z]", own):
        return []
    return [path for path in beside if header_line(TextSource(path)) == own]


def same_suffix(place: TextSource) -> list[Path]:
    """Other files in the folder with the same ending; none where there are many."""
    if place.member or not place.path.suffix:
        return []
    try:
        found = sorted(place.path.parent.glob(f"*{place.path.suffix}"))
    except (OSError, ValueError, NotImplementedError):
        return []
    if len(found) > 50:
        return []
    return [path for path in found if path != place.path and path.is_file()]


def header_line(source: TextSource) -> str:
    """The first line, "" where it cannot be read as text."""
    try:
        head = source.head(1 << 12)
    except InputError:
        return ""
    return "" if b"\0" in head else next((line for line in lines_of(head) if line.strip()), "")


def same_head(one: TextSource, other: TextSource) -> bool:
    """Whether two files may be parts of the same log: the same header, or none and as wide."""
    if one.filename.endswith((".parquet", ".pq")):
        return True
    first, second = header_line(one), header_line(other)
    if first == second:
        return True
    if BLOCK.fullmatch(first) and BLOCK.fullmatch(second):
        return True
    if begun := start_of_records(first):
        return begun == start_of_records(second)
    delimiter = next((d for d in ("::", "\t", ",", ";", "|", " ") if d in first), "")
    alike = bool(delimiter) and first.count(delimiter) == second.count(delimiter)
    named = not any(c.isdigit() for c in first)
    return alike and not named


def start_of_records(line: str) -> str:
    """How records of JSON begin in a line: `{`, or `[{` where they are in a list; or ""."""
    begun = "".join(line[:100].split())
    return next((start for start in ("{", "[{") if begun.startswith(start)), "")


def in_folder(place: TextSource, reading: Reading) -> Files:
    """The log in a folder: one known by name, parts, or all files if they are alike."""
    folder = place.path
    for name in known.LOGS:
        mode_of(folder / name)  # raises where the folder must not be searched
    entries = []
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if any(part.startswith((".", "_")) for part in inside.parts) or not path.is_file():
            continue
        entries.append((str(inside), TextSource(path)))
        if len(entries) > 10 * MOST_MEMBERS:
            raise InputError(f"the folder `{folder}` has too many files", "name the log in it")
    return choose(place, entries, reading, f"the folder `{folder}`")


def in_archive(place: TextSource, reading: Reading) -> Files:
    """The log in an archive, likewise; it is read where it is and never unpacked as a whole."""
    names = [n for n in member_names(place.path) if not n.endswith("/")]
    entries = [
        (name, TextSource(place.path, name))
        for name in names
        if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    ]
    return choose(place, entries, reading, f"the archive `{place.path}`")


def choose(
    place: TextSource, entries: list[tuple[str, TextSource]], reading: Reading, what: str
) -> Files:
    entries.sort(key=lambda entry: (entry[0].count("/"), natural(entry[0])))
    for log in known.LOGS:
        for _, source in entries:
            if source.filename == log:
                return Files(place, ((source,),))
    data = [entry for entry in entries if not NO_DATA.match(entry[0].rpartition("/")[2])]
    if not data:
        raise InputError(f"{what} has no file of data", "name the file with the interactions")
    logs = [e for e in data if e[1].filename.endswith(".inter")] or data
    parquet = [e for e in logs if e[1].filename.endswith((".parquet", ".pq"))]
    logs = parquet or logs
    if len(logs) == 1:
        return single(logs[0][1], reading)
    hive = all("=" in name.rpartition("/")[0] for name, _ in logs)
    train = [
        source for _, source in logs if part_beside(source, "test") or part_beside(source, "valid")
    ]
    if len(train) == 1 and len(logs) <= 3:
        found = single(train[0], reading)
        if len(found.parts) == len(logs):
            return found
    first = logs[0][1]
    if all(same_head(first, source) for _, source in logs[1:50]):
        return by_dates_in_names(place, [source for _, source in logs], hive=hive)
    raise several(place, [source for _, source in logs], reading, what)


def several(
    place: TextSource, sources: Sequence[TextSource], reading: Reading, what: str
) -> InputError:
    listed = ", ".join(f"`{source}`" for source in sources[:MOST_LISTED])
    more = ", …" if len(sources) > MOST_LISTED else ""
    best = max(sources[:MOST_LOOKED_AT], key=likeness)
    hint = f"name the one with the interactions, as in `{command(best, reading)}`"
    own = header_names(best)
    for other in sources[:MOST_LOOKED_AT]:
        theirs = header_names(other)
        shared = {*own} & {*theirs}
        if theirs != own and len(shared) > 0.6 * max(len(own), len(theirs)) > 1:
            hint = (
                f"`{best.filename}` has the columns {', '.join(own)}, and `{other.filename}` "
                f"{', '.join(theirs)}: if they are parts of one log, write the same columns in "
                f"one order in all of them; else {hint}"
            )
            break
    return InputError(f"{what} has {len(sources)} files of data: {listed}{more}", hint)


def header_names(source: TextSource) -> list[str]:
    """The cells of the first line, which may be names of columns."""
    return re.split(r"[,;\t|]", header_line(source).replace('"', ""))


def likeness(source: TextSource) -> int:
    """How much a file sounds like a log, by its name and by the names of its columns."""
    words = ("interaction", "rating", "event", "log", "click", "behavior", "review", "transaction")
    others = {"test", "submission", "sample", "meta", "dev", "valid", "validation", "val"}
    name = source.filename.lower()
    columns = header_names(source)
    roles: tuple[vocabulary.Named, ...] = ("user", "item", "time")
    found = sum(vocabulary.best_named(columns, role) is not None for role in roles)
    named = sum(word in name for word in words) - 2 * bool(others & set(re.split("[^a-z]+", name)))
    return 2 * found + named
