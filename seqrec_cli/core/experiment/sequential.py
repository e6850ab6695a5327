"""An experiment whose model predicts the next item."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from seqrec_cli.core.data.negatives import SAMPLERS
from seqrec_cli.core.experiment.budget import Every
from seqrec_cli.core.experiment.metrics import check_metric_at_k
from seqrec_cli.core.losses.interface import LossSettings
from seqrec_cli.core.losses.registry import LOSS, LOSSES
from seqrec_cli.core.models.fitted import JoinedSettings
from seqrec_cli.core.models.linear import LinearConfig
from seqrec_cli.core.models.sequential.registry import MODEL, ModelConfig
from seqrec_cli.core.models.transitions import TransitionsConfig
from seqrec_cli.core.settings.base import ExperimentSettings, Settings, check_betas
from seqrec_cli.core.settings.registry import refused
from seqrec_cli.errors import PluginError

# A file with these keys was written by an older version, which wrote the settings of all losses.
OLD_KEYS = {"optimiser", "table_optimiser", "bpr_max_regularisation"}


def losses_beside(content: Mapping[str, Any]) -> list[type[LossSettings]]:
    """The settings classes of our losses, and last of the one that is named."""
    names = dict.fromkeys([*LOSSES.ours, LOSS.name_in(content.get("loss"))])
    return [LOSSES[name].settings_class for name in names]


def is_of_another_loss(key: str, value: Any, name: str, *, old_file: bool) -> bool:
    """Whether a key belongs to another loss than `name`, and has its default value.

    Raises:
        ValidationError: it belongs to another loss and has another value.
    """
    owners: dict[str, Any] = {}  # the default value, by loss
    for loss in LOSSES.ours:
        settings = LOSSES[loss].settings_class
        if field := settings.model_fields.get(settings.renamed.get(key, key)):
            owners[loss] = field.default
    if key in ("name", *TrainingConfig.model_fields) or not owners:
        return False
    if not old_file and value not in owners.values():
        losses = " and ".join(f"`loss: {loss}`" for loss in owners)
        hint = f"leave it out, or use `loss: {next(iter(owners))}`"
        raise refused(
            key, f"is a setting of {losses}, not of `loss: {name}`", hint, value, ["loss"]
        )
    return True


class TrainingConfig(Settings):
    """The `training` part of an experiment.

    In a file, the settings of the loss stand beside its name: `loss: gbce`, `gbce_t: 0.5`.
    """

    renamed: ClassVar = {"optimiser": "optimizer", "table_optimiser": "table_optimizer"}

    epochs: int = Field(201, ge=1, description="passes over the users")
    max_steps: int | None = Field(
        None, ge=1, description="batches after which to stop, if the epochs last longer; null: none"
    )
    max_minutes: float | None = Field(
        None, gt=0, description="minutes after which to stop, validations included; null: none"
    )
    batch_size: int = Field(128, ge=1, description="users in a batch")
    optimizer: Literal["adam", "adamw", "adagrad"] = Field(
        "adam", description="optimizer of the weights; adagrad is the one of GRU4Rec's authors"
    )
    momentum: float = Field(0.0, ge=0, lt=1, description="momentum, with optimizer: adagrad")
    lr: float = Field(1e-3, gt=0, description="learning rate")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="constant learning rate, or a cosine that ends at 0"
    )
    warmup: int = Field(0, ge=0, description="steps of linear learning rate warm-up")
    betas: tuple[float, float] = Field((0.9, 0.98), description="Adam's decay rates")
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="weight decay, added to the gradients by adam, taken off the weights by adamw",
    )
    table_optimizer: Literal["adam", "adamw", "adagrad"] | None = Field(
        None,
        description="optimizer of the item table; adagrad updates only the rows of a batch; null: "
        "same as optimizer",
    )
    table_lr: float | None = Field(
        None, gt=0, description="learning rate of the item table; null: same as lr"
    )
    l2_emb: float = Field(0.0, ge=0, description="L2 penalty on the item table")
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay of a running mean of the weights, which is what is validated and "
        "saved; 0: none",
    )
    loss: Annotated[SerializeAsAny[LossSettings], LOSS] = Field(
        default_factory=LOSS.default_settings,
        description="loss to minimize; its own settings stand beside it",
    )
    negatives: int = Field(1, ge=1, description="sampled negatives per target")
    negatives_per: Literal["target", "history", "batch"] = Field(
        "target", description="draw negatives for each target, or share them per history or batch"
    )
    in_batch: bool = Field(
        False, description="draw negatives from the batch's targets, with negatives_per: batch"
    )
    sampler: str | None = Field(
        None,
        description="how negatives are drawn: uniform, popularity, or the sampler of an installed "
        "package; null: popularity if popularity_power is set, else uniform",
    )
    popularity_power: float | None = Field(
        None, ge=0, description="sample negatives in proportion to count^power; null: uniformly"
    )
    final: bool = Field(
        False,
        description="fit once more on train + valid what validation has chosen",
    )
    validate_every: Every = Field(
        20, description="epochs between validations, or such as `500 steps` or `10 minutes`"
    )
    validate_users: int | None = Field(
        None,
        ge=1,
        description="users that a validation asks about, a sample that stays the same; all are "
        "asked about at the end; null: always all",
    )
    seen: Literal["exclude", "include", "auto"] = Field(
        "auto",
        description="whether items of a user's history may be recommended; auto: include from a "
        "tenth of repeats in the train part on, else exclude",
    )
    metric: str = Field("ndcg@10", description="validation metric that selects the best weights")
    patience: int | None = Field(
        None,
        ge=1,
        description="validations without improvement before early stopping; null: never stop",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="precision of the forward pass; bfloat16 uses autocast"
    )
    compile: bool = Field(False, description="compile the model with torch.compile")

    @field_validator("betas")
    @classmethod
    def betas_are_rates(cls, betas: tuple[float, float]) -> tuple[float, float]:
        return check_betas(betas)

    @classmethod
    def known_fields(cls, content: Mapping[str, Any]) -> dict[str, FieldInfo]:
        """Settings of this part and of all losses; `arranged` refuses those of another loss."""
        fields = dict(cls.model_fields)
        for loss in losses_beside(content):
            fields |= loss.model_fields
        return {key: field for key, field in fields.items() if key != "name"}

    @classmethod
    def old_keys(cls, content: Mapping[str, Any]) -> dict[str, str]:
        keys = dict(cls.renamed)
        for loss in losses_beside(content):
            keys |= loss.renamed
        return keys

    @classmethod
    def arranged(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Put the settings of the loss, which stand beside its name in a file, into one object."""
        if isinstance(content.get("loss"), LossSettings):
            return super().arranged(content)
        own = LOSS.settings_of(name := LOSS.name_in(content.get("loss")))
        if clash := own.model_fields.keys() & cls.model_fields.keys():
            raise PluginError(
                f"the loss `{name}` has a setting called as one of every training: "
                f"{', '.join(sorted(clash))}",
                "ask its author to rename it",
            )
        of_loss: dict[str, Any] = {"name": name}
        rest: dict[str, Any] = {}
        for key, value in content.items():
            if key != "name" and (key in own.model_fields or key in own.renamed):
                of_loss[key] = value
            elif not is_of_another_loss(key, value, name, old_file=content.keys() >= OLD_KEYS):
                rest[key] = value
        return super().arranged(rest) | {"loss": own.model_validate(of_loss)}

    @model_serializer(mode="wrap")
    def flat(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write the settings of the loss beside its name."""
        content: dict[str, Any] = {}
        for key, value in serialize(self).items():
            content |= {"loss": value.pop("name"), **value} if key == "loss" else {key: value}
        return content

    @field_validator("sampler")
    @classmethod
    def sampler_exists(cls, sampler: str | None) -> str | None:
        if sampler is not None and sampler not in SAMPLERS:
            raise ValueError(f"must be one of {', '.join(SAMPLERS)}, or null")
        return sampler

    @model_validator(mode="after")
    def optimizers_agree(self) -> "TrainingConfig":
        """Refuse a setting of the optimizers that does not go with another setting."""
        if self.momentum and self.optimizer != "adagrad":
            raise refused(
                "momentum",
                "is for `optimizer: adagrad`; Adam has `betas`",
                "leave it out, or use `optimizer: adagrad`",
                self.momentum,
                ["optimizer"],
            )
        if self.weight_decay and self.optimizer == "adagrad":
            raise refused(
                "weight_decay",
                "is for `optimizer: adam` or `adamw`, not for adagrad",
                "leave it out, or use `optimizer: adam`",
                self.weight_decay,
                ["optimizer"],
            )
        samples = LOSSES[self.loss.name].of_scores is not None
        if self.table_optimizer == "adagrad" and (self.l2_emb or self.average or not samples):
            own = "l2_emb" if self.l2_emb else "average" if self.average else "loss"
            whole = f"loss: {self.loss.name}" if own == "loss" else own
            raise refused(
                "table_optimizer",
                f"adagrad updates the rows of a batch, and `{whole}` changes the whole item table "
                "in each step",
                "use `table_optimizer: adam`, or leave that out",
                self.table_optimizer,
                [own],
            )
        return self

    @model_validator(mode="after")
    def negatives_agree(self) -> "TrainingConfig":
        """Refuse a setting of the negatives that does not go with another setting."""
        if self.in_batch and (self.negatives_per != "batch" or self.popularity_power is not None):
            raise refused(
                "in_batch",
                "takes negatives from the targets of the batch, for the whole batch",
                "set `negatives_per: batch`, and leave `popularity_power` out",
                self.in_batch,
                ["negatives_per", "popularity_power"],
            )
        for key in ("sampler", "popularity_power"):
            given = getattr(self, key)
            if given is not None and LOSSES[self.loss.name].of_scores is None:
                raise refused(
                    key,
                    f"is for sampled negatives, and `loss: {self.loss.name}` has none",
                    "leave it out, or use `loss: sampled_softmax`",
                    given,
                    ["loss"],
                )
        if self.popularity_power is not None and self.sampler not in (None, "popularity"):
            raise refused(
                "popularity_power",
                f"is for `sampler: popularity`, not for `sampler: {self.sampler}`",
                "leave one of them out",
                self.popularity_power,
                ["sampler"],
            )
        draws_shared = not self.in_batch and self.sampler in ("uniform", "popularity")
        if self.negatives_per == "batch" and self.sampler is not None and not draws_shared:
            raise refused(
                "sampler",
                "does not draw negatives that a whole batch shares",
                "leave it out, or leave out `negatives_per: batch` and `in_batch`",
                self.sampler,
                ["negatives_per", "in_batch"],
            )
        return self

    @field_validator("metric")
    @classmethod
    def metric_exists(cls, metric: str) -> str:
        return check_metric_at_k(metric)


class Experiment(ExperimentSettings):
    """An experiment file, complete."""

    model: ModelConfig = Field(default_factory=MODEL.default_settings)
    training: TrainingConfig = TrainingConfig()
    transitions: TransitionsConfig | None = Field(
        None, description="item-to-item transition counts added to the model's scores; null: none"
    )
    linear: LinearConfig | None = Field(
        None, description="a linear model whose scores are added to the model's; null: none"
    )

    @property
    def joined(self) -> dict[str, JoinedSettings]:
        """The settings of the fitted models that join the network, by name."""
        parts = {"transitions": self.transitions, "linear": self.linear}
        return {name: settings for name, settings in parts.items() if settings is not None}

    @property
    def needs_features(self) -> bool:
        """Whether the network is made from what the dataset has of items."""
        return self.model.needs_features

    @property
    def reads_time(self) -> bool:
        """Whether anything here reads when interactions were: its figures are a track of their
        own."""
        return any(getattr(settings, "time", False) for settings in self.joined.values())

    @property
    def shown(self) -> list[str]:
        """The metrics to show during training."""
        return list(dict.fromkeys([self.training.metric, "ndcg@10", "hr@10"]))
