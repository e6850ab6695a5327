"""An experiment: what is trained on which data, and how. Read from YAML with line numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from seqrec_cli.core.experiment.ranking import RankingExperiment, RankingTrainingConfig
from seqrec_cli.core.experiment.sequential import Experiment, TrainingConfig
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.core.models.sequential import encoders
from seqrec_cli.core.models.sequential.encoders import ENCODERS
from seqrec_cli.core.models.sequential.registry import CONFIGS, DEFAULT
from seqrec_cli.core.models.sequential.sasrec import SASRecConfig
from seqrec_cli.core.models.transitions import TransitionsConfig
from seqrec_cli.core.settings.yaml import ROOT, Key, apply_override, nearest, read_text, read_yaml
from seqrec_cli.errors import ConfigError

LARGEST_FILE = 50_000  # letters of an experiment


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
