"""Checks of a log whose columns are known: what cannot be used is refused, with a remedy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import duckdb

from seqrec_cli.core.data.reading import moments, vocabulary
from seqrec_cli.core.data.reading.dialects import HEAD_BYTES
from seqrec_cli.core.data.reading.engine import Engine, opened_engine
from seqrec_cli.core.data.reading.judging import MANY, is_surely, numbers_rows
from seqrec_cli.core.data.reading.lists import cut_values
from seqrec_cli.core.data.reading.loading import Loaded, MostlyMissing
from seqrec_cli.core.data.reading.opening import open_relation
from seqrec_cli.core.data.reading.options import Reading, Role, command
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.rejects import unreadable
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import NONE, Plan, Undecided, assign, listed
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import known_names
from seqrec_cli.core.data.reading.times import WHOLE
from seqrec_cli.core.data.reading.unfolding import AUTHORS
from seqrec_cli.core.data.reading.wording import shortened, where_option
from seqrec_cli.errors import InputError
from seqrec_cli.wording import typed

WIDE = 8  # columns whose names differ in their numbers alone
MOST_MARKS = 11  # values, as from 0 to 10
DIGITS = re.compile("[0-9]+")


def refuse_empty(relation: Relation, engine: Engine) -> None:
    """Refuse a log without rows, and say why."""
    try:
        engine.rows(f"SELECT count(*) FROM {relation.scans[0]}")
    except duckdb.Error as error:
        raise unreadable(relation.place, error) from error
    raise InputError(f"`{relation.place}` has no interactions", "it must have a line for each")


def refuse_unread_header(relation: Relation, files: Files) -> None:
    """Refuse a text whose first line is a header, in an encoding that nobody named.

    Raises:
        Undecided: so it is; of which column is what nothing can be said.
    """
    encoding = relation.encoding
    if encoding and not relation.named and known_names(files.first.head(HEAD_BYTES), encoding):
        raise Undecided(("user", "item"), [{}])


def check_counted(rows: Loaded, relation: Relation) -> None:
    """Refuse what is no text of SASRec: in it ids are numbers from 1."""
    for role, codes, ids in (
        ("user", rows.users, rows.user_ids),
        ("item", rows.items, rows.item_ids),
    ):
        odd = ""
        if ids.dtype.kind != "i":
            texts = [str(each) for each in ids.tolist()]
            odd = next((text for text in texts if not WHOLE.fullmatch(text)), "")
            problem = f"the {role} `{shortened(odd, 30)}` is not a whole number"
            if not odd:
                odd = max(texts, key=lambda text: abs(int(text)))
                problem = f"the {role} {odd} is beyond 2^63 - 1"
        elif len(ids) and int(ids[0]) < 1:
            odd = str(ids[0])
            problem = f"the {role} is {odd}, but ids count from 1"
        else:
            continue
        row = int((ids.astype(str)[codes] == odd).argmax())
        whole = len(relation.scans) == 1 and rows.rows_read == len(codes)
        where = f", {relation.place_of(0, row)}" if whole else ""
        raise InputError(
            f"`{relation.place}`{where}: {problem}",
            "for any other ids, use `--format delimited` instead",
        )


def check_rating(relation: Relation, plan: Plan, reading: Reading, place: TextSource) -> None:
    """Refuse a threshold for a log without ratings, and ratings that are words without values."""
    rating = plan.rating
    if rating is None:
        if reading.min_rating is not None or reading.rating_values:
            option = "--rating-values" if reading.rating_values else "--min-rating"
            raise InputError(
                f"`{relation.place}` has no ratings to hold against a threshold",
                f"leave out {option}, or name the column: `--columns rating=…`; it has "
                f"{listed(relation)}",
            )
        return
    words = not (rating.numeric or rating.comma_numeric or rating.is_truth)
    if words and not reading.rating_values:
        values = list(dict.fromkeys(rating.values))[:6]
        option = ",".join(f"{value}={n}" for n, value in enumerate(values, 1))
        raise InputError(
            f"`{relation.place}`: the rating in `{rating.name}` is `{shortened(values[0])}`, "
            "which is not a number",
            f"set the rating of each word: `--rating-values {option}`; or choose rows by them: "
            f"`{where_option(rating.name, values[0])}`",
        )


def refuse_examples(relation: Relation, plan: Plan, reading: Reading, place: TextSource) -> None:
    """Refuse what holds more than a row says: labelled examples, and records in cells."""
    used = plan.used()
    rest = [Profile(c, n) for n, c in enumerate(relation.columns) if c.name not in used]
    items = set(plan.item.values)
    if "item" in reading.columns:
        return
    as_item = typed("--columns", f"item={plan.item.name}")
    stem = DIGITS.sub("", plan.item.name)
    family = [c.name for c in relation.columns if DIGITS.sub("", c.name) == stem]
    family = max(family, columns_like(plan.item, [plan.item, *rest]), key=len)
    others = [p for p in rest if p.name in family and items.intersection(p.values)]
    if relation.named and plan.item.label and (len(family) >= WIDE or others):
        raise InputError(
            f"`{place}` has a column for each of {len(family)} items, `{family[0]}`, "
            f"`{family[1]}`, …, which is not read",
            "write a row for each of their values, with the user, the item and the value"
            + (f"; to read one of them alone: `{as_item}`" if plan.item.filled > 0.5 else ""),
        )
    histories = [p for p in rest if not p.column.listed and holds_lists_of(p, items)]
    labels = [p for p in rest if (not p.label or p.rank("event") >= 0) and p.is_flag]
    if histories and labels and not plan.item.column.listed:
        raise InputError(
            f"each line of `{place}` is a labelled example with a history in "
            f"`{histories[0].name}`, not one interaction",
            "for ranking, name the folder in which it lies beside its test part (train.csv and "
            "test.csv, or local_train and local_test): `seqrec prepare FOLDER --task ranking`; to "
            f"read each line as one interaction all the same: `{as_item}`",
        )
    packed = [p for p in rest if is_packed(p)]
    if packed and not plan.item.column.listed:
        raise InputError(
            f"`{packed[0].name}` of `{place}` holds several records in each cell, as in "
            f"`{shortened(packed[0].values[0], 50)}`, which are not read",
            "write a row for each of them; to read each line as one interaction all the same: "
            f"`{as_item}`",
        )


def columns_like(item: Profile, profiles: Sequence[Profile]) -> list[str]:
    """The columns with numbers as few and as small as this one, which no name says to be ids: marks
    of people, a column for each of what they marked."""
    values = set(item.values)
    if is_surely(item, "item") or not item.numeric or len(values) > MOST_MARKS:
        return []
    alike = [
        p.name
        for p in profiles
        if p.numeric and p.distinct <= MOST_MARKS and not values.isdisjoint(p.values)
    ]
    return alike if len(alike) >= WIDE else []


def holds_lists_of(profile: Profile, items: set[str]) -> bool:
    """Whether the cells of a column are lists of such items, not a single one each."""
    values = profile.values[:200]
    text = "".join(values)
    for separator in (",", " ", "|", ";", "\x02", "#"):
        if separator not in text:
            continue
        pieces = [cut_values(value, separator) for value in values]
        several = sum(len(own) > 1 for own in pieces)
        there = [piece for own in pieces for piece in own]
        known = sum(piece in items for piece in there) > 0.3 * len(there)
        packed = separator == "\x02"  # as DIN and DIEN write histories
        if several > 0.3 * max(1, len(pieces)) and (known or packed):
            return True
    return False


def is_packed(profile: Profile) -> bool:
    """Whether cells hold records such as `408:15:7:0915:0#408:16:7:0916:2`."""
    return (
        bool(profile.values)
        and all(
            re.fullmatch(r"[\w.-]+(?::[\w.-]*){2,}(?:[#;|,][\w.-]+(?::[\w.-]*){2,})+", value)
            for value in profile.values[:20]
            if "#" in value or ";" in value or "|" in value or "," in value
        )
        and any(re.search(r"[#;|,]", value) for value in profile.values[:20])
        and not profile.date_forms
    )


def refuse_row_numbers(
    relation: Relation, plan: Plan, rows: Loaded, files: Files, reading: Reading, engine: Engine
) -> None:
    """Refuse ids of which none comes twice, as they number the rows, or but one comes at all.

    Raises:
        InputError: it is so of users or items that nobody named; with what else they may be.
    """
    listed_authors = AUTHORS.intersection(vocabulary.words_of(plan.user.label))
    columns: tuple[tuple[Literal["user", "item"], Profile, int], ...] = (
        ("user", plan.user, len(rows.user_ids)),
        ("item", plan.item, len(rows.item_ids)),
    )
    for role, profile, count in columns:
        total = len(rows.users)
        if role in plan.asked or total <= MANY or count not in (1, total):
            continue
        # Of a catalogue the books come once, each with its author.
        catalog = role == "item" and bool(listed_authors)
        surely = count > 1 and is_surely(profile, role) and not (profile.wordy or catalog)
        if surely and role == "item":
            continue
        problem = (
            f"`{relation.place}`: no value of `{profile.name}`, which would be the {role}, comes "
            f"twice in {count:,} rows: it numbers the rows, and nothing can be learned from it"
            if count > 1
            else f"`{relation.place}`: `{profile.name}`, which would be the {role}, has but one "
            f"value in {total:,} rows, and nothing can be learned from it"
        )
        guess, known = guess_without(role, relation, plan, reading, engine)
        if count == 1 and role == "user" and not known:
            continue  # all may well be of one user
        hint = working_commands({"if this is right": guess}, relation, files, reading, engine)
        if surely and not hint:
            continue  # then there are no histories, which is said where they are cut
        raise InputError(problem, hint or fill_in(("user", "item")))


def without_column(
    error: MostlyMissing,
    relation: Relation,
    plan: Plan,
    files: Files,
    reading: Reading,
    engine: Engine,
) -> InputError:
    """The refusal of rows that mostly lack something, with another column for it, if one fits."""
    role, hint = error.role, ""
    if role == "user" or role == "item":
        guess, _ = guess_without(role, relation, plan, reading, engine)
        other = relation.column(guess.get(role, ""))
        if other is not None and Profile(other, 0).filled > 0.5:
            hint = working_commands(
                {f"if another column is the {role}": guess}, relation, files, reading, engine
            )
    elif role == "time" and plan.time is not None:
        profiles = [Profile(column, place) for place, column in enumerate(relation.columns)]
        full = [profile for profile in profiles if profile.filled > 0.5]
        times = [m.columns[0] for m in moments.candidates(full, engine) if m.solid]
        time = next((p.name for p in times if p.name not in plan.used()), NONE)
        each = reading.with_columns({"time": time})
        untimed = "the order of the file is what counts"
        why = untimed if time == NONE else "another column is the time"
        hint = f"if {why}: `{command(files.main, each)}`" if works(relation, each, engine) else ""
    hint = hint or (
        f"name another column for the {role}, as in `--columns {role}=…`; found {listed(relation)}"
    )
    return InputError(error.message, f"{error.hint}; or {hint}" if error.hint else hint)


def guess_without(
    role: Literal["user", "item"], relation: Relation, plan: Plan, reading: Reading, engine: Engine
) -> tuple[Mapping[Role, str], bool]:
    """What the columns may be if another one than was taken has a role, and if names say so."""
    taken: dict[Role, str] = {"user": plan.user.name, "item": plan.item.name}
    taken |= {"time": plan.time.name} if plan.time and len(plan.time.columns) == 1 else {}
    others = tuple(c for c in relation.columns if c.name != taken[role])
    del taken[role]
    try:
        other = assign(replace(relation, columns=others), reading, engine)
    except Undecided as error:
        return error.guesses[0] | taken, False
    except InputError:
        return {}, False
    if numbers_rows(other.user if role == "user" else other.item):
        return {}, False
    return {"user": other.user.name, "item": other.item.name, **taken}, True


def undecided(
    relation: Relation, files: Files, reading: Reading, engine: Engine, error: Undecided
) -> InputError:
    """Say which role cannot be told, and what to type: a proposal that was tried, if any."""
    if relation.encoding:
        return InputError(
            f"`{relation.place}` is not UTF-8, so its columns cannot be told",
            in_encoding(relation.encoding, files, reading),
        )
    guesses = dict(zip(("if this is right", "as likely"), error.guesses, strict=False))
    if relation.file is not None and error.missing == ("user",):
        by_file: dict[Role, str] = error.guesses[0] | {"user": relation.file.name}
        guesses = {"if each file is of one user": by_file} | guesses
    roles = " and which the ".join(error.missing)
    problem = f"`{relation.place}`: cannot tell which column is the {roles}; found "
    hint = working_commands(guesses, relation, files, reading, engine)
    if hint:
        return InputError(problem + listed(relation), hint)
    return InputError(problem + listed(relation, examples=True), fill_in(error.missing))


def in_encoding(encoding: str, files: Files, reading: Reading) -> str:
    """The hint to read files in an encoding, with columns if those cannot be told in it."""
    decoded = replace(reading, encoding=encoding)
    with opened_engine() as engine:
        with engine.folder.new_file(".txt") as head:
            head.write(files.first.head(HEAD_BYTES))
        source = TextSource(head.path)
        try:
            relation = open_relation(Files(source, ((source,),)), decoded, engine)
            assign(relation, decoded, engine)
        except Undecided as error:
            hint = undecided(relation, files, decoded, engine, error).hint or ""
            if "--encoding" in hint:
                return "name its encoding, perhaps" + hint.removeprefix("if this is right")
            return (
                f"name its encoding, perhaps `--encoding {encoding}`, with which the columns are "
                f"{listed(relation)}; {fill_in(error.missing)}"
            )
        except InputError:
            pass
    return f"name its encoding, perhaps: `{command(files.main, decoded)}`"


def working_commands(
    guesses: Mapping[str, Mapping[Role, str]],
    relation: Relation,
    files: Files,
    reading: Reading,
    engine: Engine,
) -> str:
    """A hint with the commands that give the columns the roles of the guesses, if they run."""
    hints = []
    for when, guess in guesses.items():
        each = reading.with_columns({r: c for r, c in guess.items() if r not in reading.columns})
        if not {"user", "item"} <= set(each.columns):
            continue
        untimed = each.with_columns({"time": NONE})
        if works(relation, each, engine):
            hints.append(f"{when}: `{command(files.main, each)}`")
        elif works(relation, untimed, engine):
            hints.append(f"{when}, and the order is the file's: `{command(files.main, untimed)}`")
    return "; or, ".join(hints)


def fill_in(roles: Sequence[str]) -> str:
    """The hint to name the columns of these roles, where nothing can be proposed."""
    return (
        f"name them, as in `--columns {','.join(f'{role}=…' for role in roles)}`, if the file has "
        "interactions of users with items at all"
    )


def works(relation: Relation, proposal: Reading, engine: Engine) -> bool:
    """Whether a proposal reads the sample."""
    try:
        plan = assign(relation, proposal, engine)
    except (Undecided, InputError, duckdb.Error):
        return False
    return bool(plan.user.values and plan.item.values)
