"""make fuzz-service: malformed requests, by the service's own OpenAPI.

`python -m tests.fuzz_service [REQUESTS] [SEED]` serves a small run in a process of its own and asks
it so many times. A tenth is drawn from the description by Schemathesis, against each operation in
turn, which takes most of the time; the others are right requests that are bent at random
(tests/bent.py). A request that is against the description must be refused with 4xx and a sentence;
none may get 5xx, and an answer must be as it is described.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import chdir
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from schemathesis.generation import GenerationMode

from tests import shop
from tests.bent import JSON, Bender, Bent, is_right_query
from tests.conftest import ROOT

REQUESTS = 10_000
# For each malformed one some that are not: what is answered must be as it is described.
SHARE_RIGHT = 0.1
SHARE_DRAWN = 0.1  # by Schemathesis
PATIENCE = 600  # seconds for an answer: a busy machine is no fault of the service


def started(folder: Path) -> "tuple[subprocess.Popen[str], str]":
    """A service of the shop's run, and its address."""
    shop.build(folder)
    command = [sys.executable, "-m", "seqrec_cli", "serve", "one", "--port", "0"]
    command += ["--timeout", str(PATIENCE)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    process = subprocess.Popen(
        [*command, "--device", "cpu"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stderr is not None
    while line := process.stderr.readline():
        if address := re.search(r"http://127\.0\.0\.1:\d+", line):
            return process, address[0]
    raise RuntimeError("the service did not begin")


def problem_of(case: Any, answer: Any, malformed: bool) -> str:
    """What is wrong with an answer; "" if nothing is."""
    status = answer.status_code
    if status >= 500:
        return f"{status} {answer.text[:200]}"
    right = case.method == "GET" and is_right_query(urlsplit(str(answer.request.url)).query)
    if malformed and not right and not 400 <= status < 500:
        return f"{status} for what the description forbids"
    if 400 <= status < 500 and "error" not in answer.json():
        return f"{status} without a sentence"
    try:
        case.validate_response(answer, checks=[schemathesis.checks.CHECKS.get_one(CONFORMS)])
    except schemathesis.errors.SchemathesisError as error:
        return str(error)[:300]
    return ""


CONFORMS = "response_schema_conformance"


class Outcome:
    """How often each status came, and the faults, each with a request that shows it."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.malformed = 0
        self.faults: dict[str, str] = {}

    def add(self, status: int, malformed: bool, problem: str, request: str) -> None:
        """Count an answer."""
        self.statuses[status] += 1
        self.malformed += malformed
        if problem:
            self.faults.setdefault(problem, request)

    def in_words(self) -> str:
        """Counts and faults."""
        counts = ", ".join(f"{status}: {n:,}" for status, n in sorted(self.statuses.items()))
        return f"{self.malformed:,} malformed; {counts}; {len(self.faults)} kinds of faults"


def ask_drawn(address: str, requests: int, number: int, outcome: Outcome) -> dict[str, Any]:
    """Ask each operation in turn what Schemathesis draws; returns the description."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", timeout=PATIENCE)
    operations = [each.ok() for each in schema.get_all_operations()]
    asked = [each for each in operations if each.body or each.query]
    for malformed, share in ((True, 1 - SHARE_RIGHT), (False, SHARE_RIGHT)):
        mode = GenerationMode.NEGATIVE if malformed else GenerationMode.POSITIVE
        count = max(1, round(requests * share / len(asked)))
        for operation in asked:
            for case in drawn(operation.as_strategy(generation_mode=mode), count, number):
                answer = case.call(timeout=PATIENCE)
                problem = problem_of(case, answer, malformed)
                where = f"{case.method} {case.path}: {problem}" if problem else ""
                outcome.add(answer.status_code, malformed, where, case.as_curl_command())
    return dict(schema.raw_schema)


def ask_bent(
    address: str, description: dict[str, Any], requests: int, number: int, outcome: Outcome
) -> None:
    """Ask what is bent at random, over one connection."""
    bender, place = Bender(description, number), urlsplit(address)
    connection = HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
    schemas = {
        (method.upper(), path): jsonschema_rs.validator_for(
            {
                **operation["responses"]["200"]["content"][JSON]["schema"],
                "components": description["components"],
            }
        )
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if JSON in operation["responses"]["200"].get("content", {})
    }
    for _ in range(requests):
        bent = bender.request()
        headers = {"Content-Type": bent.kind} if bent.kind else {}
        connection.request(bent.method, bent.address, bent.body, headers)
        answer = connection.getresponse()
        problem = problem_of_bent(bent, answer.status, answer.read(), schemas)
        outcome.add(answer.status, bool(bent.malformed), problem, bent.in_words())


def problem_of_bent(bent: Bent, status: int, content: bytes, schemas: dict[Any, Any]) -> str:
    """What is wrong with an answer; "" if nothing is."""
    place = f"{bent.method} {urlsplit(bent.address).path}"
    if status >= 500:
        return f"{place}: {status} {content[:200]!r}"
    if not 200 <= status < 300 and not 400 <= status < 500:
        return f"{place}: {status}"
    if status < 300 and bent.malformed:
        return f"{place}: {status} for what the description forbids"
    if bent.method == "TRACE" or bent.method == "HEAD":
        return ""
    answer = json.loads(content)
    if status >= 400:
        return "" if "error" in answer else f"{place}: {status} without a sentence"
    check = schemas[bent.method, urlsplit(bent.address).path]
    return "" if check.is_valid(answer) else f"{place}: an answer that is not as described"


def drawn(cases: Any, count: int, number: int) -> list[Any]:
    """So many cases of a strategy."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def keep(case: Any) -> None:
        found.append(case)

    keep()
    return found


def main() -> int:
    """Fuzz, print what came, and fail if there was a fault."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    out, outcome = Console(width=200), Outcome()
    with tempfile.TemporaryDirectory() as name, chdir(name):
        process, address = started(Path(name))
        try:
            few = max(1, round(requests * SHARE_DRAWN))
            description = ask_drawn(address, few, number, outcome)
            out.print(f"{outcome.statuses.total():,} drawn by Schemathesis: {outcome.in_words()}")
            left = max(0, requests - outcome.statuses.total())
            ask_bent(address, description, left, number, outcome)
        finally:
            if process.poll() is not None and process.stderr is not None:
                out.print(f"the service ended: {process.returncode} {process.stderr.read()}")
            process.kill()
            process.wait()
    for fault, command in outcome.faults.items():
        out.print(f"{fault}\n    {command[:500]}", markup=False)
    out.print(f"{outcome.statuses.total():,} requests: {outcome.in_words()}")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
