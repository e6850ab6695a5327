"""What a report is about: runs evaluated beside baselines, for whom they work, and examples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.comparison import Difference, figure_of_slice, slices_by_kind
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.evaluation.remembered import remember, remembered
from seqrec_cli.core.evaluation.report import (
    EvaluationProtocol,
    Report,
    evaluate_each,
    fit_baselines,
    make_report,
)
from seqrec_cli.core.evaluation.sequential import Evaluation
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.inference.recommendation import influence
from seqrec_cli.core.inference.recommendation import recommend as recommend_items
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Scorer
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.core.runs.comparing import Compared, load_runs, seed_groups, settle_protocol
from seqrec_cli.core.runs.results import add_result, entries_of
from seqrec_cli.core.runs.ruling import usual_rules
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import RunError, SeqRecError
from seqrec_cli.wording import counted

LISTED = 10  # items of an example
LATEST_ITEMS = 8  # of the history of an example
REASONS = 2  # items that led to an item


@dataclass(frozen=True)
class HistoryReason:
    """An item of the history, and how much it raised the score."""

    item: str
    influence: float


@dataclass(frozen=True)
class ExampleItem:
    """An item that is recommended in an example; `hit`: it is what came."""

    item: str
    score: float
    hit: bool
    reasons: tuple[HistoryReason, ...]


@dataclass(frozen=True)
class Example:
    """One user: the latest items, oldest first, how many came before them, and what is listed."""

    user: str
    latest: tuple[str, ...]
    earlier: int
    wanted: tuple[str, ...]
    listed: tuple[ExampleItem, ...]

    @property
    def earlier_in_words(self) -> str:
        """How many items came before the latest."""
        return counted(self.earlier, "earlier item")

    @property
    def rank(self) -> int | None:
        """Where the first hit is, from 1; None without one."""
        return next((at for at, each in enumerate(self.listed, 1) if each.hit), None)


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that a report says.

    Attributes:
        slices: figures by kind of slice, slice and run; `slice_users` counts by slice.
        differences: each group of runs minus each other; empty for one.
        examples: of `example_run`.
        left_out: baselines that the data is too large for.
        notes: what the user should know.
    """

    compared: Compared
    report: Report
    slices: Mapping[str, Mapping[str, Mapping[str, Figure]]]
    slice_users: Mapping[str, int]
    differences: Sequence[Difference]
    examples: Sequence[Example]
    example_run: str
    left_out: Sequence[str]
    notes: Sequence[str]

    @property
    def runs(self) -> dict[str, Run]:
        return self.compared.runs

    @property
    def dataset(self) -> SequenceDataset:
        return self.compared.dataset


def refuse_rankers(runs: Sequence[Run]) -> None:
    """Refuse ranking runs, which find no items.

    Raises:
        RunError: there is one.
    """
    for run in runs:
        if run.task == "ranking":
            raise RunError(
                f"the run `{run.path}` ranks rows, and a report is of runs that find items",
                f"its figures: `seqrec evaluate {run.path}`",
            )


def study_runs(
    opened: Sequence[Run],
    data: str | None,
    data_dir: Path,
    device: torch.device,
    protocol: EvaluationProtocol,
    examples: int,
) -> Iterator[str | Study]:
    """Evaluate runs beside baselines, as `seqrec evaluate` does, and keep the figures as it does.

    Yields the name of each scorer that is done, and the study at last.

    Raises:
        as `load_runs`, and RunError for a ranking run.
    """
    refuse_rankers(opened)
    protocol = settle_protocol(protocol, opened)
    compared = load_runs(opened, data, data_dir, device, protocol.part)
    dataset, notes = compared.dataset, list(compared.notes)
    known = remembered(compared.data_path, dataset.sha256, protocol)
    scorers: dict[str, Scorer] = dict(compared.scorers)
    left_out: list[str] = []
    if known is None:
        baselines, left_out = fit_baselines(dataset, protocol.sample_users)
        scorers |= baselines
    rules, first = usual_rules(compared.runs, scorers), next(iter(compared.runs))
    outcomes: dict[str, Evaluation] = {}
    for name, outcome in evaluate_each(dataset, scorers, protocol, {}, rules):
        outcomes[name] = outcome
        yield name
    report = make_report(dataset, protocol, outcomes, list(compared.runs), {}, {}, None, known)
    if known is None:
        remember(compared.data_path, dataset.sha256, protocol, report.baselines)
    notes.extend(kept_in_runs(report, compared))
    slices, counts = slices_of_runs(report, list(compared.runs))
    groups = seed_groups(compared.runs)
    yield Study(
        compared=compared,
        report=report,
        slices=slices,
        slice_users=counts,
        differences=report.differences(groups) if len(groups) > 1 else [],
        examples=list(examples_of(compared, protocol, examples, rules[first])),
        example_run=first,
        left_out=left_out,
        notes=notes,
    )


