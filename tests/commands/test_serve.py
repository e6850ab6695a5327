"""seqrec serve in a process of its own: answers, takes up newer weights, drains at SIGTERM."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.commands import serve
from seqrec_cli.errors import InputError, MissingExtra
from tests.browser import Browser, chromium
from tests.shop import said

pytest.importorskip("fastapi")


def ask(address: str, path: str, body: Any) -> Any:
    headers = {"Authorization": "Bearer sesame", "Content-Type": "application/json"}
    request = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@contextlib.contextmanager
def served(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A service of the run `one`: its address and its process."""
    command = [sys.executable, "-m", "seqrec_cli", "serve", "one", "--port", "0"]
    command += [*options, "--device", "cpu"]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        line = ""
        while not (address := re.search(r"http://127\.0\.0\.1:\d+", line)):
            line = process.stderr.readline()
            assert line, "it ended"
        yield address[0], process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.slow
def test_answers_until_it_is_told_to_stop(shop: Path) -> None:
    (shop / "token").write_text("sesame\n")
    with served("--token-file", "token") as (address, process):
        assert process.stderr is not None
        answers: list[Any] = []

        def load() -> None:
            answers.extend(ask(address, "/recommend", {"user": "u1"}) for _ in range(20))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 80
        first = answers[0]["lists"][0]["items"]
        for answer in answers:  # what is scored beside it changes how sums are rounded
            items = answer["lists"][0]["items"]
            assert [each["item"] for each in items] == [each["item"] for each in first]
            scores = [each["score"] for each in items]
            assert scores == pytest.approx([each["score"] for each in first], rel=1e-4)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        assert "what was begun was answered" in process.stderr.read()


def counted(address: str) -> float:
    """The answered requests for lists, as any of the processes tells them."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found = re.search(r'seqrec_requests_total{path="/recommend",status="200"} (\S+)', text)
    return float(found[1]) if found else 0.0


def answering(parent: int) -> list[int]:
    """The processes that a service started to answer."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line, status = (path / "cmdline").read_text(), (path / "stat").read_text()
            if int(status.rpartition(")")[2].split()[1]) == parent and "spawn_main" in line:
                found.append(int(path.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
def test_several_processes_answer_as_one(shop: Path) -> None:
    with served("--workers", "2") as (address, process):
        assert process.stderr is not None
        lists = [ask(address, "/recommend", {"user": "u1"})["lists"] for _ in range(24)]
        assert all(each == lists[0] for each in lists)
        assert counted(address) == 24
        first, second = answering(process.pid)
        os.kill(first, signal.SIGKILL)
        while f"[{first}] died" not in (line := process.stderr.readline()):
            assert line, "it ended"
        assert ask(address, "/recommend", {"user": "u1"})["lists"] == lists[0]
        assert counted(address) == 25  # what the dead one counted stays
        assert second in answering(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        assert "what was begun was answered" in process.stderr.read()


@pytest.mark.slow
@pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium")
def test_the_page_recommends_in_a_browser(shop: Path, tmp_path: Path) -> None:
    with served() as (address, _), Browser(tmp_path / "profile") as browser:
        browser.open(f"{address}/")
        browser.wait_for("document.getElementById('run').textContent.startsWith('one: ')")
        rows = "document.querySelectorAll('#list tr').length"
        assert browser.value("document.querySelector('table').hidden")
        asked = ask(address, "/recommend", {"history": ["item 04"], "why": True})["lists"][0][
            "items"
        ]
        browser.click("#text")
        browser.type("item 04")
        browser.press("Enter")
        assert browser.wait_for(rows) == len(asked)
        column = "[...document.querySelectorAll('#list td:nth-child({})')].map(c => c.textContent)"
        titles = browser.value(column.format(2))
        assert [str(each["item"]) in title for each, title in zip(asked, titles, strict=True)]
        scores = [float(text) for text in browser.value(column.format(3))]
        assert scores == pytest.approx([each["score"] for each in asked], abs=6e-4)
        assert all(browser.value(column.format(4)))
        browser.picture(tmp_path / "page.png")
        browser.click("#history button")
        browser.wait_for(f"{rows} === 0")
        browser.click("#text")
        browser.type("no such item")
        browser.press("Enter")
        browser.wait_for("document.getElementById('problem').textContent.includes('catalogue')")
        assert {url.rsplit("/", 1)[0] for url in browser.requests} == {address}


def test_the_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(serve.TOKEN, raising=False)
    assert serve.read_token(None) is None
    monkeypatch.setenv(serve.TOKEN, "from-there")
    assert serve.read_token(None) == "from-there"
    (tmp_path / "token").write_text("  word \n")
    assert serve.read_token(tmp_path / "token") == "word"
    for text in ("", "two words", "ü"):
        (tmp_path / "token").write_text(text)
        with pytest.raises(InputError, match="holds no token"):
            serve.read_token(tmp_path / "token")
    with pytest.raises(InputError, match="cannot read"):
        serve.read_token(tmp_path / "gone")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="fastapi"):
        serve.check_packages()


def test_a_run_that_is_not_there_is_a_sentence(shop: Path) -> None:
    assert "there is no run" in said("serve", "nothing", code=1)
