"""The Python interface: the commands as functions that return objects.

Each function does what the command of the same name does. Nothing is printed. A mistake of the user
raises a `SeqRecError` (seqrec_cli/errors.py), whose `hint` is the remedy.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.loading import Dataset, Request, make_dataset, save_dataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.store import RANKING, find_dataset, refuse_other_source, task_of
from seqrec_cli.core.devices import choose_device
from seqrec_cli.core.evaluation.ranking import RankingReport, evaluate_rows
from seqrec_cli.core.evaluation.report import (
    EvaluationProtocol,
    Report,
    evaluate_each,
    fit_baselines,
    make_report,
)
from seqrec_cli.core.experiment.choosing import experiment_for
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.inference.names import Names
from seqrec_cli.core.inference.people import refuse_unknown
from seqrec_cli.core.inference.recommendation import recommend as recommend_items
from seqrec_cli.core.inference.scoring import Scorer
from seqrec_cli.core.runs.beginning import begin, make_run
from seqrec_cli.core.runs.comparing import load_rankers, load_runs, settle_protocol
from seqrec_cli.core.runs.directory import find_run
from seqrec_cli.core.runs.histories import histories_for, new_people
from seqrec_cli.core.runs.loading import agreed_seen, catalogue_of, load_scorer
from seqrec_cli.core.runs.recording import recorded
from seqrec_cli.core.runs.ruling import usual_rules
from seqrec_cli.core.runs.run import Run, chosen_by_rules
from seqrec_cli.core.settings.configs import find_config
from seqrec_cli.core.training.events import Event
from seqrec_cli.errors import ConfigError, InputError

DATA_DIR = Path("data")


@dataclass(frozen=True)
class Recommendation:
    """An item for a user: rank from 1, id as in the source, title or "", score."""

    rank: int
    item: Any
    title: str
    score: float


def prepare(source: str, *, save: bool = True, force: bool = False, **options: Any) -> Dataset:
    """Prepare a dataset from a log, as `seqrec prepare`.

    Args:
        source: the name of a public dataset, `demo`, or a path.
        save: write the dataset to the data folder, as the command does.
        force: replace a dataset that was made from another file.
        options: fields of `seqrec_cli.core.data.loading.Request`, such as `name`, `reading`,
            `preparation`, `task` and `data_dir`.

    Raises:
        InputError, DownloadError: as the command.
    """
    request = Request(source=source, **options)
    target = request.target
    for event in make_dataset(request):
        if isinstance(event, SequenceDataset | RankingDataset):
            if not save:
                return event
            if not force:
                refuse_other_source(target, event.manifest)
            save_dataset(event, request)
            return load_dataset(str(target))
    raise AssertionError("make_dataset ends with the dataset, or raises")


def load_dataset(name: str, *, data_dir: Path = DATA_DIR) -> Dataset:
    """Read a prepared dataset: its name in `data_dir`, or its npz file or folder of shards.

    Raises:
        DatasetError: missing or damaged.
    """
    path = find_dataset(name, data_dir)
    kind = RankingDataset if task_of(path) == RANKING else SequenceDataset
    return kind.load(path)


def load_run(name: str = "latest") -> Run:
    """Find a run: its name under runs/, or its folder.

    Raises:
        RunError: there is none.
    """
    return Run.open(find_run(name))


def train(
    config: str | Path | None = None,
    *,
    data: str | None = None,
    run: str | None = None,
    settings: Sequence[str] = (),
    device: str = "auto",
    data_dir: Path = DATA_DIR,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Train a model and keep the best weights, as `seqrec train`; returns the run.

    Args:
        config: an experiment file, or the name of one that comes with seqrec; None: the settings
            that rules choose for `data`. The run's manifest has the reasons, `settings_chosen`.
        data: a prepared dataset; None: the one of the experiment.
        run: the name of the new run, or its folder; None: runs/DATASET-MODEL-NUMBER.
        settings: changed settings, such as "training.epochs=50".
        on_event: called with each step, epoch and validation.

    Raises:
        ConfigError, DatasetError, RunError, TrainingError: as the command.
    """
    reasons: Sequence[str] = ()
    if config is not None:
        experiment = load_experiment(find_config(str(config)), settings, data)
    elif data is not None:
        experiment, reasons = experiment_for(data, data_dir, settings)
    else:
        raise ConfigError("there is neither a config nor a dataset", 'use `data="NAME"`')
    if experiment.data is None:
        raise ConfigError(f"`{config}` names no dataset", 'use `data="NAME"`')
    where, path = choose_device(device), find_dataset(experiment.data, data_dir)
    started = begin(experiment, path, where)
    with ExitStack() as lock:
        made = make_run(run, started, path, where, lock, chosen_by_rules(reasons))
        for event in recorded(made, started):
            if on_event is not None:
                on_event(event)
    return made


