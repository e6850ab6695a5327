"""How much memory there is: the least of what machine, container and shell allow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqrec_cli.core.storage import memory


def test_a_container_may_have_less_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP", limit)
    whole = memory.total_memory()
    for text, expected in (("max\n", whole), ("1048576\n", 1 << 20), (f"{whole * 9}\n", whole)):
        limit.write_text(text)
        assert memory.total_memory() == expected


@pytest.mark.skipif(os.name != "posix", reason="`ulimit` is of Unix")
def test_the_shell_may_allow_less() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, -1))\n"
        "from seqrec_cli.core.storage import memory as m\n"
        "assert m.address_space() == 3 << 30 >= m.total_memory()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (3 << 20, "3 MiB"),
        (4 << 30, "4 GiB"),
        (2 << 40, "2 TiB"),
        (5000 << 40, "5,000 TiB"),
    ],
)
def test_bytes_are_told_in_the_largest_unit(size: int, text: str) -> None:
    assert memory.in_words(size) == text


def test_a_share_of_the_cores_ends_with_its_block() -> None:
    whole = memory.available_cores()
    with memory.limited_cores(1):
        assert memory.available_cores() == 1
        with memory.limited_cores(whole + 5):
            assert memory.available_cores() == whole
        assert memory.available_cores() == 1
    assert memory.available_cores() == whole
