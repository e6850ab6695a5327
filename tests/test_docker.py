"""The Dockerfile: torch for the CPU, an ordinary user, a command that exists, no secrets."""

import json
import re

from tests.conftest import ROOT
from tests.test_readme import options_of

TEXT = (ROOT / "Dockerfile").read_text()
LINES = [
    line for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")
]


def test_only_instructions_that_are_needed() -> None:
    known = {"FROM", "COPY", "RUN", "WORKDIR", "USER", "ENV", "EXPOSE", "HEALTHCHECK"}
    assert {line.split()[0] for line in LINES} <= known | {"ENTRYPOINT", "CMD"}
    assert re.match(r"FROM \S+:\d", LINES[0]), "a base image with a version"


def test_runs_as_an_ordinary_user() -> None:
    (user,) = [line.split()[1] for line in LINES if line.startswith("USER")]
    assert int(user) > 1000
    after = LINES[next(n for n, line in enumerate(LINES) if line.startswith("USER")) :]
    assert not any(line.startswith(("RUN", "COPY")) for line in after)


def test_torch_is_the_pinned_one_for_the_cpu() -> None:
    assert "download.pytorch.org/whl/cpu" in TEXT
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text(), re.M)
    assert "--constraint" in TEXT


def test_the_command_exists_and_holds_no_token() -> None:
    (command,) = [line for line in LINES if line.startswith("CMD")]
    arguments = json.loads(command.removeprefix("CMD "))
    given = {argument for argument in arguments[1:] if argument.startswith("--")}
    assert given <= options_of(arguments[0])
    assert "token" not in " ".join(line for line in LINES).lower()
    assert "SEQREC_TOKEN" in TEXT
