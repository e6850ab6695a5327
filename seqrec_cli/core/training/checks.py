"""What a training is refused for before it begins."""

from typing import Any

import numpy as np
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.experiment.sequential import Experiment, TrainingConfig
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.models.fitted import FITTED
from seqrec_cli.core.storage.memory import in_words, total_memory
from seqrec_cli.core.training.network import Training, make_batches
from seqrec_cli.errors import ConfigError, DatasetError


def check_negatives(settings: TrainingConfig, data: SequenceDataset, max_length: int) -> None:
    """Refuse more negatives than memory can hold, of a batch with the longest histories.

    Raises:
        ConfigError: with their size and that of the memory.
    """
    longest = np.minimum(np.sort(data.train.lengths)[-settings.batch_size :], max_length)
    shared = {"target": int(longest.sum()), "history": len(longest), "batch": 1}
    size = 8 * settings.negatives * shared[settings.negatives_per]
    if size > total_memory():
        raise ConfigError(
            f"the negatives of a batch take {in_words(size)} of memory, and there are "
            f"{in_words(total_memory())}",
            "use fewer `training.negatives`, or `training.negatives_per: batch`",
        )


def check_joined(experiment: Experiment, data: SequenceDataset) -> None:
    """Refuse what memory cannot hold, and features that the data do not have.

    Raises:
        ConfigError: with its size and that of the memory, or the setting.
    """
    for name, settings in experiment.joined.items():
        check_alike(name, settings, data)
        size = FITTED[name].bytes_needed(data.train, data.num_items, settings)
        size += data.train.bytes_on_disk
        if size > total_memory():
            raise ConfigError(
                f"the {name} model that joins the network takes {in_words(size)} of memory for "
                f"{data.num_items:,} items, and there are {in_words(total_memory())}",
                f"give weights to fewer items: `--set {name}.items=5000`"
                if hasattr(settings, "items")
                else f"leave it out: `--set {name}=null`",
            )


def check_alike(part: str, settings: Any, data: SequenceDataset) -> None:
    """Refuse a likeness of items of which nothing is known.

    Raises:
        ConfigError: with the setting, in this part of the experiment.
    """
    if not getattr(settings, "alike", 0):
        return
    if not data.encoders.has_values("item"):
        raise ConfigError(
            f"`{part}.alike: {settings.alike:g}` reads categories and tags of items, and the "
            "dataset has none",
            "prepare it with `--items-file FILE`, or leave the setting out",
        )


def check_data(data: SequenceDataset) -> None:
    """Refuse a dataset that cannot be trained on, before anything is begun.

    Raises:
        DatasetError: there is nobody to train on, or nobody to validate on.
    """
    if not (data.train.lengths >= 2).any():
        raise DatasetError(
            f"the dataset `{data.name}` has no user with two items in its train part",
            "prepare it with another split, or from more data",
        )
    queries(data, "valid")


def check_team(training: Training, data: SequenceDataset) -> None:
    """Refuse more workers than there are parts in a batch.

    Raises:
        ConfigError: with what to use instead.
    """
    batches, size = make_batches(training, data), training.team.size
    parts = max(len(batches.split(users)) for users in batches.users_of(1)[:16])
    if training.statistic_names:
        parts = 1  # what one part changes, the next ones would read
    if parts < size:
        settings = training.experiment.training
        larger = (
            ""
            if parts == 1 and len(batches) == 1
            else (
                f", or larger batches: `--set training.batch_size={2 * size * settings.batch_size}`"
            )
        )
        raise ConfigError(
            f"a batch of {settings.batch_size} users is cut into {parts} "
            f"{'part' if parts == 1 else 'parts'}, fewer than the {size} workers",
            f"use {parts} {'worker' if parts == 1 else 'workers'}{larger}",
        )


def check_shared_tables(experiment: Experiment) -> None:
    """Refuse what does not work while several workers share the rows of the item tables.

    Raises:
        ConfigError: with the setting and what to use instead.
    """
    settings, changes = experiment.training, []
    if LOSSES[settings.loss.name].of_scores is None:
        changes += ["training.loss=sampled_softmax", "training.negatives_per=batch"]
        changes += ["training.negatives=4096"]
    if settings.l2_emb:
        changes.append("training.l2_emb=0")
    if settings.table_optimizer != "adagrad":
        changes.append("training.table_optimizer=adagrad")
    if settings.final:
        changes.append("training.final=false")
    changes += [f"{name}=null" for name in experiment.joined]
    if changes:
        raise ConfigError(
            "a step may change only the rows of its batch, and nothing may read the whole table, "
            "where workers share its rows (`--table sharded`)",
            f"add `{' '.join(f'--set {change}' for change in changes)}`",
        )
    if experiment.model.needs_features:
        raise ConfigError(
            f"`{experiment.model.name}` reads features or vectors of items, and workers share the "
            "rows of item tables alone (`--table sharded`)",
            "leave out `--table sharded`",
        )


def check_device(experiment: Experiment, device: torch.device) -> None:
    """Refuse what the device cannot do.

    Raises:
        ConfigError: with the setting and what to use instead.
    """
    if experiment.training.precision == "bfloat16" and device.type == "mps":
        raise ConfigError("`training.precision: bfloat16` does not work on mps", "use float32")
