"""The fitted models that join a network: whether there is memory for them, and fitting them."""

from collections.abc import Iterator
from typing import Any

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Joined
from seqrec_cli.core.models.fitted import FITTED
from seqrec_cli.core.storage.memory import in_words, total_memory
from seqrec_cli.core.training.events import JoinedFitted, Joining
from seqrec_cli.errors import ConfigError


def check_joined(experiment: Experiment, data: SequenceDataset) -> None:
    """Refuse what memory cannot hold.

    Raises:
        ConfigError: with its size and that of the memory.
    """
    for name, settings in experiment.joined.items():
        size = FITTED[name].bytes_needed(data.train, data.num_items, settings)
        if size > total_memory():
            raise ConfigError(
                f"the {name} model that joins the network takes {in_words(size)} of memory for "
                f"{data.num_items:,} items, and there are {in_words(total_memory())}",
                f"give weights to fewer items: `--set {name}.items=5000`"
                if hasattr(settings, "items")
                else f"leave it out: `--set {name}=null`",
            )


def join(
    experiment: Experiment, data: SequenceDataset, workers: WorkerPool
) -> Iterator[Joining | JoinedFitted | Joined]:
    """Fit the models that join the network on the train part; each is yielded as `Joined`, and
    then as the event."""
    for name, settings in experiment.joined.items():
        found: Any = None
        for found in FITTED[name].fitting(data.train, data.num_items, settings, workers):
            if isinstance(found, float):
                yield Joining(name, found)
        picked = settings.weight == "auto"
        weight = 1.0 if settings.weight == "auto" else settings.weight
        yield Joined(name, found, weight, picked)
        yield JoinedFitted(name, found)
