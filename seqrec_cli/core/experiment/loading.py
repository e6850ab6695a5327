"""An experiment: what is trained on which data, and how. Read from YAML with line numbers."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.experiment.ranking import RankingExperiment, RankingTrainingConfig
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.core.models.sequential import encoders
from seqrec_cli.core.models.sequential.encoders import ENCODERS
from seqrec_cli.core.models.sequential.registry import CONFIGS, DEFAULT, ModelConfig
from seqrec_cli.core.models.sequential.sasrec import SASRecConfig
from seqrec_cli.core.models.transitions import TransitionsConfig
from seqrec_cli.core.settings.base import ExperimentSettings, Settings, check_betas
from seqrec_cli.errors import ConfigError

Key = tuple[str, ...]
LossName = Literal["bce", "gbce", "sampled_softmax", "softmax", "bpr", "bpr_max"]
ROOT: Key = ()
MOST_K = 10_000  # items in a list
LARGEST_FILE = 50_000  # letters of an experiment


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

    model: ModelConfig = SASRecConfig()
    training: TrainingConfig = TrainingConfig()
    transitions: TransitionsConfig | None = Field(
        None, description="counts of what followed, added to the model's scores; null: none"
    )

    @property
    def shown(self) -> list[str]:
        """The metrics that are shown while it trains."""
        return list(dict.fromkeys([self.training.metric, "ndcg@10", "hr@10"]))


AnyExperiment = Experiment | RankingExperiment


def load_experiment(
    path: Path, overrides: Sequence[str] = (), data: str | None = None
) -> AnyExperiment:
    """Read an experiment file and change single settings by `key=value`, and the dataset's name.

    Which kind of experiment it is follows from its model's name.

    Raises:
        ConfigError: with the file, the line and the nearest key that exists.
    """
    hint = "name an experiment file, such as configs/sasrec.yaml"
    text = read_text(path, f"the experiment `{path}`", hint)
    experiment = parse_experiment(text, str(path), overrides)
    return experiment if data is None else experiment.model_copy(update={"data": data})


def read_text(path: Path, what: str, hint: str) -> str:
    """The text of a file of settings.

    Raises:
        ConfigError: `what` cannot be read, with the `hint`; or it is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {what}: {error.strerror}", hint) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"`{path}` is not UTF-8 text, byte {error.start}", "save it as UTF-8"
        ) from None


def parse_experiment(text: str, source: str, overrides: Sequence[str] = ()) -> AnyExperiment:
    """Make an experiment of YAML `text`; `source` is its name in messages."""
    places: dict[Key, str] = {}
    if len(text) > LARGEST_FILE:
        raise ConfigError(
            f"`{source}` has {len(text):,} letters, more than any experiment has",
            "see configs/sasrec.yaml",
        )
    content = read_yaml(text, source, places)
    if not isinstance(content, dict):
        raise ConfigError(f"`{source}` is not a list of settings", "see configs/sasrec.yaml")
    for override in overrides:
        apply_override(content, override, places)
    check_keys(content, places, source)
    ranks = model_name(content.get("model")) in RANKERS
    try:
        return (RankingExperiment if ranks else Experiment).model_validate(content)
    except ValidationError as error:
        raise explain(error, content, places, source) from None


