"""The figures of evaluations, kept in the run: evaluations.jsonl, one line each, newest last."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seqrec_cli import __version__
from seqrec_cli.core.runs.history import refuse_constant
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.errors import RunError
from seqrec_cli.wording import as_typed_option

EVALUATIONS = "evaluations.jsonl"
LOCK = ".evaluations.lock"
# What an evaluation is of; two that agree in these are the same, done again.
PROTOCOL = (
    *("data_sha256", "split", "protocol", "seen", "targets", "sample_users"),
    *("index", "rerank", "candidates", "track"),
)

# What `recommend` and `evaluate` call the rules that they take.
RULES = ("only", "exclude", "exclude_seen", "popularity_penalty", "diversify", "diversify_by")

# What a track is called (runs/tracks.py).
REFITTED = "refitted on train + valid"
TIMED = "with times"
PRIOR = "popularity prior"
REWEIGHED = "reweighed"


def entries_of(
    plain: Mapping[str, Any],
    stages: Mapping[str, Any],
    runs: Mapping[str, Path],
    tracks: Mapping[str, str] | None = None,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What is to be kept of an evaluation: for each run its folder, and its figures.

    Args:
        plain: the report as plain values.
        stages: what was done beside scoring, such as `index` and `rerank`.
        runs: their folders, by their names in the report.
        tracks: what sets their figures apart, by the same names.
    """
    facts = {key: value for key, value in plain.items() if key not in ("figures", "comparisons")}
    facts |= {"seqrec": __version__, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    for name, folder in runs.items():
        single = {k: v for k, v in stages.items() if k == "index"}
        track = (tracks or {}).get(name)
        apart = {"track": track} if track else {}
        yield folder, {**facts, **single, **apart, "figures": plain["figures"][name]}
        if stages.get("rerank"):
            both = f"{name} + {Path(stages['rerank']).name}"
            yield folder, {**facts, **stages, **apart, "figures": plain["figures"][both]}


def add_result(folder: Path, entry: Mapping[str, Any]) -> None:
    """Add the figures of an evaluation to a run; the same figures again add nothing.

    Raises:
        RunError: what is there is damaged.
        OutputError: the run cannot be written to.
    """
    with locks.exclusive(folder / LOCK, None, "", ""):
        files.remove_leftovers(folder, EVALUATIONS)
        before = read_results(folder)
        same = (one for one in reversed(before) if protocol_of(one) == protocol_of(entry))
        newest = next(same, None)
        if newest is None or without_time(newest) != without_time(entry):
            lines = (json.dumps(one, allow_nan=False) + "\n" for one in [*before, entry])
            files.write_text(folder / EVALUATIONS, "".join(lines))


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All evaluations of a run, the oldest first; none if there is no file.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / EVALUATIONS
    try:
        lines = foreign.read_text(path).split("\n")[:-1]
        entries = [json.loads(line, parse_constant=refuse_constant) for line in lines]
        if not all(isinstance(entry["figures"], dict) for entry in entries):
            raise ValueError("its figures are not a mapping")
        return entries
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(
            f"`{path}` is damaged: {error}",
            "remove it: only the record of earlier evaluations is lost, not the weights",
        ) from error


def newest_results(folder: Path) -> list[dict[str, Any]]:
    """The newest evaluation of a run by each protocol."""
    return list({protocol_of(entry): entry for entry in read_results(folder)}.values())


def in_track(name: str, track: str) -> str:
    """The name of what has figures in a track, which sets them apart; "": none does."""
    return f"{name} ({track})" if track else name


def protocol_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What an evaluation is of."""
    return (*(str(entry.get(key)) for key in PROTOCOL), rules_in_words(entry))


def rules_in_words(entry: Mapping[str, Any]) -> str:
    """The rules that an evaluation was under, as they are typed; "" without any.

    A prior of popularity and other weights are none of them: they are tracks.
    """
    rules = entry.get("rules")
    if not isinstance(rules, Mapping):
        return ""
    given = []
    for name in RULES:
        value = rules.get(name)
        if isinstance(value, list):
            value = [str(one["rule"]) for one in value if isinstance(one, Mapping)]
        elif isinstance(value, float):
            value = f"{value:g}"
        if value and (name, value) != ("diversify_by", "vectors"):
            given.append(as_typed_option(name, value))
    return " ".join(given)


def without_time(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation as plain values without when it was done, as JSON reads it."""
    content: dict[str, Any] = json.loads(json.dumps({k: v for k, v in entry.items() if k != "at"}))
    return content
