"""Whom `recommend` is asked about: users of the dataset, a file of people, or somebody new."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from seqrec_cli import console
from seqrec_cli.wording import counted, verb

if TYPE_CHECKING:
    from seqrec_cli.core.inference.people import People
    from seqrec_cli.core.inference.recent import Since
    from seqrec_cli.core.runs.run import Run

WAYS = ("user", "users", "history", "item", "histories")
OF_DATASET = ("user", "users")
FILES = ("users", "histories")


def refuse_contradictions(options: Any) -> None:
    """Refuse options that exclude each other."""
    given = [way for way in WAYS if getattr(options, way) is not None]
    if len(given) != 1:
        raise typer.BadParameter(
            'name somebody, in one way: --user ID, --history "ID ID …", --item ID, --users FILE or '
            "--histories FILE"
        )
    if given[0] in FILES and options.output is None:
        raise typer.BadParameter(f"--{given[0]} FILE needs --output FILE (.csv or .jsonl)")
    if options.output is not None and (options.why or options.as_json):
        raise typer.BadParameter("--why and --json are for the screen: leave out --output")
    if options.why and options.rerank is not None:
        raise typer.BadParameter("--why explains one model's scores: leave out --rerank")


def asked_for(run: "Run", options: Any) -> "People":
    """The people that the options name; what was left out of a file is said."""
    from seqrec_cli.core.inference.people import refuse_unknown

    if options.history is not None or options.item is not None:
        return new_user(run, options)
    if options.histories is not None:
        people = of_a_log(run, options.histories)
        place = f"`{options.histories}`"
    else:
        people = known_users(run, options)
        place = f"the dataset `{people.dataset.name}`" if people.dataset is not None else ""
    if options.unknown == "error":
        refuse_unknown(people, place)
    return settled(people, options.unknown)


def of_a_log(run: "Run", source: str) -> "People":
    """The people of a log whom no dataset has; what was left out of it is said."""
    # Here, so that a list for a known user does not wait for the engine.
    from seqrec_cli.core.inference.history_files import read_people
    from seqrec_cli.core.runs.histories import readable_by
    from seqrec_cli.core.runs.loading import catalogue_of

    people = readable_by(run, read_people(source, catalogue_of(run)))
    count = len(people.labels)
    place = "the standard input" if source == "-" else f"`{source}`"
    console.info(f"{count:,} {verb(count, 'person', 'people')} in {place}")
    console.warn_all(people.notes)
    return people


def settled(people: "People", unknown: str) -> "People":
    """Leave people without a history out, or keep them for what is popular; says how many."""
    for reason, labels in people.missing.items():
        count = len(labels)
        was, gets = verb(count, "was", "were"), verb(count, "gets", "get")
        what = f"{was} left out" if unknown == "skip" else f"{gets} what is popular"
        first = f", the first `{labels[0]}`: that one" if count > 1 else f": `{labels[0]}`"
        console.warn(f"{counted(count, 'user')} {what}{first} {reason}")
    return people.without_unknown() if unknown == "skip" else people


def known_users(run: "Run", options: Any) -> "People":
    """Users of the dataset, with their histories up to the end or before one of its parts."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.names import read_ids
    from seqrec_cli.core.runs.histories import histories_for

    ids = options.user if options.users is None else read_ids(options.users)
    dataset = SequenceDataset.load(run.find_data(options.data, options.data_dir))
    if options.rerank is not None or options.exclude_seen is not None:
        run.check_data(dataset)  # both go by the numbers of its items
    people = histories_for(run, dataset, ids, options.before)
    console.warn_all(people.notes)
    return people


def new_user(run: "Run", options: Any) -> "People":
    """Somebody who is not in the dataset."""
    from seqrec_cli.core.inference.names import Names, find_history, find_items, read_ids
    from seqrec_cli.core.runs.histories import new_people
    from seqrec_cli.core.runs.loading import catalogue_of

    names = Names.of_items(catalogue_of(run))
    typed = options.history
    if typed == "-":
        typed = "\n".join(read_ids(Path("-"), "item"))
    found = find_items(names, options.item) if typed is None else find_history(names, typed)
    items, unknown = found
    for piece in unknown:
        console.warn(f"`{piece}` is not in the catalogue and was left out")
    people = new_people(run, [items.tolist()])
    console.warn_all(people.notes)
    return replace(people, labels=["new"])


def with_recent(people: "People", options: Any, since: "Since") -> "People":
    """The same people, with the items that they saw lately."""
    from seqrec_cli.core.inference.recent import at_the_end, before_the_last

    if people.dataset is None:
        assert people.times is not None
        histories = before_the_last(people.histories, people.times, since)
    else:
        users = people.histories.owners
        assert users is not None
        histories = at_the_end(people.dataset, people.histories, users, options.before, since)
    return replace(people, histories=histories)
