"""The options that a dataset was prepared with, kept in its manifest to prepare the next alike."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

from seqrec_cli import console
from seqrec_cli.errors import DatasetError
from seqrec_cli.wording import as_typed_option

PREPARED_WITH = "prepared_with"
# What belongs to one preparation alone.
OF_ONE = frozenset(
    {"sources", "train", "valid", "test", "like", "name", "force", "dry_run", "data_dir", "as_json"}
    | {"engine", "workers"}  # whoever does it, the dataset is the same
)


def options_to_keep(options: Any) -> dict[str, Any]:
    """The options that differ from their defaults, as plain values by name."""
    kept = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.name not in OF_ONE and value != field.default:
            kept[field.name] = str(value) if isinstance(value, Path) else value
    return kept


def options_alike(options: Any, is_given: Callable[[str], bool]) -> Any:
    """The options with those that the manifest `options.like` keeps, except what is given.

    Raises:
        DatasetError: the manifest cannot be read, or keeps none.
    """
    from seqrec_cli.core.storage import foreign

    path, hints = options.like, get_type_hints(type(options))
    remedy = "prepare it again with its options, and use the manifest that is written then"
    try:
        kept = foreign.read_json(path)[PREPARED_WITH]
        changed = {}
        for name, value in kept.items():
            if name in OF_ONE or name not in hints:
                raise ValueError(f"it has an option `{name}`")
            if not is_given(name):
                is_path = Path in (hints[name], *get_args(hints[name]))
                changed[name] = Path(value) if is_path else value
    except KeyError:
        raise DatasetError(
            f"`{path}` does not say with which options it was prepared", remedy
        ) from None
    except OSError as error:
        manifests = sorted(str(each) for each in path.parent.glob("*.json"))[:5]
        raise DatasetError(
            f"cannot read `{path}`: {error.strerror}",
            f"name the manifest of a dataset: {', '.join(manifests) or 'data/NAME.json'}",
        ) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(f"`{path}` is no manifest of a dataset: {error}", remedy) from error
    shown = " ".join(as_typed_option(name, value) for name, value in changed.items())
    console.info(f"as `{path}` was prepared: {shown or 'without options'}")
    return dataclasses.replace(options, **changed)
