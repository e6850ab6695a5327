"""Models that learn without gradients, from one look at the train part, and their registry.

Such a model is an experiment's model by itself, or joins a network, whose scores its own are added
to. To add one: write its file, and add its line here.

Shapes: B histories, N items; column 0 of a score matrix is padding.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol

import torch
from pydantic import Field, SerializeAsAny, field_validator
from torch import Tensor

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.settings.base import Settings
from seqrec_cli.core.settings.registry import Choice, NamedSettings, Registry, check_settings_class

HERE = "seqrec_cli.core.models"

MOST_WEIGHT = 100


class FittedModelSettings(NamedSettings):
    """The `model` part of an experiment whose model is fitted without gradients."""

    reads_users: ClassVar[bool] = False

    @property
    def needs_features(self) -> bool:
        """Whether it is made from what the dataset has of items."""
        return False

    @property
    def reads_features(self) -> bool:
        """Whether it reads features: all of them that it does are of items."""
        return self.needs_features


class JoinedSettings(Settings):
    """A part of an experiment: a fitted model whose scores are added to those of a network."""

    weight: float | Literal["auto"] = Field(
        1.0,
        description="weight of its log probabilities in the sum with the network's scores; auto: "
        "each validation picks it",
    )

    @field_validator("weight", mode="before")
    @classmethod
    def is_a_weight(cls, weight: Any) -> Any:
        """Numbers that may be weights, and the word."""
        if weight == "auto":
            return weight
        try:
            fits = 0 <= float(weight) <= MOST_WEIGHT
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(f"must be a number from 0 to {MOST_WEIGHT}, or auto")
        return float(weight)

    @property
    def needs_features(self) -> bool:
        """Whether it is made from what the dataset has of items."""
        return False


class FittedModel(Protocol):
    """A scorer that is fitted: the same train part and settings give the same bytes."""

    settings_class: ClassVar[type[FittedModelSettings]]
    num_items: int
    max_length: int  # the number of items of a history that it reads
    device: torch.device

    @classmethod
    def fitting(
        cls, train: Sequences, num_items: int, settings: Any, workers: WorkerPool
    ) -> Iterator["float | FittedModel"]:
        """Fit; yields the share of the work that is done, and at last the model.

        A model whose settings say `needs_features` takes those of the dataset too, as `features`.
        """
        ...

    @classmethod
    def restored(cls, num_items: int, settings: Any, tensors: Mapping[str, Tensor]) -> Any:
        """The model whose `state_dict` was `tensors`.

        Raises:
            ValueError, KeyError: they are not of such a model.
        """
        ...

    @classmethod
    def bytes_needed(cls, train: Sequences, num_items: int, settings: Any) -> int:
        """The memory that fitting takes beyond the data, in bytes."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What was learnt, by name."""
        ...

    def score(self, histories: Sequences) -> Tensor:
        """Score every id 0 to N for each history of 1 or more items, float32 (B, N + 1)."""
        ...


FITTED: Registry[Any] = Registry(
    "model",
    "seqrec.fitted",
    {"linear": f"{HERE}.linear:Linear", "transitions": f"{HERE}.transitions:Transitions"},
    lambda name, model: check_settings_class(name, model, FittedModelSettings),
)

FITTED_MODEL = Choice(FITTED, "linear", "a model")

FittedConfig = Annotated[SerializeAsAny[FittedModelSettings], FITTED_MODEL]


def fit_whole(
    name: str, train: Sequences, num_items: int, settings: Any, workers: WorkerPool
) -> Any:
    """The model `name` fitted on `train`."""
    *_, model = FITTED[name].fitting(train.loaded(), num_items, settings, workers)
    return model


def fitting_on(
    data: SequenceDataset, name: str, settings: Any, workers: WorkerPool
) -> Iterator[Any]:
    """Fit the model `name` on the train part; yields the share that is done, and at last it."""
    more = {"features": data.features()} if settings.needs_features else {}
    train, num_items = data.train.loaded(), data.num_items
    found: Iterator[Any] = FITTED[name].fitting(train, num_items, settings, workers, **more)
    return found
