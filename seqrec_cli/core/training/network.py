"""A network with its optimizer and counters: what a training is between two steps."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import FILL
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Joined
from seqrec_cli.core.kernels.switch import check_environment
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.models.shards import Shard, sharing
from seqrec_cli.core.randomness import Purpose, torch_stream
from seqrec_cli.core.storage.tensors import StoredTensor
from seqrec_cli.core.training.averaging import WeightAverages
from seqrec_cli.core.training.memory import memory_limit
from seqrec_cli.core.training.optimizers import Adagrad, Adam, Optimizer, RowwiseAdagrad
from seqrec_cli.core.training.sharding import GatheredRows, ShardedTables
from seqrec_cli.core.training.state import Counters, Resumable


class Training(Resumable):
    """A model with its optimizer and counters: what a training is between two steps."""

    def __init__(
        self,
        experiment: Experiment,
        num_items: int,
        device: torch.device,
        features: Features | None = None,
        shard: Shard | None = None,
    ) -> None:
        """Make the model with fresh weights.

        With a `shard`, of its item tables only those rows, which several workers then share.
        """
        check_environment()
        settings = experiment.training
        self.experiment = experiment
        self.num_items = num_items
        self.device = device
        self.counters = Counters()
        self.joined: list[Joined] = []
        generator = torch_stream(experiment.seed, Purpose.WEIGHTS)
        with memory_limit(settings), sharing(shard):
            model = build_model(experiment.model, num_items, generator, features)
        self.model = model.to(device)
        self.sharded = None if shard is None else ShardedTables(self.model, shard)
        parameters = self.trained_parameters()
        tables = {name: parameters.pop(name) for name in sorted(self.model.tables)}
        table_lr = settings.table_lr or settings.lr
        adam = partial(Adam, betas=settings.betas, weight_decay=settings.weight_decay)
        adagrad = partial(Adagrad, momentum=settings.momentum)
        by_name: dict[str, Callable[..., Optimizer]] = {
            "adam": adam,
            "adamw": partial(adam, decoupled=True),
            "adagrad": adagrad,
        }
        make = by_name[settings.optimizer]
        self.optimizers = {"others": make(parameters, settings.lr)}
        if settings.table_optimizer == "adagrad":
            self.model.sparse_gradients()
            self.optimizers["tables"] = RowwiseAdagrad(tables, table_lr)
        else:
            make = by_name[settings.table_optimizer or settings.optimizer]
            self.optimizers["tables"] = make(tables, table_lr)
        if settings.average:
            self.averages = WeightAverages(self.trained_parameters(), settings.average)
        self.encode = torch.compile(self.model.encode) if settings.compile else self.model.encode
        self.workers = WorkerPool(device)

    def whole(self, named: Mapping[str, Tensor]) -> dict[str, Tensor | GatheredRows]:
        """Tensors of `tensors` or of the model, as they are saved: tables with all their rows."""
        if self.sharded is None:
            return dict(named)
        return {
            name: GatheredRows(self.sharded, self.team, tensor, self.num_items + 1)
            if self.sharded.has(name)
            else tensor
            for name, tensor in named.items()
        }

    def take_over(self, name: str, own: Tensor, saved: Tensor | StoredTensor) -> None:
        """Set one's own tensor of that name to the saved one, or to the rows that are one's own."""
        if self.sharded is not None and self.sharded.has(name):
            assert isinstance(saved, StoredTensor)
            saved.copy_to(own, self.sharded.shard.rank, self.sharded.shard.size)
        else:
            super().take_over(name, own, saved)

    def is_finite(self) -> bool:
        """Whether all weights are finite numbers, with shared tables those of all workers."""
        own = super().is_finite()
        if self.sharded is None:
            return own
        return not self.team.add(np.array([not own], np.int64)).any()

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