def evaluate(
    *runs: Run | str,
    protocol: EvaluationProtocol | None = None,
    baselines: bool = True,
    data: str | None = None,
    device: str = "auto",
    data_dir: Path = DATA_DIR,
) -> Report | RankingReport:
    """Evaluate runs, with intervals and baselines; the latest run if none is named.

    Raises:
        ConfigError, DatasetError, RunError: as `seqrec evaluate`.
    """
    protocol = protocol or EvaluationProtocol()
    opened = [load_run(run) if isinstance(run, str) else run for run in runs or ("latest",)]
    where = choose_device(device)
    if all(run.task == RANKING for run in opened):
        rankers = load_rankers(opened, data, data_dir, where)
        models = {name: ranker.model for name, ranker in rankers.rankers.items()}
        return evaluate_rows(
            models,
            rankers.dataset,
            protocol.part,
            where,
            baselines=baselines,
            seed=protocol.seed,
        )
    protocol = settle_protocol(protocol, opened)
    compared = load_runs(opened, data, data_dir, where, protocol.part)
    scorers: dict[str, Scorer] = dict(compared.scorers)
    if baselines:
        scorers |= fit_baselines(compared.dataset, protocol.sample_users)[0]
    rules = usual_rules(compared.runs, scorers)
    outcomes = dict(evaluate_each(compared.dataset, scorers, protocol, {}, rules))
    return make_report(compared.dataset, protocol, outcomes, list(compared.runs), {}, {})


def recommend(
    run: Run | str = "latest",
    *,
    users: Sequence[Any] = (),
    histories: Sequence[Sequence[Any]] = (),
    k: int = 10,
    seen: Literal["exclude", "include"] | None = None,
    data: str | None = None,
    device: str = "auto",
    data_dir: Path = DATA_DIR,
) -> list[list[Recommendation]]:
    """The `k` best items for users of the dataset, or for histories of new users.

    Args:
        users: ids as in the source.
        histories: for each new user one or more item ids as in the source, oldest first. They are
            read without the items of which nothing was learned.
        seen: whether items of the history may be recommended; None: as the run was trained.

    Returns:
        A list for each user, or for each history, best first.

    Raises:
        InputError: neither or both are given, an id is unknown, or nothing was learned of any item
            of a history.
    """
    if bool(users) == bool(histories):
        raise InputError(
            "name either users or histories", "use `users=[42]` or `histories=[[1, 5, 9]]`"
        )
    opened = load_run(run) if isinstance(run, str) else run
    scorer, catalogue = load_scorer(opened, choose_device(device)), catalogue_of(opened)
    if users:
        dataset = SequenceDataset.load(opened.find_data(data, data_dir))
        people = histories_for(opened, dataset, [str(user) for user in users], "end")
        refuse_unknown(people, f"the dataset `{dataset.name}`")
        asked = people.histories
    else:
        names = Names.of_items(catalogue)
        lists = [list(known_items(names, history)) for history in histories]
        asked = new_people(opened, lists).histories
    titles = catalogue.titles
    return [
        [
            Recommendation(
                rank,
                catalogue.item_ids[item - 1].item(),
                "" if titles is None else str(titles[item - 1]),
                float(score),
            )
            for rank, (item, score) in enumerate(zip(best.items, best.scores, strict=True), 1)
        ]
        for best in recommend_items(
            scorer, asked, k, agreed_seen([opened], seen), None, usual_rules({"": opened})[""]
        )
    ]


def known_items(names: Names, history: Sequence[Any]) -> Iterator[int]:
    """The item numbers of a history of ids.

    Raises:
        InputError: an id is unknown, or the history is empty.
    """
    if not history:
        raise InputError("a history is empty", "leave it out")
    for item in history:
        index = names.find_id(str(item))
        if index is None:
            raise InputError(
                f"there is no item `{item}`",
                f"the nearest are {', '.join(names.nearest(str(item)))}",
            )
        yield index + 1