def kept_in_runs(report: Report, compared: Compared) -> Iterator[str]:
    """Keep the figures in the runs; yields what could not be."""
    folders = {name: run.path for name, run in compared.runs.items()}
    for folder, entry in entries_of(report.plain(), {}, folders):
        try:
            add_result(folder, entry)
        except SeqRecError as error:
            yield f"these figures are not kept: {error.message}"


def slices_of_runs(
    report: Report, runs: Sequence[str]
) -> tuple[dict[str, dict[str, dict[str, Figure]]], dict[str, int]]:
    """The main metric of each run by kind of slice and slice, and the users of each slice."""
    part, metric, seed = report.protocol.part, report.main_metric, report.protocol.seed
    kinds = slices_by_kind(report.dataset, part, report.first.users)
    figures = {
        kind: {
            name: {run: figure_of_slice(report.outcomes[run], mask, metric, seed) for run in runs}
            for name, mask in masks.items()
        }
        for kind, masks in kinds.items()
        if masks
    }
    counts = {name: int(mask.sum()) for masks in kinds.values() for name, mask in masks.items()}
    return figures, counts


def examples_of(
    compared: Compared, protocol: EvaluationProtocol, count: int, rules: Rules | None
) -> Iterator[Example]:
    """What the first run recommends to a random sample of the users who are asked about."""
    if not count:
        return
    dataset, scorer = compared.dataset, next(iter(compared.scorers.values()))
    asked = queries(dataset, protocol.part, protocol.sample_users, protocol.seed)
    random = stream(protocol.seed, Purpose.USERS, 1)
    number = min(count, len(asked.users))
    rows = np.sort(random.choice(len(asked.users), number, replace=False))
    histories = asked.histories.take(rows)
    found = recommend_items(scorer, histories, LISTED, protocol.settled_seen, None, rules)
    for place, (row, result) in enumerate(zip(rows.tolist(), found, strict=True)):
        one, wanted = histories.only(place), set(asked.targets[row].tolist())
        reasons = influence(scorer, one, result.items)
        history = one[0]
        listed = tuple(
            ExampleItem(
                item_text(dataset, item),
                float(score),
                item in wanted,
                reasons_of(dataset, history.tolist(), reasons[at]),
            )
            for at, (item, score) in enumerate(
                zip(result.items.tolist(), result.scores, strict=True)
            )
        )
        yield Example(
            str(dataset.user_ids[asked.users[row]]),
            tuple(item_text(dataset, item) for item in history[-LATEST_ITEMS:].tolist()),
            max(0, len(history) - LATEST_ITEMS),
            tuple(item_text(dataset, item) for item in asked.targets[row].tolist()),
            listed,
        )


def reasons_of(
    dataset: SequenceDataset, history: list[int], shares: Any
) -> tuple[HistoryReason, ...]:
    """The items of a history that raised a score most; `shares` float32 (history,)."""
    best = (-shares).argsort(kind="stable")[:REASONS].tolist()
    return tuple(
        HistoryReason(item_text(dataset, history[at]), float(shares[at]))
        for at in best
        if shares[at] > 0
    )


def item_text(dataset: SequenceDataset, item: int) -> str:
    """The title of an item with its id, or the id alone."""
    item_id = str(dataset.item_ids[item - 1])
    title = "" if dataset.item_titles is None else str(dataset.item_titles[item - 1])
    return f"{title} [{item_id}]" if title else item_id
