"""seqrec doctor: what is here, and what is wrong with it."""

import json
import sys

import pytest

from tests.workshop import invoke


def test_the_doctor_knows_the_versions_and_finds_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = json.loads(invoke(["doctor", "--json"]).stdout)
    assert told["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["problems"] == []
    monkeypatch.setenv("SEQREC_KERNELS", "slow")
    result = invoke(["doctor"])
    assert result.exit_code == 1
    assert "the environment variable `SEQREC_KERNELS` is `slow`" in result.stderr
    assert "hint: unset SEQREC_KERNELS" in result.stderr
