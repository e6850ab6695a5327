"""A format version is read first, and a newer one is said to be newer."""

from typing import Any

import pytest

from seqrec_cli.core.storage.versions import check_version
from seqrec_cli.errors import RunError


@pytest.mark.parametrize(("content", "version"), [({}, 1), ({"manifest_version": 2}, 2)])
def test_known_versions_pass(content: dict[str, Any], version: int) -> None:
    assert check_version(content, 2, "`x`", RunError) == version


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"v": 3, "by": "1.2.3"}, "`x` was made by seqrec 1.2.3: its format has version 3, and"),
        ({"v": 3}, "`x` was made by a newer seqrec"),
        ({"v": 3, "by": 7}, "`x` was made by a newer seqrec"),
    ],
)
def test_a_newer_version_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(RunError) as caught:
        check_version(content, 2, "`x`", RunError, key="v", made_by="by")
    assert message in caught.value.message
    assert "update" in caught.value.hint


@pytest.mark.parametrize("version", [0, -1, True, 1.0, "2", None, [1]])
def test_what_is_no_version_is_refused(version: Any) -> None:
    with pytest.raises(RunError, match="has the invalid format version"):
        check_version({"manifest_version": version}, 2, "`x`", RunError)
