"""The engine: opened for named files alone, bounded, and ended by a signal like all else."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.engine import (
    Engine,
    first_sentence,
    name,
    opened_engine,
    quoted,
)
from seqrec_cli.errors import InputError

SECRET = "the-secret"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that may read `own.csv`, beside `other.csv`, which it may not."""
    (tmp_path / "own.csv").write_text("1,2\n")
    (tmp_path / "other.csv").write_text(f"{SECRET},2\n")
    with opened_engine() as engine:
        engine.allow([tmp_path / "own.csv"])
        yield engine


def test_reads_what_was_named(engine: Engine, tmp_path: Path) -> None:
    sql = f"SELECT * FROM read_csv({quoted(str(tmp_path / 'own.csv'))}, header = false)"
    assert engine.rows(sql) == [(1, 2)]
    assert engine.value(f"SELECT count(*) FROM ({sql})") == 1
    assert {key: each.tolist() for key, each in engine.arrays(sql).items()} == {
        "column0": [1],
        "column1": [2],
    }


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{folder}/other.csv')",
        "SELECT * FROM read_csv('{folder}/o*.csv')",
        "SELECT * FROM '{folder}/other.csv'",
        "SELECT * FROM read_csv(['{folder}/own.csv', '{folder}/other.csv'])",
        "SELECT * FROM read_csv('{folder}/own.csv/../other.csv')",
        "SELECT * FROM read_text('{folder}/other.csv')",
        "SELECT * FROM read_blob('{folder}/other.csv')",
        "SELECT * FROM read_json_objects('{folder}/other.csv')",
        "SELECT * FROM read_parquet('{folder}/other.csv')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM sniff_csv('{folder}/other.csv')",
        "COPY (SELECT 1) TO '{folder}/made.csv'",
        "COPY (SELECT 1) TO '{folder}/other.csv'",
        "EXPORT DATABASE '{folder}/made'",
        "ATTACH '{folder}/made.db'",
        "ATTACH '{folder}/other.csv' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/own.csv'",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{folder}/other.csv']",
        "SET memory_limit = '100GB'",
        "SET lock_configuration = false",
        "RESET memory_limit",
        "PRAGMA enable_external_access",
        "SELECT * FROM read_csv('https://example.invalid/other.csv')",
        "CREATE SECRET (TYPE s3)",
    ],
)
def test_opens_and_writes_nothing_else(engine: Engine, tmp_path: Path, sql: str) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found: object = None
    with pytest.raises((duckdb.Error, RuntimeError)):
        found = engine.rows(sql.format(folder=tmp_path))
    assert SECRET not in str(found)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_does_not_tell_the_environment(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQREC_SECRET", SECRET)
    with pytest.raises(duckdb.Error):
        engine.rows("SELECT getenv('SEQREC_SECRET')")


def test_does_not_see_the_variables_of_python(engine: Engine) -> None:
    import numpy as np

    hidden = {"a": np.arange(3)}
    assert len(hidden) == 1
    with pytest.raises(duckdb.Error):
        engine.rows("SELECT * FROM hidden")


def test_times_do_not_depend_on_the_machine(engine: Engine) -> None:
    assert engine.value("SELECT current_setting('TimeZone')") == "UTC"


def test_memory_is_bounded_and_said(tmp_path: Path) -> None:
    query = "SELECT length(string_agg(range::VARCHAR, repeat('x', 99))) FROM range(9999999)"

    def ask() -> None:
        with opened_engine() as engine:
            engine.allow([])
            engine.rows(query)

    with pytest.raises(InputError, match="more memory than it may take"):
        ask()


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_a_literal_and_a_name(text: str) -> None:
    connection = duckdb.connect()
    assert connection.execute(f"SELECT {quoted(text)}").fetchall() == [(text,)]
    if text:
        described = connection.execute(f"SELECT 1 AS {name(text)}").description
        assert [column[0] for column in described] == [text]


def test_an_error_is_told_in_its_first_sentence() -> None:
    assert first_sentence(ValueError("\n  One.\nTwo.")) == "One."
    assert first_sentence(ValueError()) == "ValueError"
    assert len(first_sentence(ValueError("x" * 999))) == 300


WORKS = """
import os, signal, sys, threading
from seqrec_cli import interrupts
with interrupts.handled():
    from seqrec_cli.core.data.reading.engine import opened_engine
    with opened_engine() as engine:
        engine.allow([])
        number = getattr(signal, sys.argv[1])
        threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
        engine.rows("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_ends_a_long_query(number: signal.Signals, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WORKS, number.name],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert (result.returncode, result.stderr) == (128 + number, "stopped\n")
    assert list(tmp_path.iterdir()) == []


def test_as_a_library_a_signal_is_what_python_makes_of_it() -> None:
    # A shell has its jobs in the background ignore SIGINT, and the tests may be one.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += WORKS.replace("with interrupts.handled():", "if True:")
    result = subprocess.run(
        [sys.executable, "-c", code, "SIGINT"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in result.stderr


def test_a_query_that_nobody_waits_for_is_ended_when_the_engine_is_closed() -> None:
    """A signal may come while a query is handed over, before there is anything to wait for."""
    with opened_engine() as engine:
        engine.allow([])
        query = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"
        left = engine._worker.submit(lambda: engine.connection.execute(query))
        time.sleep(0.2)
        assert not left.done()
    assert left.done()


def test_the_private_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with opened_engine() as engine:
        engine.allow([])
        engine.run("CREATE TABLE a AS SELECT range FROM range(10)")
        assert list(tmp_path.iterdir()) == [engine.folder.path]
    assert list(tmp_path.iterdir()) == []
