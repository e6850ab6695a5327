"""Small trainings, and what they are compared by."""

from collections.abc import Iterator
from typing import Any

import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.training.events import Event
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit

CPU = torch.device("cpu")


def experiment(**training: Any) -> Experiment:
    model = {"hidden": 16, "max_length": 12, "blocks": 1, "dropout": 0.3}
    settings = {"epochs": 4, "batch_size": 32, "validate_every": 1, **training}
    return Experiment.model_validate({"seed": 3, "model": model, "training": settings})


def run(training: Training, data: SequenceDataset) -> list[Event]:
    return list(fit(training, data.without_test()))


def same(a: Training, b: Training) -> bool:
    (tensors, counters), (others, other_counters) = a.state(), b.state()
    return (
        counters == other_counters
        and tensors.keys() == others.keys()
        and all(torch.equal(tensors[name], others[name]) for name in tensors)
    )


def copied(training: Training) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, counters = training.state()
    return {name: tensor.clone() for name, tensor in tensors.items()}, dict(counters)


def sized(name: str) -> Any:
    """A model of the registry, small."""
    sizes = {"hidden": 16, "max_length": 10}
    settings = MODELS[name].settings_class
    if settings.reads_users:
        return settings(history=sizes, output=16)
    return settings(**sizes)


def take(events: Iterator[Event], count: int) -> Iterator[Event]:
    for _ in range(count):
        yield next(events)
