"""An experiment whose model ranks candidates."""

from typing import Literal

from pydantic import Field, field_validator

from seqrec_cli.core.experiment.budget import Every
from seqrec_cli.core.models.ranking.registry import RANKER, RankerConfig
from seqrec_cli.core.settings.base import ExperimentSettings, Settings, check_betas


class RankingTrainingConfig(Settings):
    """The `training` part of an experiment whose model ranks."""

    epochs: int = Field(100, ge=1, description="passes over the training rows")
    max_steps: int | None = Field(
        None, ge=1, description="batches after which to stop, if the epochs last longer; null: none"
    )
    max_minutes: float | None = Field(
        None, gt=0, description="minutes after which to stop, validations included; null: none"
    )
    batch_size: int = Field(128, ge=2, description="rows in a batch")
    lr: float = Field(2e-3, gt=0, description="learning rate of Adam")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="constant learning rate, or a cosine that ends at 0"
    )
    warmup: int = Field(0, ge=0, description="steps of linear learning rate warm-up")
    betas: tuple[float, float] = Field((0.9, 0.999), description="Adam's decay rates")
    weight_decay: float = Field(1e-3, ge=0, description="Adam's weight decay")
    validate_on: Literal["held_out", "test"] = Field(
        "held_out",
        description="held_out: the dataset's valid part, or else a share of the train users; test: "
        "the test part, as published walkthroughs do, whose figures are then optimistic",
    )
    validation_share: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="share of the train users held out if the dataset has no valid part",
    )
    validate_every: Every = Field(
        1, description="epochs between validations, or such as `500 steps` or `10 minutes`"
    )
    metric: Literal["auc", "gauc", "log_loss"] = Field(
        "auc", description="validation metric that selects the best weights"
    )
    patience: int | None = Field(
        10,
        ge=1,
        description="validations without improvement before early stopping; null: never stop",
    )

    @field_validator("betas")
    @classmethod
    def betas_are_rates(cls, betas: tuple[float, float]) -> tuple[float, float]:
        return check_betas(betas)


class RankingExperiment(ExperimentSettings):
    """An experiment file whose model ranks candidates, complete."""

    model: RankerConfig = Field(default_factory=RANKER.default_settings)
    training: RankingTrainingConfig = RankingTrainingConfig()

    @property
    def shown(self) -> list[str]:
        """The metrics to show during training."""
        return list(dict.fromkeys([self.training.metric, "auc", "log_loss"]))