def read_yaml(text: str, source: str, places: dict[Key, str]) -> Any:
    """Read YAML strictly, noting in `places` where each key stands."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"`{source}`{line}: not YAML: {problem}", "mend that line") from None
    return {} if node is None else build(node, source, ROOT, places, set())


def build(node: yaml.Node, source: str, key: Key, places: dict[Key, str], seen: set[int]) -> Any:
    """Turn a YAML node into plain values, refusing duplicate keys, tags and aliases."""
    line = node.start_mark.line + 1
    if id(node) in seen:  # a few aliases can stand for a billion values
        raise ConfigError(f"`{source}`, line {line}: has an alias", "write out what it stands for")
    seen.add(id(node))
    if len(key) > 8:
        raise ConfigError(f"`{source}`, line {line}: nested too deeply", "see configs/sasrec.yaml")
    if isinstance(node, yaml.SequenceNode):
        children = enumerate(node.value)
        return [build(child, source, (*key, str(i)), places, seen) for i, child in children]
    if not isinstance(node, yaml.MappingNode):
        return scalar(node, source)
    content: dict[str, Any] = {}
    for name_node, child in node.value:
        name = str(name_node.value)
        line = name_node.start_mark.line + 1
        if name in content:
            raise ConfigError(
                f"`{source}`, line {line}: the key `{name}` is there twice", "remove one of them"
            )
        places[(*key, name)] = f"`{source}`, line {line}"
        content[name] = build(child, source, (*key, name), places, seen)
    return content


def scalar(node: yaml.Node, source: str) -> Any:
    """One YAML value; only plain ones (text, numbers, true, false, null)."""
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError):
        value = ...
    if not isinstance(value, str | int | float | bool | None):
        line = node.start_mark.line + 1
        raise ConfigError(
            f"`{source}`, line {line}: `{node.value}` is not a plain value",
            "write text or a number",
        )
    return value


def apply_override(content: dict[str, Any], override: str, places: dict[Key, str]) -> None:
    """Set one `key.key=value`; the value is read as YAML."""
    name, equals, value = override.partition("=")
    if not equals or not name or not value.strip():
        raise ConfigError(f"override `{override}` has no value", "write `--set KEY=VALUE`")
    key = tuple(name.strip().split("."))
    source = f"`--set {override}`"
    part = content
    for step in key[:-1]:
        inner = part.setdefault(step, {})
        if inner is None:
            inner = part[step] = {}
        if not isinstance(inner, dict):
            raise ConfigError(
                f"{source}: `{step}` has no settings inside", "see the experiment file"
            )
        part = inner
    for earlier in [place for place in places if place[: len(key)] == key]:
        del places[earlier]
    part[key[-1]] = read_yaml(value, f"--set {override}", {})
    places[key] = source


def parts_of(content: dict[str, Any]) -> dict[Key, type[BaseModel]]:
    """Which settings class each part of the file is checked against."""
    model = content.get("model")
    if (name := model_name(model)) in RANKERS:
        return {
            ROOT: RankingExperiment,
            ("model",): RANKERS[name],
            ("training",): RankingTrainingConfig,
        }
    parts: dict[Key, type[BaseModel]] = {
        ROOT: Experiment,
        ("model",): CONFIGS.get(model_name(model), SASRecConfig),
        ("training",): TrainingConfig,
        ("transitions",): TransitionsConfig,
    }
    inner = model.get("history") if isinstance(model, dict) else None
    if inner is not None and "history" in parts["model",].model_fields:
        parts["model", "history"] = ENCODERS.get(model_name(inner, encoders.DEFAULT), SASRecConfig)
    return parts


def model_name(settings: Any, default: str = DEFAULT) -> str:
    """The name of the model that settings, as read, are of."""
    return str(settings.get("name", default)) if isinstance(settings, dict) else default


def check_keys(content: dict[str, Any], places: dict[Key, str], source: str) -> None:
    """Refuse a key that no part knows, naming the nearest that one does."""
    parts = parts_of(content)
    model = content.get("model")
    inner = model.get("history") if isinstance(model, dict) else None
    for place, name, known in (
        (("model", "name"), model_name(model), [*CONFIGS, *RANKERS]),
        (("model", "history", "name"), model_name(inner, encoders.DEFAULT), list(ENCODERS)),
    ):
        if name not in known:
            raise ConfigError(
                f"{places.get(place, source)}: unknown model `{name}`", nearest(name, known)
            )
    for key, settings in parts.items():
        part = content
        for step in key:
            part = part.get(step, {})
        if not isinstance(part, dict):
            continue  # pydantic says so, with the place
        for found in part:
            if found not in settings.model_fields:
                known = [
                    ".".join((*inner, field))
                    for inner, fields in parts.items()
                    for field in fields.model_fields
                ]
                wrong = ".".join((*key, found))
                at = places.get((*key, found), f"`{source}`")
                raise ConfigError(f"{at}: unknown setting `{wrong}`", nearest(wrong, known))


def nearest(wrong: str, known: Sequence[str]) -> str:
    """A hint: the nearest known names, or all of them."""
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    if not close:  # the right name in the wrong part, or a part of the name
        tail = wrong.rpartition(".")[2]
        by_tail = {name.rpartition(".")[2]: name for name in known}
        close = [by_tail[m] for m in difflib.get_close_matches(tail, by_tail, n=1, cutoff=0.6)]
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"


def explain(
    error: ValidationError, content: dict[str, Any], places: dict[Key, str], source: str
) -> ConfigError:
    """Say in one sentence what the first thing is that pydantic found wrong, and where."""
    first = error.errors()[0]
    key = tuple(str(step) for step in first["loc"])
    if key[:1] == ("model",):  # pydantic names the members of the unions too
        key = ("model", *(step for step in key[1:] if step not in {*CONFIGS, *RANKERS}))
    place = next(
        (places[key[:n]] for n in range(len(key), 0, -1) if key[:n] in places), f"`{source}`"
    )
    problem = first["msg"].removeprefix("Value error, ")
    problem = problem[0].lower() + problem[1:]
    value = first.get("input")
    shown = "" if isinstance(value, dict | BaseModel) else f", not {value!r}"
    settings = parts_of(content).get(key[:-1])
    field = settings.model_fields.get(key[-1]) if settings and key else None
    hint = f"`{'.'.join(key)}` is: {field.description}" if field and field.description else ""
    return ConfigError(f"{place}: setting `{'.'.join(key)}`: {problem}{shown}", hint)
