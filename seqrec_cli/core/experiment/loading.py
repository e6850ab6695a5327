"""An experiment: what is trained on which data, and how. Read from YAML with line numbers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.experiment.synonyms import SYNONYMS
from seqrec_cli.core.models.fitted import FITTED
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.core.models.sequential.registry import MODEL, MODELS
from seqrec_cli.core.settings.base import Settings, settings_in
from seqrec_cli.core.settings.registry import choice_of
from seqrec_cli.core.settings.yaml import (
    ROOT,
    Key,
    apply_override,
    meant,
    nearest,
    read_settings_text,
    read_yaml,
)
from seqrec_cli.errors import ConfigError

LARGEST_FILE = 50_000  # characters in an experiment file


NextItemExperiment = Experiment | FittedExperiment
AnyExperiment = NextItemExperiment | RankingExperiment


def load_experiment(
    path: Path, overrides: Sequence[str] = (), data: str | None = None
) -> AnyExperiment:
    """Read an experiment file and change single settings by `key=value`, and the dataset's name.

    Which kind of experiment it is follows from its model's name.

    Raises:
        ConfigError: with the file, the line and the nearest key that exists.
    """
    hint = "name one of `seqrec configs`, or a YAML file"
    text = read_settings_text(path, f"the experiment `{path}`", hint)
    experiment = parse_experiment(text, str(path), overrides)
    return experiment if data is None else experiment.model_copy(update={"data": data})


def parse_experiment(text: str, source: str, overrides: Sequence[str] = ()) -> AnyExperiment:
    """Make an experiment of YAML `text`; `source` is its name in messages."""
    places: dict[Key, str] = {}
    if len(text) > LARGEST_FILE:
        raise ConfigError(
            f"`{source}` has {len(text):,} characters, more than any experiment has",
            "see `seqrec configs sasrec`",
        )
    content = read_yaml(text, source, places)
    if not isinstance(content, dict):
        raise ConfigError(f"`{source}` is not a list of settings", "see `seqrec configs sasrec`")
    overridden = [apply_override(content, override, places) for override in overrides]
    kind = experiment_class(content, places, source)
    respell(kind, content, places, source, overridden)
    check_keys(kind, content, places, source)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise explain(error, kind, content, places, source, overridden) from None


def experiment_class(
    content: dict[str, Any], places: dict[Key, str], source: str
) -> type[AnyExperiment]:
    """The class of the experiment, which follows from the name of its model.

    Raises:
        ConfigError: there is no model of that name.
    """
    name = MODEL.name_in(content.get("model"))
    if name in MODELS:
        return Experiment
    if name in RANKERS:
        return RankingExperiment
    if name in FITTED:
        return FittedExperiment
    place = places.get(("model", "name"), f"`{source}`")
    raise ConfigError(
        f"{place}: unknown model `{name}`", nearest(name, [*MODELS, *FITTED, *RANKERS])
    )


def settings_parts(
    settings: type[Settings], content: Any, places: dict[Key, str], source: str, key: Key = ROOT
) -> Iterator[tuple[Key, type[Settings], dict[str, Any]]]:
    """Each part of a file: its key, its settings class and its content, as read.

    Raises:
        ConfigError: a part has the name of an entry that its registry does not have.
    """
    content = content if isinstance(content, dict) else {}  # pydantic refuses what is no dict
    inside: dict[str, type[Settings]] = {}
    for name, field in settings.model_fields.items():
        if choice := choice_of(field):
            chosen = choice.name_in(content.get(name))
            if chosen not in choice.registry:
                at = (*key, name) if choice.flat else (*key, name, "name")
                raise ConfigError(
                    f"{places.get(at, f'`{source}`')}: unknown {choice.registry.kind} `{chosen}`",
                    nearest(chosen, choice.registry.names()),
                )
            if not choice.flat:
                inside[name] = choice.settings_of(chosen)
        elif part := settings_in(field):
            inside[name] = part
    yield key, settings, content
    for name, part in inside.items():
        yield from settings_parts(part, content.get(name), places, source, (*key, name))


def check_keys(
    kind: type[Settings], content: dict[str, Any], places: dict[Key, str], source: str
) -> None:
    """Refuse a key that no part knows, naming the nearest that one does."""
    parts = list(settings_parts(kind, content, places, source))
    for key, settings, part in parts:
        fields = settings.known_fields(part)
        for found in part:
            if found not in fields and found not in settings.old_keys(part):
                wrong = ".".join((*key, found))
                at = places.get((*key, found), f"`{source}`")
                raise ConfigError(f"{at}: unknown setting `{wrong}`", hint_for(wrong, parts, kind))


def hint_for(
    wrong: str, parts: Sequence[tuple[Key, type[Settings], dict[str, Any]]], kind: type[Settings]
) -> str:
    """What to type in place of an unknown setting."""
    known = names_in(parts)
    if kind is FittedExperiment and not meant(wrong, known, SYNONYMS):
        of_networks = names_in(list(settings_parts(Experiment, {}, {}, "")))
        if named := meant(wrong, of_networks, SYNONYMS):
            return (
                f"`{named[0]}` is a setting of networks, and this model is fitted in closed form: "
                "name a network, as in `--config seqrec-small`"
            )
    return nearest(wrong, known, SYNONYMS)


def names_in(parts: Sequence[tuple[Key, type[Settings], dict[str, Any]]]) -> list[str]:
    """The names of all settings of these parts."""
    return [
        ".".join((*key, field))
        for key, settings, content in parts
        for field in settings.known_fields(content)
    ]


def respell(
    kind: type[Settings],
    content: dict[str, Any],
    places: dict[Key, str],
    source: str,
    overridden: Sequence[Key],
) -> None:
    """Find the place of old keys under the new ones too; of both, the latest override counts."""
    order = {key: number for number, key in enumerate(overridden, 1)}
    for key, settings, part in settings_parts(kind, content, places, source):
        for old, new in settings.old_keys(part).items():
            keys = [(*key, name) for name in (old, new) if name in part]
            if len(keys) == 2 and any(key in order for key in keys):
                earlier = min(keys, key=lambda key: order.get(key, 0))
                del part[earlier[-1]]
            if old in part and (*key, old) in places:
                places.setdefault((*key, new), places[*key, old])


def explain(
    error: ValidationError,
    kind: type[Settings],
    content: dict[str, Any],
    places: dict[Key, str],
    source: str,
    overridden: Sequence[Key] = (),
) -> ConfigError:
    """Say in one sentence what the first thing is that pydantic found wrong, and where.

    Of two settings that do not go together, an override is to blame and not the file: the last one
    of these settings, or else the last one in that part.
    """
    first = error.errors()[0]
    key = tuple(str(step) for step in first["loc"])
    place = next(
        (places[key[:n]] for n in range(len(key), 0, -1) if key[:n] in places), f"`{source}`"
    )
    problem = in_our_words(first)
    if key not in overridden:
        part = key[:-1] if first["type"] == "combination" else key
        blamed = [o for o in overridden if o[: len(part)] == part and o in places]
        others = {(*part, other) for other in first.get("ctx", {}).get("others", ())}
        named = [o for o in blamed if any(o[: len(other)] == other for other in others)]
        place = places[(named or blamed)[-1]] if blamed else place
    hint = first.get("ctx", {}).get("hint", "")
    for part, settings, inside in settings_parts(kind, content, places, source):
        field = settings.known_fields(inside).get(key[-1]) if key[:-1] == part and key else None
        if field is not None and field.description and not hint:
            hint = f"`{'.'.join(key)}` is: {field.description}"
    return ConfigError(f"{place}: setting `{'.'.join(key)}`: {problem}", hint)


# What pydantic finds wrong, by the name of its error; {value} and what the error knows are put in.
WORDS = {
    "int_parsing": "{value} is not a whole number",
    "int_type": "{value} is not a whole number",
    "int_from_float": "{value} is not a whole number",
    "float_parsing": "{value} is not a number",
    "float_type": "{value} is not a number",
    "finite_number": "{value} is not a finite number",
    "bool_parsing": "{value} is neither true nor false",
    "bool_type": "{value} is neither true nor false",
    "string_type": "{value} is not a text",
    "literal_error": "{value} is not one of {expected}",
    "greater_than": "{value} is too small: it must be greater than {gt}",
    "greater_than_equal": "{value} is too small: it must be {ge} or more",
    "less_than": "{value} is too large: it must be less than {lt}",
    "less_than_equal": "{value} is too large: it must be {le} or less",
    "tuple_type": "{value} is not a list",
    "list_type": "{value} is not a list",
    "model_type": "{value} is not a part with settings of its own",
    "model_attributes_type": "{value} is not a part with settings of its own",
    "missing": "it is missing",
}


def in_our_words(error: Any) -> str:
    """What is wrong with a value, of an error of pydantic."""
    value = error.get("input")
    shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else value
    if error["type"] in WORDS:
        known = error.get("ctx", {}).items()
        facts = {name: f"{x:g}" if isinstance(x, float) else str(x) for name, x in known}
        facts["expected"] = facts.get("expected", "").replace("'", "`")
        return WORDS[error["type"]].format(value=f"`{shown}`", **facts)
    problem = error["msg"].removeprefix("Value error, ")
    problem = problem[0].lower() + problem[1:]
    quoted = not isinstance(value, dict | BaseModel) and error["type"] != "combination"
    return f"{problem}, not {value!r}" if quoted else problem
