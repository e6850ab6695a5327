"""Which settings a prepared dataset asks for: rules written down, each with its reason.

A profile of the train part gives the settings of an experiment; nothing is trained or tried. What
the rules rest on was chosen on valid parts alone: docs/accuracy.md says on which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.store import RANKING, find_dataset, task_of
from seqrec_cli.core.experiment.loading import AnyExperiment, parse_experiment
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.errors import ConfigError

SHORT = 20.0  # items in the mean history, up to which a history has one time scale
SPARSE = 50.0  # events of the mean item, up to which an item is rare
FEW_EVENTS = 30_000  # of the train part, up to which a network has too little to learn from
MANY_EVENTS = 300_000  # of the train part, up to which more is held back: dropout, ridge
# The most frequent items with weights in the linear model, by its number of time scales: some
# minutes on two cores, and what rarer items lose is less than what more scales gain.
MOST_ITEMS = {1: 20_000, 3: 4_000}
STEPS = 1_500  # of a training, at least: what small data needs to come near its best
EPOCHS = (24, 200)  # fewest and most
BATCH = 32
LR, LR_OF_RARE = 0.001, 0.003  # learning rates: a rare item has few steps to learn in
RIDGES = [30.0, 100.0, 300.0, 1000.0]  # that validation picks from where a try takes a moment
LENGTHS = (20, 50, 100, 200)  # items that a network reads
RECURRENT = 128  # units of the recurrent layer
AVERAGE = 0.999  # decay of the running mean of the weights
WIDTH, WIDTH_OF_RARE = 64, 128  # of the network
TARGETS_AHEAD = 2  # items after the next that are targets too
ALIKE = 30.0  # times the mean score of items with the same categories, in the linear model
BACKWARDS = 0.3  # weight of histories read from the end in the linear model
# At the full rate decay takes what no target reaches to 1/e in so many epochs, so that rare items
# of large data are not forgotten between two of their events; there is no more of it than tried.
DECAY_EPOCHS, MOST_DECAY = 6, 0.3


@dataclass(frozen=True)
class DataProfile:
    """What the rules look at; all of the train part.

    Attributes:
        users, items: how many there are.
        events: interactions.
        long: the 95th percentile of the lengths of histories.
        repeats: share of interactions with an item that the user already had.
        features: whether it is known of items what they are.
        told: whether that is categories or tags, not numbers alone.
        new: whether there are items that nobody has.
    """

    users: int
    items: int
    events: int
    long: int
    repeats: float
    features: bool = False
    new: bool = False
    told: bool = False

    @classmethod
    def of(cls, dataset: SequenceDataset) -> "DataProfile":
        """The profile of a prepared dataset."""
        train = dataset.train
        users = int(np.count_nonzero(train.lengths))
        long = int(np.ceil(np.quantile(train.lengths, 0.95))) if len(train) else 0
        sizes = users, dataset.num_items, len(train.items), long
        told = dataset.encoders.has_values("item")
        features = told or bool(dataset.encoders.of(DenseEncoder, "item"))
        new = bool(dataset.new_items().any())
        return cls(*sizes, train.repeat_share, features, new, told)

    @property
    def mean_length(self) -> float:
        """Items in the mean history."""
        return self.events / max(1, self.users)

    @property
    def mean_count(self) -> float:
        """Events of the mean item."""
        return self.events / max(1, self.items)

    @property
    def sparse(self) -> bool:
        """Whether the mean item is rare."""
        return self.mean_count <= SPARSE

    @property
    def short(self) -> bool:
        """Whether the mean history is short."""
        return self.mean_length <= SHORT

    @property
    def sparse_and_short(self) -> bool:
        """Whether histories are short and their items rare."""
        return self.sparse and self.short


@dataclass(frozen=True)
class ChosenSettings:
    """Settings for a dataset.

    Attributes:
        content: the `model`, `training` and, with a network, `linear` parts of an experiment.
        reasons: why, one sentence each, in the order of the settings.
    """

    content: dict[str, Any]
    reasons: tuple[str, ...]


def choose_settings(profile: DataProfile) -> ChosenSettings:
    """The settings that the rules give for a dataset of this profile."""
    linear, why_linear = linear_part(profile)
    if profile.events <= FEW_EVENTS:
        reason = (
            f"{profile.events:,} events to learn from are few for a network (up to {FEW_EVENTS:,}):"
            " the linear model alone"
        )
        grid = {"ridge": RIDGES, "backwards": [0.0, BACKWARDS]}
        content = {"model": {"name": "linear", **linear}, "training": {"grid": grid}}
        ridges = f"validation picks the ridge among {', '.join(f'{ridge:g}' for ridge in RIDGES)}"
        ways = "and whether it reads backwards too"
        why = (line for line in why_linear if not line.endswith(f"ridge {linear['ridge']:g}"))
        return ChosenSettings(content, (reason, *why, f"{ridges}, {ways}"))
    model, why_model = network_part(profile)
    training, why_training = training_part(profile)
    return ChosenSettings(
        {
            "model": model,
            "training": training,
            "transitions": {"weight": "auto"},
            "linear": {"weight": "auto", **linear},
        },
        (
            "a network beside a linear model and counts, whose weights validation picks",
            *why_model,
            *why_training,
            *why_linear,
        ),
    )


def linear_part(profile: DataProfile) -> tuple[dict[str, Any], list[str]]:
    """The settings of the linear model."""
    decays, reason = [0.3, 0.8, 0.97], f"histories of {profile.mean_length:.0f} items in the mean"
    if profile.short:
        decays, reason = [0.85], f"{reason} are short: one time scale"
    else:
        reason = f"{reason} are long: three time scales"
    if profile.sparse and len(decays) == 1:
        ridge = 30.0
    else:
        ridge = 1000.0 if profile.events <= MANY_EVENTS else 300.0
    found = [
        reason,
        f"{profile.events:,} events, {profile.mean_count:.0f} an item: ridge {ridge:g}",
    ]
    settings: dict[str, Any] = {"decays": decays, "ridge": ridge}
    if FEW_EVENTS < profile.events <= MANY_EVENTS:
        settings["backwards"] = BACKWARDS
        found.append("of so few it learns from histories read backwards too")
    if profile.sparse_and_short and profile.told:
        settings["alike"] = ALIKE
        found.append("short histories of rare items: items gain from those of the same categories")
    most = MOST_ITEMS[len(decays)]
    if profile.items > most:
        settings["items"] = most
        found.append(
            f"{profile.items:,} items: the {most:,} most frequent ones have weights in it, so that "
            "its equations stay small"
        )
    return settings, found


def network_part(profile: DataProfile) -> tuple[dict[str, Any], list[str]]:
    """The settings of the network."""
    length = next((n for n in LENGTHS if n >= profile.long), LENGTHS[-1])
    if profile.sparse:
        dropout, how = 0.5, "rare"
    elif profile.events <= MANY_EVENTS:
        dropout, how = 0.3, "few"
    else:
        dropout, how = 0.2, "many"
    settings = {
        "name": "sasrec",
        "block": "ligr",
        "norm": "pre",
        "expansion": 4,
        "convolution": 3,
        "hidden": WIDTH_OF_RARE if profile.sparse_and_short else WIDTH,
        "blocks": 2,
        "heads": 1,
        "dropout": dropout,
        "max_length": length,
    }
    reasons = [
        f"19 of 20 histories have up to {profile.long:,} items: it reads {length}",
        f"{profile.events:,} events, {profile.mean_count:.0f} an item, are {how}: "
        f"dropout {dropout:g}",
    ]
    if profile.sparse_and_short:
        reasons.append(f"short histories of rare items: {WIDTH_OF_RARE} wide")
        if profile.features:
            settings["item_features"] = True
            reasons.append("short histories of rare items: what items are is read too")
            if not profile.new:
                settings["hide_ids"] = 0.0
                reasons.append("there is no item that nobody has: no id is hidden in training")
    if not profile.short:
        settings["recurrent"] = RECURRENT
        reasons.append("long histories: a recurrent layer below attention")
    return settings, reasons


def training_part(profile: DataProfile) -> tuple[dict[str, Any], list[str]]:
    """The settings of the training."""
    batch = 4 * BATCH if profile.short else BATCH
    steps = max(1, profile.users // batch)
    epochs = min(max(STEPS // steps, EPOCHS[0]), EPOCHS[1])
    every = max(1, epochs // 12)
    averaged = not profile.short and profile.events > MANY_EVENTS
    settings: dict[str, Any] = {
        "loss": "softmax",
        "epochs": epochs,
        "batch_size": batch,
        "lr": LR_OF_RARE if profile.sparse else LR,
        "warmup": 100,
        **({"average": AVERAGE} if averaged else {"schedule": "cosine"}),
        "validate_every": every,
        "patience": 4,
    }
    reasons = [
        f"{steps:,} steps an epoch: {epochs} epochs, and fewer where validation no longer gains"
    ]
    if profile.sparse:
        reasons.append(f"rare items have few steps to learn in: learning rate {LR_OF_RARE:g}")
    if profile.sparse_and_short:
        decay = min(MOST_DECAY, float(f"{1 / (DECAY_EPOCHS * steps * LR_OF_RARE):.0e}"))
        settings |= {"optimizer": "adamw", "weight_decay": decay, "targets_ahead": TARGETS_AHEAD}
        reasons.append(
            f"short histories of rare items: weight decay {decay:g}, and the {TARGETS_AHEAD} items "
            "after the next are targets too"
        )
    if not profile.short:
        settings["half_life"] = 40
        reasons.append("long histories: later targets have more weight")
    if averaged:
        reasons.append(
            f"{profile.events:,} events of long histories: a mean of the weights in place of a "
            "falling learning rate"
        )
    return settings, reasons


def for_loss_asked(
    content: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """What was chosen, without the settings of its loss if `overrides` name another; and these."""
    training = content["training"]
    named = [
        change.partition("=")[2] for change in overrides if change.startswith("training.loss=")
    ]
    if "loss" not in training or not named or named[-1].strip() == training["loss"]:
        return content, []
    own = LOSSES[training["loss"]].settings_class.model_fields.keys() - {"name"}
    kept = {key: value for key, value in training.items() if key not in own}
    return {**content, "training": kept}, [key for key in training if key in own]


def experiment_for(
    data: str, data_dir: Path, overrides: Sequence[str] = ()
) -> tuple[AnyExperiment, tuple[str, ...]]:
    """The experiment that the rules give for a dataset, changed by `key=value`, and the reasons.

    Args:
        data: the dataset: its name in `data_dir`, or its npz file.

    Raises:
        ConfigError: an override that does not apply, or a ranking dataset: it has no rules.
        DatasetError: missing or damaged.
    """
    path = find_dataset(data, data_dir)
    if task_of(path) == RANKING:
        raise ConfigError(
            f"the settings for `{data}`, which is for ranking, have to be named",
            f"`seqrec train --config dien --data {data}`",
        )
    dataset = SequenceDataset.load(path, parts=("train", "valid"))
    chosen = choose_settings(DataProfile.of(dataset))
    reasons, kept = chosen.reasons, list(overrides)
    if chosen.content["model"]["name"] == "linear":
        kept = [change for change in overrides if not change.startswith("training.max_minutes=")]
        if len(kept) < len(overrides):
            reasons = (*reasons, "it is fitted in moments: a budget in minutes has no use")
    content, left_out = for_loss_asked(chosen.content, overrides)
    if left_out:
        names = " and ".join(f"`training.{key}`" for key in left_out)
        reasons = (*reasons, f"another loss than softmax was asked for: without {names}")
    text = yaml.safe_dump({"data": data, **content}, sort_keys=False)
    source = f"the settings chosen for {data}"
    return parse_experiment(text, source, kept), reasons
