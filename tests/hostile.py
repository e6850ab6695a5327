"""What may come of a stranger's file: data, or an error that a user can read; soon, and small."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from seqrec_cli.errors import SeqRecError

SECONDS = 2.0  # of computing: others may be busy on this machine
BYTES = 512 << 20
# How many cases a test makes; `make fuzz-cases` sets more.
CASES = int(os.environ.get("SEQREC_FUZZ", "0"))
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

# fmt: off
NASTY = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n", b"\n\n", b"\t", b" ", b"",
    b",", b"::", b'"', b'""', b"|", b";", b":", b"\\", b"'", b"=", b"\xc3", b"\xed\xa0\x80",
    b"0", b"-0", b"-1", b"+1", b"00", b"1.5", b"1e5", b"1e999", b"-1e400", b"nan", b"NaN", b"inf",
    b"-Infinity", b"2147483647", b"2147483648", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775808", b"99999999999999999999", b"1" * 5000, b"9" * 400, b"1.0000000001",
    b"2024-05-31", b"2024-05-31T12:00:00+23:59", b"0001-01-01T00:00:00+14:00", b"9999-12-31",
    "é日本\u2028\u0085\N{ARABIC-INDIC DIGIT THREE}".encode(), b"a" * 3000, b"[", b"{", b"]", b"}",
    b"[" * 2000, b"null", b"true", b"{}", b"[]", b'"\\ud800"', b"!!python/object", b"&a", b"*a",
    b"<<", b"- ", b"? ", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x93NUMPY", b"|O", b"<U0",
)
# fmt: on


def fuzzed(cases: int) -> Any:
    """The settings of a test that makes so many cases, or more under `make fuzz-cases`."""
    return settings(
        max_examples=CASES or cases,
        deadline=None,
        derandomize=not CASES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """`seed` with up to four things done to it."""
    content = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        end = min(len(content), at + draw(st.sampled_from((0, 1, 1, 2, 4, 8, 40))))
        kind = draw(st.sampled_from(("flip", "nasty", "nasty", "cut", "copy", "end", "bytes")))
        if kind == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "nasty":
            content[at:end] = draw(st.sampled_from(NASTY))
        elif kind == "cut":
            del content[at:end]
        elif kind == "copy":
            content[at:at] = content[at : at + draw(st.integers(0, 200))]
        elif kind == "end":
            del content[at:]
        elif kind == "bytes":
            content[at:end] = draw(st.binary(max_size=8))
    return bytes(content)


def peak() -> int:
    """The most memory that this process has had at a time, in bytes; 0 where nobody tells."""
    if not STATUS.exists():
        return 0
    found = re.search(r"VmHWM:\s+([0-9]+) kB", STATUS.read_text())
    return int(found[1]) << 10 if found else 0


def forget_peak() -> None:
    """Let `peak` begin anew."""
    if CLEAR.exists():
        CLEAR.write_text("5")


def survives(read: Callable[[], Any]) -> Any:
    """What `read` gives, or the SeqRecError it raises; all else fails, as do time and memory."""
    forget_peak()
    before, start = peak(), time.process_time()
    try:
        found = read()
    except SeqRecError as error:
        found = error
    assert time.process_time() - start < SECONDS, time.process_time() - start
    assert peak() - before < BYTES, peak() - before
    if isinstance(found, SeqRecError):
        assert found.message
    return found
