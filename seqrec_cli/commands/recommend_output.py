"""The file of recommendations: at once, part by part, or by the workers of an engine."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from seqrec_cli import console
from seqrec_cli.commands.stages import say_indexed, say_recall
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from seqrec_cli.core.inference.parts import Parts
    from seqrec_cli.core.inference.people import People
    from seqrec_cli.core.inference.recommendation import Recommended
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.inference.scoring import Seen
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.runs.spreading import Opened

# The options that a list depends on, beside the run, the rules and the people.
SHAPING = (
    *("topk", "before", "unknown", "index", "effort", "rerank", "candidates", "retrieval_weight"),
    *("diversify", "diversify_by", "safe_csv"),
)


def write(options: Any, labels: list[Any], found: "Iterator[Recommended]", run: "Run") -> None:
    """Write all recommendations to a file, with a bar."""
    from seqrec_cli.core.inference.export import write_recommendations
    from seqrec_cli.core.runs.loading import catalogue_of

    output, topk = options.output, options.topk
    short: list[Any] = []
    with console.progress(len(labels), "users") as advance:
        pairs = with_bar(zip(labels, found, strict=True), advance, short, topk)
        catalogue = catalogue_of(run)
        count = write_recommendations(output, pairs, catalogue, safe=options.safe_csv)
    say_short(short, topk)
    console.success(
        f"{counted(count, 'recommendation')} for {counted(len(labels), 'user')} in `{output}`"
    )


def write_in_parts(
    options: Any,
    run: "Run",
    asked: "People",
    find: "Callable[[People], Iterator[Recommended]]",
    seen: "Seen",
    rules: "Rules | None",
) -> None:
    """Write recommendations for many users part by part; a second try goes on where one stopped."""
    from seqrec_cli.core.runs.loading import catalogue_of

    parts, short = opened_parts(options, run, asked, seen, rules), list[Any]()

    def between(start: int, stop: int) -> Iterator[Any]:
        people = asked.between(start, stop)
        labelled = zip(people.labels, find(people), strict=True)
        return with_bar(labelled, lambda *_: None, short, options.topk)

    with console.progress(len(asked.labels), "users") as advance:
        size = parts.write(
            between,
            catalogue_of(run),
            lambda done: advance(done, "recommending"),
            safe=options.safe_csv,
        )
    say_written(options, asked, size, short)


def write_by_engine(
    options: Any, run: "Run", asked: "People", seen: "Seen", rules: "Rules | None"
) -> None:
    """Have Ray write the parts; a second try goes on where one stopped."""
    from seqrec_cli.core.runs.spreading import TASK_USERS, ListSettings, Opened, spread_lists

    parts, short = opened_parts(options, run, asked, seen, rules, TASK_USERS), list[Any]()
    settings = ListSettings(
        parts.facts["sha256"],
        run=run.path.resolve(),
        topk=options.topk,
        seen=seen,
        rules=rules,
        index=options.index,
        effort=options.effort,
        diversify=options.diversify,
        diversify_by=options.diversify_by,
        safe=options.safe_csv,
    )
    with console.progress(len(asked.labels), "users") as advance:
        for event in spread_lists(settings, parts, asked, options.workers):
            if isinstance(event, Opened):
                say_opened(event, run, options)
                continue
            short += event.short
            advance(event.stop, "recommending")
        size = parts.join()
    say_written(options, asked, size, short)


def say_opened(opened: "Opened", run: "Run", options: Any) -> None:
    """Say what a worker has found in the run."""
    console.warn_all(opened.notes)
    if opened.indexed:
        say_indexed(opened.indexed, run)
    if opened.recall is not None:
        say_recall(opened.recall, opened.measured, options.topk, options.effort)


def opened_parts(
    options: Any,
    run: "Run",
    asked: "People",
    seen: "Seen",
    rules: "Rules | None",
    size: int | None = None,
) -> "Parts":
    """The parts of the output, `size` users in each; says how many are there already."""
    from seqrec_cli.core.inference.parts import Parts
    from seqrec_cli.core.runs.loading import weights_digest

    facts = {name: getattr(options, name) for name in SHAPING}
    facts |= {"run": str(run.path.resolve()), "weights": weights_digest(run), "seen": seen}
    facts |= {"people": asked.fingerprint(), "rules": rules and rules.fingerprint()}
    parts = Parts(options.output, facts, asked.labels, asked.known, size)
    if parts.resumed:
        console.info(f"{parts.resumed} of {len(parts.starts)} parts are there already")
    return parts


def say_written(options: Any, asked: "People", size: int, short: list[Any]) -> None:
    """Say what is in the file now."""
    say_short(short, options.topk)
    console.success(
        f"recommendations for {counted(len(asked.labels), 'user')} in `{options.output}`, "
        f"{size:,} bytes"
    )


def say_short(short: list[Any], topk: int) -> None:
    """Say who got fewer items than asked for."""
    if short:
        console.warn(
            f"{counted(len(short), 'user')} got fewer than {counted(topk, 'item')}, the first "
            f"of them {short[0]}: no more were left"
        )


def with_bar(pairs: Any, advance: Any, short: list[Any], topk: int) -> Iterator[Any]:
    """Pass pairs on, move the bar every so often, and note who gets fewer than `topk` items."""
    for number, (label, result) in enumerate(pairs):
        if number % 500 == 0:
            advance(number, "recommending")
        if len(result.items) < topk:
            short.append(label)
        yield label, result
