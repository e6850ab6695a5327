"""A network with its optimizer and counters: what a training is between two steps."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from seqrec_cli.core.batching.packing import FILL
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Joined
from seqrec_cli.core.kernels.switch import check_environment
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.randomness import Purpose, torch_stream
from seqrec_cli.core.storage.tensors import MemoryLimit
from seqrec_cli.core.training.optimizers import Adagrad, Adam, Optimizer, RowwiseAdagrad
from seqrec_cli.core.training.state import Counters, Resumable


class Training(Resumable):
    """A model with its optimizer and counters: what a training is between two steps."""

    def __init__(
        self,
        experiment: Experiment,
        num_items: int,
        device: torch.device,
        features: Features | None = None,
    ) -> None:
        check_environment()
        settings = experiment.training
        self.experiment = experiment
        self.num_items = num_items
        self.device = device
        self.counters = Counters()
        self.joined: list[Joined] = []
        generator = torch_stream(experiment.seed, Purpose.WEIGHTS)
        with MemoryLimit():
            model = build_model(experiment.model, num_items, generator, features)
        self.model = model.to(device)
        parameters = self.trained_parameters()
        tables = {name: parameters.pop(name) for name in sorted(self.model.tables)}
        table_lr = settings.table_lr or settings.lr
        adam = partial(Adam, betas=settings.betas, weight_decay=settings.weight_decay)
        adagrad = partial(Adagrad, momentum=settings.momentum)
        make: Callable[..., Optimizer] = adam if settings.optimizer == "adam" else adagrad
        self.optimizers = {"others": make(parameters, settings.lr)}
        if settings.table_optimizer == "adagrad":
            self.model.sparse_gradients()
            self.optimizers["tables"] = RowwiseAdagrad(tables, table_lr)
        else:
            by_name = adam if settings.table_optimizer == "adam" else make
            self.optimizers["tables"] = by_name(tables, table_lr)
        self.encode = torch.compile(self.model.encode) if settings.compile else self.model.encode
        self.workers = WorkerPool(device)

    def facts(self) -> dict[str, Any]:
        """The weights of what joins the network."""
        weights = {joined.name: joined.weight for joined in self.joined}
        return {"weights": weights} if weights else {}


def make_batches(training: Training, data: SequenceDataset) -> Batches:
    """The batches of a training on the train part."""
    settings = training.experiment.training
    return Batches(
        data.learnt(),
        data.num_items,
        seed=training.experiment.seed,
        batch_size=settings.batch_size,
        max_length=training.model.max_length,
        num_negatives=settings.negatives,
        negatives_per=settings.negatives_per,
        in_batch=settings.in_batch,
        popularity_power=settings.popularity_power,
        sampler=settings.sampler,
        log_probabilities=settings.loss.corrects_sampling,
        half_life=settings.loss.target_half_life,
        excluded_items=training.model.excluded_items,
        fill=FILL if training.device.type == "cpu" else 0.0,
        cost=training.model.cost,
    )
