"""An experiment whose model says what comes next."""

from typing import Literal

from pydantic import Field, field_validator

from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.models.sequential.registry import MODEL, ModelConfig
from seqrec_cli.core.models.transitions import TransitionsConfig
from seqrec_cli.core.settings.base import ExperimentSettings, Settings, check_betas

LossName = Literal["bce", "gbce", "sampled_softmax", "softmax", "bpr", "bpr_max"]


MOST_K = 10_000  # items in a list


class TrainingConfig(Settings):
    """The `training` part of an experiment."""

    epochs: int = Field(201, ge=1, description="passes over the users")
    batch_size: int = Field(128, ge=1, description="users in a batch")
    optimiser: Literal["adam", "adagrad"] = Field(
        "adam", description="what changes the weights; adagrad is that of GRU4Rec's authors"
    )
    momentum: float = Field(0.0, ge=0, lt=1, description="of optimiser: adagrad")
    lr: float = Field(1e-3, gt=0, description="learning rate")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="the learning rate stays, or falls to 0 over all epochs"
    )
    warmup: int = Field(0, ge=0, description="steps over which the learning rate rises from 0")
    betas: tuple[float, float] = Field((0.9, 0.98), description="Adam's decay rates")
    weight_decay: float = Field(0.0, ge=0, description="Adam's weight decay")
    table_optimiser: Literal["adam", "adagrad"] | None = Field(
        None,
        description="what changes the item table: adagrad touches a batch's rows alone; null: as "
        "the others",
    )
    table_lr: float | None = Field(
        None, gt=0, description="the item table's learning rate; null: as the others"
    )
    l2_emb: float = Field(0.0, ge=0, description="weight of the item table's squared norm")
    loss: LossName = "bce"
    negatives: int = Field(1, ge=1, description="negatives that each target is held against")
    negatives_per: Literal["target", "history", "batch"] = Field(
        "target", description="what has negatives of its own; the targets in it share them"
    )
    in_batch: bool = Field(
        False, description="negatives are targets of the batch, drawn at random; per batch alone"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of a target spread over all items, loss: softmax"
    )
    half_life: float | None = Field(
        None,
        gt=0,
        le=1e9,
        description="targets this many items before a user's last count half, loss: softmax; "
        "null: all count alike",
    )
    popularity_power: float | None = Field(
        None, ge=0, description="draw negatives by count^this; null: each item alike"
    )
    logq: bool = Field(False, description="correct sampled_softmax for how negatives were drawn")
    gbce_t: float = Field(0.75, ge=0, le=1, description="calibration of the gbce loss")
    score_elu: float | None = Field(
        None,
        gt=0,
        description="scores go through an ELU with this alpha before loss: bpr or bpr_max; null: "
        "as they are",
    )
    bpr_max_regularisation: float = Field(
        1.0, ge=0, description="weight of the negatives' squared scores in the bpr_max loss"
    )
    validate_every: int = Field(20, ge=1, description="epochs from one validation to the next")
    metric: str = Field("ndcg@10", description="what validation picks the best weights by")
    patience: int | None = Field(
        None, ge=1, description="validations without a better one before stopping; null: never"
    )
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = Field(False, description="torch.compile the model")

    @field_validator("betas")
    @classmethod
    def betas_are_rates(cls, betas: tuple[float, float]) -> tuple[float, float]:
        return check_betas(betas)

    @field_validator("metric")
    @classmethod
    def metric_exists(cls, metric: str) -> str:
        name, _, k = metric.partition("@")
        if name not in METRICS or not (k.isascii() and k.isdigit() and 0 < int(k) <= MOST_K):
            raise ValueError(
                f"must be NAME@K with NAME one of {', '.join(METRICS)} and K up to {MOST_K}"
            )
        return metric


class Experiment(ExperimentSettings):
    """An experiment file, complete."""

    model: ModelConfig = Field(default_factory=MODEL.default_settings)
    training: TrainingConfig = TrainingConfig()
    transitions: TransitionsConfig | None = Field(
        None, description="counts of what followed, added to the model's scores; null: none"
    )

    @property
    def shown(self) -> list[str]:
        """The metrics that are shown while it trains."""
        return list(dict.fromkeys([self.training.metric, "ndcg@10", "hr@10"]))
