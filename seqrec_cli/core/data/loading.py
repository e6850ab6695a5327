"""A source, as a person names it, to a prepared dataset: named, generated, a log, or a pair."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from seqrec_cli.core.data import public, synthetic
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.inspection import inspected
from seqrec_cli.core.data.interactions import Interactions, Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.public import CATALOGUE, Found, Step
from seqrec_cli.core.data.ranking import table
from seqrec_cli.core.data.ranking.candidates import ExampleOptions
from seqrec_cli.core.data.ranking.columns import load_columns
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.ranking.from_log import prepare_examples
from seqrec_cli.core.data.ranking.from_table import prepare_pair
from seqrec_cli.core.data.reading import remote
from seqrec_cli.core.data.reading.sources import TextSource, is_folder, mode_of, parse_place
from seqrec_cli.core.data.shards import MOST_SHARDS, SUFFIX
from seqrec_cli.core.storage.downloads import Received
from seqrec_cli.errors import InputError

Kind = Literal["demo", "named", "pair", "log"]
Task = Literal["next-item", "ranking"]
Dataset = SequenceDataset | RankingDataset


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks `prepare` for.

    Attributes:
        source: the name of a public dataset, `demo`, or a path.
        task: what models are to learn.
        name: what the result is called; None: after the source.
        reading: how the log is read.
        preparation: filters, split and features.
        min_counts: fewest interactions of a user and of an item; None: what the source's literature
            uses.
        examples: how ranking rows are made of a log.
        table: what the columns of a ranking pair hold; None: told by their names.
        data_dir: where prepared datasets are.
        shards: write a folder of so many shards by user range; None: one file.
    """

    source: str
    task: Task = "next-item"
    name: str | None = None
    reading: Reading = field(default_factory=Reading)
    preparation: Preparation = field(default_factory=Preparation)
    min_counts: tuple[int | None, int | None] = (None, None)
    examples: ExampleOptions = field(default_factory=ExampleOptions)
    table: Path | None = None
    data_dir: Path = Path("data")
    shards: int | None = None

    @property
    def kind(self) -> Kind:
        return source_kind(self.source, self.task)

    @property
    def dataset_name(self) -> str:
        """What the result is called.

        Raises:
            InputError: it cannot be called so.
        """
        return choose_name(
            self.name,
            self.source,
            shuffled=self.preparation.shuffle is not None,
            ranked=self.task == "ranking" and self.kind != "pair",
        )

    @property
    def target(self) -> Path:
        """The npz, or the folder of shards, to be written.

        Raises:
            InputError: it would replace its own source.
        """
        suffix = ".npz" if self.shards is None else SUFFIX
        target = self.data_dir / f"{self.dataset_name}{suffix}"
        if Path(self.source) in (target, target.with_suffix(".json")):
            raise InputError(
                f"the result would replace its source `{self.source}`",
                "choose another name with --name",
            )
        return target


def source_kind(source: str, task: str) -> Kind:
    """What a source is: generated, a named dataset, a train.csv with a test.csv, or a log."""
    if source == "demo":
        return "demo"
    if source in CATALOGUE:
        return "named"
    if task == "ranking" and not remote.is_remote(source) and table.pair_at(Path(source)):
        return "pair"
    return "log"


def choose_name(name: str | None, source: str, *, shuffled: bool, ranked: bool = False) -> str:
    """The name given, or one made of the source's and what was done to it.

    Raises:
        InputError: no dataset can be called so.
    """
    if name is None:
        path = Path(remote.file_name_of(source) if remote.is_remote(source) else source)
        keep = source in CATALOGUE or is_folder(path)
        filename = (path.name or path.resolve().name) if keep else TextSource(path).filename
        stem = filename if keep else Path(filename).stem
        name = re.sub(r"[^\w.-]+", "-", stem).strip(".-")
        name += "-shuffled" * shuffled + "-ranking" * ranked
    if not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise InputError(
            f"`{name}` cannot be the name of a dataset",
            "choose one of letters, digits, `.`, `_` and `-`: `--name NAME`",
        )
    return name


def save_dataset(dataset: Dataset, request: Request) -> dict[str, Any]:
    """Write a dataset where it was asked for, as one file or as shards; the manifest as written.

    Raises:
        InputError: rows for ranking cannot be in shards, or there are too many of these.
    """
    if request.shards is None:
        return dataset.save(request.target)
    if not isinstance(dataset, SequenceDataset):
        raise InputError("a dataset for ranking is one file", "leave out the shards")
    if not 1 <= request.shards <= MOST_SHARDS:
        raise InputError(
            f"a dataset has 1 to {MOST_SHARDS} shards, not {request.shards}", "use fewer shards"
        )
    return dataset.save(request.target, request.shards)


