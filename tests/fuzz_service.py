"""make fuzz-service: malformed requests, drawn from the service's own OpenAPI by Schemathesis.

`python -m tests.fuzz_service [REQUESTS] [SEED]` serves a small run in a process of its own and asks
it so many times, against each operation in turn. A request that is against the description must be
refused with 4xx and a sentence; none may get 5xx, and an answer must be as it is described.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import chdir
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from schemathesis.generation import GenerationMode

from tests import shop
from tests.conftest import ROOT

REQUESTS = 10_000
# For each malformed one some that are not: what is answered must be as it is described.
SHARE_RIGHT = 0.1
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
    right = case.method == "GET" and is_right_query(str(answer.request.url))
    if malformed and not right and not 400 <= status < 500:
        return f"{status} for what the description forbids"
    if 400 <= status < 500 and "error" not in answer.json():
        return f"{status} without a sentence"
    try:
        case.validate_response(answer, checks=[schemathesis.checks.CHECKS.get_one(CONFORMS)])
    except schemathesis.errors.SchemathesisError as error:
        return str(error)[:300]
    return ""


def is_right_query(address: str) -> bool:
    """Whether the parameters of /items are right as they stand in an address, where the text `30`
    that was drawn in place of a number is that number."""
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    given = {"most": "10"} | dict(pairs)
    return (
        len(pairs) == len({name for name, _ in pairs})
        and set(given) == {"query", "most"}
        and 1 <= len(given["query"]) <= 200
        and re.fullmatch("[1-9]|[1-4][0-9]|50", given["most"]) is not None
    )


CONFORMS = "response_schema_conformance"


def fuzz(address: str, requests: int, number: int) -> tuple[Counter[int], dict[str, str]]:
    """Ask each operation in turn; returns how often each status came, and the faults."""
    statuses: Counter[int] = Counter()
    faults: dict[str, str] = {}
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", timeout=PATIENCE)
    operations = [each.ok() for each in schema.get_all_operations()]
    asked = [each for each in operations if each.body or each.query]
    for malformed, share in ((True, 1 - SHARE_RIGHT), (False, SHARE_RIGHT)):
        mode = GenerationMode.NEGATIVE if malformed else GenerationMode.POSITIVE
        count = max(1, round(requests * share / len(asked)))
        for operation in asked:
            for case in drawn(operation.as_strategy(generation_mode=mode), count, number):
                answer = case.call(timeout=PATIENCE)
                statuses[answer.status_code] += 1
                if problem := problem_of(case, answer, malformed):
                    faults.setdefault(
                        f"{case.method} {case.path}: {problem}", case.as_curl_command()
                    )
    return statuses, faults


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
    out = Console()
    with tempfile.TemporaryDirectory() as name, chdir(name):
        process, address = started(Path(name))
        try:
            statuses, faults = fuzz(address, requests, number)
        finally:
            if process.poll() is not None and process.stderr is not None:
                out.print(f"the service ended: {process.returncode} {process.stderr.read()}")
            process.kill()
            process.wait()
    for fault, command in faults.items():
        out.print(f"{fault}\n    {command[:500]}", markup=False)
    counts = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    out.print(f"{statuses.total():,} requests ({counts}), {len(faults)} kinds of faults")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
