"""Forged datasets and runs of every kind, and strange texts, by every command that reads them.

`make fuzz` draws others for as long as one likes; these are the same each time.
"""

import random
from collections.abc import Iterator
from contextlib import chdir

import pytest

from tests.fuzz import EXPERIMENTS, Fuzzer, build, kind_of

INPUTS = 2  # of each file


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    folder = tmp_path_factory.mktemp("fuzz")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        build(folder)
        yield Fuzzer(folder, random.Random(0))


def test_every_dataset_and_every_run_is_covered(fuzzer: Fuzzer) -> None:
    kinds = {kind_of(path) for path in fuzzer.targets}
    for name in ("toy", "toyf", "rank", "rankf", "table"):
        assert {f"dataset {name}: npz", f"dataset {name}: json"} <= kinds
    for name in EXPERIMENTS:
        own = {kind for kind in kinds if kind.startswith(f"run {name}: ")}
        assert len(own) >= 6, own


@pytest.mark.parametrize("seed", range(INPUTS))
@pytest.mark.parametrize("place", ["data", "runs", "texts"])
def test_whatever_a_file_has_become_ends_in_success_or_a_message(
    fuzzer: Fuzzer, place: str, seed: int
) -> None:
    fuzzer.chance.seed(f"{place} {seed}")
    for path in fuzzer.targets:
        if (path.parts[0] if path.parts[0] in ("data", "runs") else "texts") == place:
            fuzzer.one(path)
    assert not fuzzer.faults, "\n".join(f"{what}: {of}" for what, of in fuzzer.faults.items())
    assert fuzzer.exits[0]
    assert fuzzer.exits[1]