def make_dataset(request: Request) -> Iterator[Received | Step | Dataset]:
    """Make the dataset that is asked for: yields what happens on the way, and it at last.

    Raises:
        InputError: the source is missing or malformed, or nothing is left of it.
        DownloadError: a named dataset cannot be fetched.
    """
    name = request.dataset_name
    if request.kind == "demo":
        if request.task == "ranking":
            raise InputError("the demo has no ratings to rank by", "name a log that has")
        yield synthetic.prepare_demo(with_counts(request, (1, 1)), name)
    elif request.kind == "pair":
        columns = None if request.table is None else load_columns(request.table)
        encoding = request.preparation.encoding
        yield prepare_pair(Path(request.source), name, columns, encoding)
    elif request.kind == "named":
        yield from make_named(request, name)
    else:
        yield make_of_log(
            request, partial(read_named_log, request), with_counts(request, (1, 1)), name
        )


def make_named(request: Request, name: str) -> Iterator[Received | Step | Dataset]:
    """Make a dataset of a named one, which is downloaded where it is not at hand."""
    named = CATALOGUE[request.source]
    for event in public.obtain(named, request.data_dir):
        if not isinstance(event, Found):
            yield event
            continue
        yield Step(f"reading {event.obtained}")
        # The archives hold everything; the files of the papers are filtered already.
        usual = (1, 1) if event.filtered else (named.min_user_count, named.min_item_count)
        read = partial(read_found, request, event)
        yield make_of_log(request, read, with_counts(request, usual), name)


def with_counts(request: Request, usual: tuple[int, int]) -> Preparation:
    """The preparation with the counts that were asked for, or else the `usual` ones."""
    users, items = request.min_counts
    return replace(
        request.preparation, min_user_count=users or usual[0], min_item_count=items or usual[1]
    )


def read_named_log(request: Request) -> Interactions:
    """Read the log that the source names."""
    source = request.source
    if remote.is_remote(source):

        def read(reading: Reading) -> Interactions:
            with remote.fetched(source) as path:
                found = read_interactions(TextSource(path), reading)
            return replace(found, origin=replace(found.origin, path=source))

        return with_fetched(request.reading, read)
    if not mode_of(Path(source)) and not re.search(r"[./\\]", source):
        raise InputError(
            f"there is no named dataset and no file `{source}`",
            f"named are demo, {', '.join(CATALOGUE)}; for a file give its path",
        )
    place = parse_place(source)
    return with_fetched(request.reading, partial(read_interactions, place))


def read_found(request: Request, found: Found) -> Interactions:
    """Read a named dataset that is at hand."""
    read = partial(public.read_public, CATALOGUE[request.source], found)
    return with_fetched(request.reading, read)


def with_fetched(reading: Reading, read: Callable[[Reading], Interactions]) -> Interactions:
    """What `read` gives, where files that `reading` names at addresses lie here meanwhile."""
    with remote.fetched_files(reading) as (local, addresses):
        found = read(local)
    return called(found, addresses) if addresses else found


def called(log: Interactions, addresses: Mapping[str, str]) -> Interactions:
    """The log with addresses in place of the paths at which fetched files lay."""

    def named(text: str) -> str:
        for path, address in addresses.items():
            text = text.replace(path, address)
        return text

    users, items = (
        side and replace(side, source=named(side.source))
        for side in (log.user_attributes, log.item_attributes)
    )
    findings = log.origin.findings
    findings = replace(findings, notes=tuple(map(named, findings.notes)))
    origin = replace(log.origin, titles=named(log.origin.titles), findings=findings)
    return replace(log, origin=origin, user_attributes=users, item_attributes=items)


def make_of_log(
    request: Request, read: Callable[[], Interactions], preparation: Preparation, name: str
) -> Dataset:
    """Make a dataset for the task of the log that `read` gives.

    It is read here, as an argument, so that no frame keeps what preparation has let go of.
    """
    if request.task == "next-item":
        return prepare(read(), preparation, name)
    return prepare_examples(read(), preparation, name, request.examples)


def inspect(request: Request) -> Iterator[Received | Step | dict[str, Any]]:
    """Read the log that is asked for, and yield at last what was found in it, as plain values.

    Raises:
        InputError: as `make_dataset`.
    """
    log: Interactions | None = None
    if request.kind == "named":
        for event in public.obtain(CATALOGUE[request.source], request.data_dir):
            if isinstance(event, Found):
                log = read_found(request, event)
            else:
                yield event
    else:
        log = read_named_log(request)
    assert log is not None
    yield inspected(log, request.dataset_name)
