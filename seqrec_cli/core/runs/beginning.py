"""A training that is ready to run: with fresh weights, or where a run stopped."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from seqrec_cli import __version__
from seqrec_cli.core.batching.ranking import Sizes
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoders import Encoder
from seqrec_cli.core.data.features.kinds import Owner
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import AnyExperiment, NextItemExperiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.models.fitted import FittedModelSettings
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.models.shards import Shard
from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
from seqrec_cli.core.runs.results import TIMED
from seqrec_cli.core.runs.resuming import changes_since_start, resume
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.training import checks, fitted, network, ranking, sequential
from seqrec_cli.core.training.distributed import TIMEOUT, meet_workers
from seqrec_cli.core.training.events import Event
from seqrec_cli.core.training.memory import whole_table_note
from seqrec_cli.core.training.seen import check_reachable, settle_seen
from seqrec_cli.errors import ConfigError

SIDES: tuple[Owner, ...] = ("user", "item")

MANY_ITEMS = 100_000  # from which on a loss over all items is worth a note
MOST_ITEMS = 1_000_000  # for such a loss: a step takes minutes on a core

AnyTraining = network.Training | ranking.RankingTraining | fitted.Fitting


@dataclass(frozen=True, eq=False)
class StartedTraining:
    """A training that is ready to run.

    Attributes:
        dataset: without its test part, unless the experiment validates on it.
        training: the model, its optimizers and counters.
        events: steps, epochs and validations; iterating over them trains.
        info: information for the user.
        notes: warnings for the user.
    """

    dataset: SequenceDataset | RankingDataset
    training: AnyTraining
    events: Iterator[Event]
    info: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def experiment(self) -> AnyExperiment:
        """The experiment as it is run: what it left to the data is settled."""
        experiment: AnyExperiment = self.training.experiment
        return experiment


def begin(
    experiment: AnyExperiment, path: Path, device: torch.device, shard: Shard | None = None
) -> StartedTraining:
    """Read the dataset at `path` without its test part, and create a model with fresh weights.

    With a `shard`, of its item tables only those rows, which several workers share.

    Raises:
        DatasetError: it is missing, damaged, or has nothing to train on or to validate on.
        ConfigError: the device does not support the experiment's settings.
    """
    if isinstance(experiment, RankingExperiment):
        return begin_ranking(experiment, path, device)
    if isinstance(experiment, FittedExperiment):
        return begin_fitting(experiment, path)
    checks.check_device(experiment, device)
    if shard is not None:
        checks.check_shared_tables(experiment)
    dataset = load_to_learn(experiment, path)
    checks.check_data(dataset)
    checks.check_joined(experiment, dataset)
    settled = settle_seen(experiment, dataset)
    missed = check_reachable(dataset, settled.seen)
    experiment = settled.put_into(experiment)
    training = network.Training(experiment, dataset.num_items, device, dataset.features(), shard)
    checks.check_negatives(experiment.training, dataset, training.model.max_length)
    started = StartedTraining(dataset, training, sequential.fit(training, dataset))
    started.info.extend(filter(None, [settled.reason, reads_times(experiment)]))
    whole = whole_catalogue(experiment, dataset.num_items)
    dense = whole_table_note(experiment.training, dataset.num_items)
    started.notes.extend(
        filter(None, [missed, *unread_features(experiment, dataset), whole, dense])
    )
    if shard is not None and experiment.training.validate_users is not None:
        started.notes.append(
            "the best weights are not asked about all users at the end, where workers share the "
            "item table"
        )
    return started


def make_run(
    name: str | None,
    started: StartedTraining,
    data_path: Path,
    device: torch.device,
    lock: ExitStack,
    origin: dict[str, Any] | None = None,
) -> Run:
    """The directory of a training that begins, under `name` or the next free one; `lock` keeps
    others from training there."""
    dataset, experiment = started.dataset, started.experiment
    target = find_run(name) if name else next_run(dataset.name, experiment.model.name)
    refuse_latest(target)
    lock.enter_context(Run(target).locked())
    return create_run(target, experiment, dataset, data_path, str(device), origin)


def load_to_learn(experiment: NextItemExperiment, path: Path) -> SequenceDataset:
    """The dataset without its test part; with times, if the experiment reads them.

    Raises:
        ConfigError: it has none.
    """
    dataset = SequenceDataset.load(path, parts=("train", "valid"))
    return dataset.timed() if experiment.reads_time else dataset


def reads_times(experiment: NextItemExperiment) -> str:
    """What to say of an experiment that reads times; else ""."""
    if not experiment.reads_time:
        return ""
    return f"it reads when interactions were (`time: true`): its figures are called `{TIMED}`"


def begin_fitting(experiment: FittedExperiment, path: Path) -> StartedTraining:
    """Start a model that is fitted without gradients, as `begin`."""
    dataset = load_to_learn(experiment, path)
    checks.check_data(dataset)
    for settings in experiment.tries():
        checks.check_alike("model", settings, dataset)
    settled = settle_seen(experiment, dataset)
    missed = check_reachable(dataset, settled.seen)
    experiment = settled.put_into(experiment)
    fitting = fitted.Fitting(experiment, dataset)
    started = StartedTraining(dataset, fitting, fitted.fit(fitting, dataset))
    size = fitted.shown_size(fitting.bytes_needed)
    memory = f"fitting takes {size} of memory"
    started.info.extend(filter(None, [settled.reason, reads_times(experiment), memory]))
    started.notes.extend(filter(None, [missed, *unread_features(experiment, dataset)]))
    started.notes.extend(fitting.left_out)
    return started


def whole_catalogue(experiment: Experiment, num_items: int) -> str:
    """A note where the loss goes over a catalogue so large that a sample of it is better; else "".

    Raises:
        ConfigError: a step would take minutes.
    """
    loss = experiment.training.loss.name
    if num_items <= MANY_ITEMS or LOSSES[loss].of_catalogue is None:
        return ""
    message = (
        f"`loss: {loss}` holds each target against all {num_items:,} items, so a step takes "
        f"{num_items / 10_000:,.0f} times as long as with 10,000"
    )
    sampled = (
        "--set training.loss=sampled_softmax --set training.negatives_per=batch "
        "--set training.negatives=4096"
    )
    if num_items > MOST_ITEMS:
        raise ConfigError(message, f"sample negatives: `{sampled}`")
    return f"{message}; `{sampled}` samples {4096:,} of them"


def unread_features(experiment: NextItemExperiment, dataset: SequenceDataset) -> list[str]:
    """Notes where the dataset has features or vectors of items that the model does not read."""
    model, notes = experiment.model, []
    if dataset.item_vectors is not None:
        prefix = "model.history" if hasattr(model, "history") else "model"
        reads = getattr(getattr(model, "history", model), "item_vectors", None)
        how = f"`--set {prefix}.item_vectors=added` makes it read them"
        if reads is None:
            how = "`--config sasrec --set model.item_vectors=added` makes a model that does"
        if reads in (None, "none"):
            notes.append(
                f"{model.name} does not read the vectors of the items of `{dataset.name}`: {how}"
            )
    unread = [c for c in dataset.encoders.columns if c.side in SIDES and not is_read(model, c)]
    if unread:
        sides = {side: [c.name for c in unread if c.side == side] for side in SIDES}
        features = " and ".join(f"{s}s' {', '.join(names)}" for s, names in sides.items() if names)
        notes.append(
            f"{model.name} does not read the features of `{dataset.name}` ({features}); "
            f"{how_to_read(model, unread)}"
        )
    return notes


def is_read(model: Any, column: Encoder) -> bool:
    """Whether a model reads a column of features."""
    if column.side != "item" or not model.reads_features:
        return bool(model.reads_users)
    return not (isinstance(model, FittedModelSettings) and isinstance(column, DenseEncoder))


def how_to_read(model: Any, columns: list[Encoder]) -> str:
    """How features that the model does not read can be read."""
    readers = [name for name in MODELS.ours if MODELS[name].settings_class.reads_users]
    others = f"{' and '.join(readers)} does: `--config two-tower`"
    of_items = [column for column in columns if column.side == "item"]
    if hasattr(model, "alike") and any(not isinstance(c, DenseEncoder) for c in of_items):
        return f"`--set model.alike=30` makes it read categories and tags of items; {others}"
    if not of_items or not hasattr(model, "item_features"):
        return others
    return f"`--set model.item_features=true` makes it read those of items; {others}"


def begin_ranking(
    experiment: RankingExperiment, path: Path, device: torch.device
) -> StartedTraining:
    """Start a ranking model, as `begin`."""
    rows = RankingDataset.load(path, parts=ranking.parts_needed(experiment))
    train, valid = ranking.divide(rows, experiment)
    training = ranking.RankingTraining(experiment, Sizes.of(rows.encoders), device)
    started = StartedTraining(rows, training, ranking.fit(training, train, valid))
    started.info.append(
        f"{len(train):,} rows to learn from, {len(valid):,} to pick the best weights"
    )
    if rows.test is not None:
        started.notes.append(
            "training stops on the test part (`training.validate_on: test`), as published "
            "walkthroughs do: its figures there are optimistic"
        )
    return started


def join_workers(
    started: StartedTraining, device: torch.device, exact: bool, timeout: float = TIMEOUT
) -> None:
    """Meet the other workers of this training, and see that all of them train the same.

    Raises:
        ConfigError: they do not, the model cannot be trained so, or there are too many of them.
        WorkerLost: they did not come.
    """
    training, data = started.training, started.dataset
    if not (isinstance(training, network.Training) and isinstance(data, SequenceDataset)):
        name = training.experiment.model.name
        raise ConfigError(f"`{name}` is trained by one process", "leave out `--workers`")
    training.team = meet_workers(device, exact, timeout)
    training.team.check_same(
        {
            "version of seqrec": __version__,
            "version of torch": torch.__version__,
            "experiment": training.experiment.to_yaml(),
            "dataset": data.sha256,
        }
    )
    checks.check_team(training, data)


def go_on(
    run: Run,
    experiment: AnyExperiment,
    path: Path,
    device: torch.device,
    leads: bool = True,
    shard: Shard | None = None,
) -> StartedTraining:
    """Continue a training where the run stopped; `experiment` may have more epochs than before.

    A worker that does not lead is given the state by the one that does, by `share_state`.

    Raises:
        RunError: there is nothing to resume from, or the dataset at `path` has changed.
    """
    started = begin(experiment, path, device, shard)
    run.check_data(started.dataset)
    if not leads:
        return started
    resume(run, started.training, in_place=shard is not None)
    run.save_experiment(experiment)
    started.notes.extend(run.notes)
    started.notes.extend(
        f"{difference}: the last bits may differ from an uninterrupted training"
        for difference in changes_since_start(run, device)
    )
    return started
