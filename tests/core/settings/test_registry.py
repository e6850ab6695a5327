"""A registry finds its entries by name, imports them when asked, and suggests the nearest."""

import subprocess
import sys
from collections import OrderedDict
from typing import Any, Literal

import pytest

from seqrec_cli.core.settings.registry import NamedSettings, Registry, check_settings_class
from seqrec_cli.errors import ConfigError

SHAPES: Registry[Any] = Registry(
    "shape", "seqrec.nothing_is_here", {"circle": 1, "square": "collections:OrderedDict"}
)


class Circle(NamedSettings):
    name: Literal["circle"] = "circle"


def test_entries_are_objects_or_where_they_are() -> None:
    assert list(SHAPES) == SHAPES.names() == ["circle", "square"]
    assert SHAPES["circle"] == 1
    assert SHAPES["square"] is OrderedDict
    assert "square" in SHAPES
    assert "triangle" not in SHAPES


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown shape `circel`") as caught:
        SHAPES["circel"]
    assert "`circle`" in caught.value.hint


def test_an_entry_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys\n"
        "from seqrec_cli.core.settings.registry import Registry\n"
        "shapes = Registry('shape', 'seqrec.none', {'wave': 'wave:open'})\n"
        "assert 'wave' in shapes and 'wave' not in sys.modules\n"
        "assert shapes['wave'].__module__ == 'wave' and 'wave' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("circle", Circle, ""),
        ("round", Circle, "is not `round` by default"),
        ("circle", dict, "is not a subclass of NamedSettings"),
        ("circle", None, "is not a subclass of NamedSettings"),
    ],
)
def test_settings_are_of_their_entry(name: str, settings: Any, message: str) -> None:
    entry = type("Entry", (), {"settings_class": settings})
    if not message:
        check_settings_class(name, entry, NamedSettings)
        return
    with pytest.raises(ValueError, match=message):
        check_settings_class(name, entry, NamedSettings)
