"""The site is put together of all pages, and builds without a warning."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docsite import site
from tests.conftest import ROOT


def pages_of(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    entries = nav.values() if isinstance(nav, dict) else nav
    return [page for entry in entries for page in pages_of(entry)]  # type: ignore[attr-defined]


def test_every_page_is_in_the_navigation_or_linked(tmp_path: Path) -> None:
    staged = site.stage(tmp_path / "docs")
    texts = {p.relative_to(staged).as_posix(): p.read_text() for p in staged.rglob("*.md")}
    named = pages_of(tomllib.loads(site.CONFIG.read_text())["project"]["nav"])
    assert len(named) == len(set(named))
    assert set(named) <= texts.keys()
    for page in texts.keys() - set(named):
        link = f"({page.rpartition('/')[2]}"
        assert any(link in text for text in texts.values()), f"{page}: add it to zensical.toml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](docs/ranking.md#two)", "[a](ranking.md#two)"),
        ("[a](CONTRIBUTING.md)", "[a](contributing.md)"),
        ("[a](docs/tutorial.ipynb)", "[a](tutorial.md)"),
        ("![a](docs/terminal.svg)", "![a](terminal.svg)"),
        ("[a](https://docs/x.md) [b](#x)", "[a](https://docs/x.md) [b](#x)"),
    ],
)
def test_links_of_the_top_folder_lead_to_pages(text: str, expected: str) -> None:
    assert site.from_top(text) == expected


def test_links_of_docs_lead_to_pages() -> None:
    assert site.from_docs("[a](../SECURITY.md) [b](../README.md)") == (
        "[a](security.md) [b](index.md)"
    )


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text(
        '<a href="../b.txt#x">b</a> <a href=".">a</a> <a href="https://x.y/z">z</a>'
        '<a href="#q">q</a> <img src="no.svg"> <a href="../c/">c</a>'
    )
    (tmp_path / "b.txt").touch()
    assert sorted(site.broken_links(tmp_path)) == [
        ("a/index.html", "../c/"),
        ("a/index.html", "no.svg"),
    ]


@pytest.mark.slow
def test_it_builds_without_a_warning() -> None:
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("zensical is not installed: make docs")
    done = subprocess.run(
        [sys.executable, "-m", "docsite", "site"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = ROOT / "build" / "site"
    assert "seqrec_cli.api.train" in (built / "python" / "index.html").read_text()
    assert "--fail-under" in (built / "commands" / "evaluate" / "index.html").read_text()
