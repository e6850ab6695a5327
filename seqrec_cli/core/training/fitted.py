"""Fitting a model without gradients: each try is fitted and validated, and the best is kept.

A try takes the place of an epoch: it is the same whatever the tries before it gave, so the number
of those that are done is all that resuming needs.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.models.fitted import FITTED, FittedModelSettings, fitting_on
from seqrec_cli.core.training.events import EpochDone, Event, Joining, Refitted, StepDone
from seqrec_cli.core.training.loop import note_validation
from seqrec_cli.core.training.seen import check_reachable, settle_seen
from seqrec_cli.core.training.state import Counters, Resumable
from seqrec_cli.errors import ConfigError, TrainingError

STEPS = 100  # of a try, for the bar
GIGABYTE = 2**30


def shown_size(size: int) -> str:
    """A number of bytes, for people."""
    if size >= GIGABYTE:
        return f"{size / GIGABYTE:.1f} GB"
    return f"{max(1, round(size / 2**20)):,} MB"


class Fitting(Resumable):
    """A model that is fitted, and how many tries are done.

    Attributes:
        model: of the last try; None before the first.
        settings: those of that try.
        tries: the settings to try.
        left_out: the tries that would take too much memory, for people.
        bytes_needed: the memory that the largest try takes.
    """

    def __init__(self, experiment: FittedExperiment, data: SequenceDataset) -> None:
        self.experiment = experiment
        self.device = torch.device("cpu")
        self.num_items = data.num_items
        self.counters = Counters()
        self.optimizers = {}
        self.model: Any = None
        self.settings: FittedModelSettings = experiment.model
        needed = [(self.bytes_of(settings, data), settings) for settings in experiment.tries()]
        most = experiment.training.gigabytes * GIGABYTE
        self.tries = [settings for size, settings in needed if size <= most]
        if not self.tries:
            raise ConfigError(
                f"the model needs {shown_size(min(size for size, _ in needed))} for "
                f"{data.num_items:,} items, more than `training.gigabytes` "
                f"({experiment.training.gigabytes:g}) allows",
                "allow more, or give weights to fewer items: `--set model.items=10000`",
            )
        self.left_out = [
            f"{experiment.remark(settings)}: left out, it takes {shown_size(size)} and "
            f"`training.gigabytes` is {experiment.training.gigabytes:g}"
            for size, settings in needed
            if size > most
        ]
        self.bytes_needed = max(size for size, _ in needed if size <= most)
        self.workers = WorkerPool(self.device)

    @property
    def epochs(self) -> int:
        """The number of tries."""
        return len(self.tries)

    def bytes_of(self, settings: FittedModelSettings, data: SequenceDataset) -> int:
        """The memory that a try takes."""
        train = data.train
        beyond = FITTED[settings.name].bytes_needed(train, data.num_items, settings)
        return int(beyond) + train.bytes_on_disk

    def tensors(self) -> dict[str, Tensor]:
        """Nothing: no try depends on another."""
        return {}

    def facts(self) -> dict[str, Any]:
        """The settings that were fitted."""
        return {"settings": self.settings.model_dump(mode="json")}

    def is_finite(self) -> bool:
        """Whether all that was learnt is finite."""
        learnt = {} if self.model is None else self.model.state_dict()
        return all(bool(torch.isfinite(tensor).all()) for tensor in learnt.values())


def refit(fitting: Fitting, data: SequenceDataset, epoch: int) -> Iterator[Event]:
    """Fit the try that validation picked, number `epoch`, on train + valid; last is `Refitted`."""
    data = data.with_valid_learnt()
    fitting.settings = settings = fitting.tries[epoch - 1]
    fitting.interruptible = True
    for found in fitting_on(data, settings.name, settings, fitting.workers):
        if isinstance(found, float):
            yield Joining(f"{settings.name} on train + valid", found)
    fitting.interruptible = False
    fitting.model = found
    check_learnt(fitting)
    yield Refitted(epoch, fitting, {})


def check_learnt(fitting: Fitting) -> None:
    """Refuse what is not finite.

    Raises:
        TrainingError: something learnt is not.
    """
    if not fitting.is_finite():
        raise TrainingError("what was learnt is not finite numbers", "use a larger `model.ridge`")


def fit(fitting: Fitting, data: SequenceDataset) -> Iterator[Event]:
    """Fit and validate each try that is not done, yielding events.

    `data` must not contain its test part.

    Raises:
        TrainingError: what was learnt is not finite.
    """
    if data.test is not None:
        raise ValueError("fit() must not be given the test part: use dataset.without_test()")
    seen = settle_seen(fitting.experiment, data).seen
    check_reachable(data, seen)
    counters = fitting.counters
    k = int(fitting.experiment.training.metric.partition("@")[2])
    for settings in fitting.tries[counters.epoch :]:
        number = counters.epoch + 1
        fitting.interruptible = True
        for found in fitting_on(data, settings.name, settings, fitting.workers):
            if isinstance(found, float):
                yield StepDone(number, min(STEPS - 1, int(STEPS * found)), STEPS, 0.0)
        fitting.interruptible = False
        fitting.model, fitting.settings, counters.epoch = found, settings, number
        check_learnt(fitting)
        yield EpochDone(number, 0.0)
        with fitting.safe_to_interrupt():
            outcome = evaluate(found, data, "valid", ks=sorted({k, 10}), seen=seen)
        remark = fitting.experiment.remark(settings)
        yield note_validation(fitting, outcome.means(), scheduled=True, remark=remark)
