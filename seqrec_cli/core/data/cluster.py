"""Preparing a log by parts: by Ray on the cores of a machine or on the machines of a cluster, or by
this process with the parts on its disk.

Each task is a function of parts.py or ranges.py, which one machine uses too. Ray runs them, moves
what they give, keeps it on disks where memory is short, and repeats a task whose process has died.
Everything goes in the order of files and rows, so the number of workers changes no byte.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seqrec_cli.core.data.identity import marks_of
from seqrec_cli.core.data.loading import Request
from seqrec_cli.core.data.manifest import describe_origin
from seqrec_cli.core.data.on_disk import DiskTasks, opened_disk
from seqrec_cli.core.data.ordering import Rows
from seqrec_cli.core.data.parts import (
    ONE_MACHINE,
    PartFacts,
    WholeLog,
    alike,
    cut_rows,
    joined_rows,
    plain_files,
    read_part,
    recoded_rows,
    whole_log,
)
from seqrec_cli.core.data.preparation import Preparation, manifest_of
from seqrec_cli.core.data.public import Step
from seqrec_cli.core.data.ranges import RangeFacts, all_facts, prepare_range, summed
from seqrec_cli.core.data.reading import remote
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.shards import (
    MOST_SHARDS,
    ShardFile,
    bounds_of,
    write_shard,
)
from seqrec_cli.core.data.splitting import refuse_empty_parts
from seqrec_cli.core.data.store import refuse_other_source, save_shards
from seqrec_cli.core.data.tasks import RayTasks, opened_ray
from seqrec_cli.errors import ConfigError, InputError

ROWS_OF_A_SHARD = 5_000_000  # where nobody says how many shards
EngineName = Literal["ray", "disk"]
Tasks = RayTasks | DiskTasks


@dataclass(frozen=True)
class EnginePrepared:
    """A dataset that an engine has written.

    Attributes:
        manifest: as written.
        path: the folder of its shards.
    """

    manifest: dict[str, Any]
    path: Path


def check_request(request: Request, engine: EngineName = "ray") -> None:
    """Refuse what an engine does not do.

    Raises:
        ConfigError: with its name, and one machine as the remedy.
    """
    reading, options, plain = request.reading, request.preparation, Preparation()
    counts = max(count or 1 for count in request.min_counts)
    cannot = {
        "--task ranking": request.task != "next-item",
        f"the source `{request.source}`": request.kind != "log",
        "a log at an address": remote.is_remote(request.source),
        "--valid and --test": reading.valid is not None or reading.test is not None,
        "--items-file and --users-file": reading.items is not None or reading.users is not None,
        "--item-vectors": reading.item_vectors is not None,
        "--new-items": options.new_items,
        "--repeats": reading.repeats != "keep",
        f"--split {options.split}": options.split != plain.split,
        "--shuffle-order": options.shuffle is not None,
        "--min-user-count and --min-item-count": counts > 1,
    }
    for what, asked in cannot.items():
        if asked:
            raise ConfigError(f"`--engine {engine}` does not do {what}", ONE_MACHINE)


def prepare_by_engine(
    request: Request,
    engine: EngineName,
    *,
    workers: int | None = None,
    force: bool = False,
    remark: dict[str, Any] | None = None,
) -> Iterator[Step | EnginePrepared]:
    """Prepare a log by parts; yields what happens on the way, and the dataset at last.

    Args:
        engine: Ray, or this process, with rows on its disk.
        workers: of Ray, how many processes of this machine; None: one for each core. Where
            RAY_ADDRESS names a cluster, those of the cluster do the work.
        force: replace a dataset that was made from another file.
        remark: what the manifest says besides.

    Raises:
        ConfigError: something that an engine does not do.
        InputError: as for one machine, or files that only reading all at once can tell.
        MissingExtra: Ray is not installed.
    """
    check_request(request, engine)
    files = plain_files(request.source, request.reading)
    with opened_ray(workers) if engine == "ray" else opened_disk() as tasks:
        how = "with Ray" if engine == "ray" else "one by one"
        yield Step(f"reading {len(files.parts[0]):,} files {how}")
        rows, log = read_all(tasks, files, request)
        shards = request.shards or max(1, math.ceil(log.origin.rows_read / ROWS_OF_A_SHARD))
        refuse_too_many(shards, len(log.user_ids))
        if len(log.item_ids) == 1:
            raise InputError(
                f"`{request.source}` has a single item, so there is nothing to choose between",
                "bring a log of several items; or name the item's column with --columns",
            )
        target = request.target.with_suffix(".shards")
        if not force:
            refuse_other_source(target, {"source": describe_origin(log.origin)})
        yield Step(f"writing {shards:,} shards of {len(log.user_ids):,} users")

        def write(folder: Path) -> tuple[list[ShardFile], dict[str, Any]]:
            """Write the files; they and the manifest."""
            written, facts = write_all(tasks, folder, rows, log, shards, request.preparation)
            return written, described_log(request, log, facts) | (remark or {})

        yield EnginePrepared(save_shards(target, write), target)


def read_all(tasks: Tasks, files: Files, request: Request) -> tuple[list[Any], WholeLog]:
    """The rows of each file, where Ray keeps them, and what is known of all together."""
    read = tasks.task(read_part, results=2)
    paths = [str(source.path.absolute()) for source in files.parts[0]]
    first_rows, first = read.remote(paths[0], request.reading)
    facts: list[PartFacts] = [tasks.get(first)]
    same = alike(request.reading, facts[0])
    others = [read.remote(path, same) for path in paths[1:]]
    facts += tasks.get([found for _, found in others])
    log = whole_log(request.source, files, request.reading, facts)
    known = tasks.put(log)
    recode = tasks.task(recoded_rows)
    rows = [first_rows, *(own for own, _ in others)]
    coded = [
        recode.remote(own, one, known, factor)
        for own, one, factor in zip(
            rows, [first, *(found for _, found in others)], log.factors, strict=True
        )
    ]
    return coded, log


def write_all(
    tasks: Tasks, folder: Path, rows: list[Any], log: WholeLog, shards: int, options: Preparation
) -> tuple[list[ShardFile], RangeFacts]:
    """Write what users have in common and all shards; their files and what is known of them."""
    bounds = bounds_of(len(log.user_ids), shards)
    cut = tasks.task(cut_rows if shards > 1 else only_range, results=shards)
    pieces = [cut.remote(own, bounds) for own in rows]
    pieces = pieces if shards > 1 else [[piece] for piece in pieces]
    finish = tasks.task(finish_shard)
    item_ids = tasks.put(log.item_ids)
    done = [
        finish.remote(
            str(folder.absolute()),
            number,
            log.user_ids[bounds[number] : bounds[number + 1]],
            item_ids,
            options,
            *(own[number] for own in pieces),
        )
        for number in range(shards)
    ]
    found: list[tuple[ShardFile, RangeFacts]] = tasks.get(done)
    common = {"item_ids": log.item_ids, "left_out_users": marks_of(log.user_ids[:0])}
    return (
        [write_shard(folder, None, common), *(shard for shard, _ in found)],
        all_facts([facts for _, facts in found]),
    )


def only_range(rows: Rows, bounds: list[int]) -> Rows:
    """All rows, as a range of users."""
    return cut_rows(rows, bounds)[0]


def finish_shard(
    folder: str, number: int, user_ids: Any, item_ids: Any, options: Preparation, *pieces: Rows
) -> tuple[ShardFile, RangeFacts]:
    """Prepare the rows of a range of users and write their shard.

    A second try writes the same file.
    """
    arrays, facts = prepare_range(joined_rows(pieces), user_ids, item_ids, options)
    return write_shard(Path(folder), number, arrays, len(user_ids)), facts


def described_log(request: Request, log: WholeLog, facts: RangeFacts) -> dict[str, Any]:
    """The manifest of the dataset, as of one machine."""
    options = request.preparation
    split: dict[str, Any] = {
        "kind": options.split,
        "min_split_length": options.min_split_length,
        **facts.parts,
    }
    timed = None if facts.times is None else np.zeros(0, np.int64)
    nothing = Rows(np.zeros(0, np.int32), np.zeros(0, np.int32), timed)
    refuse_empty_parts(split, nothing, log.origin.time_unit, log.origin.path)
    return manifest_of(
        request.dataset_name,
        log.origin,
        options,
        dropped=summed([dict(log.origin.dropped), facts.dropped]),
        histories=facts.histories(len(log.item_ids)),
        new_items=0,
        order=facts.order(),
        times=facts.times,
        split=split,
    )


def refuse_too_many(shards: int, users: int) -> None:
    """Refuse more shards than there may be, or than there are users."""
    most = min(users, MOST_SHARDS)
    if shards > most:
        raise InputError(
            f"{users:,} users cannot be cut into {shards:,} shards",
            f"use `--shards {most}` or fewer",
        )
