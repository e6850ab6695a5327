"""seqrec report: a page that opens in a browser, is clicked and read."""

import sys
from pathlib import Path

import pytest

from tests.browser import Browser, chromium
from tests.shop import said


def test_writes_a_page(shop: Path) -> None:
    assert "done: one in `r.html`" in said("report", "one", "--output", "r.html")
    text = Path("r.html").read_text()
    assert text.startswith("<!doctype html>")
    assert "SASRec" in text or "sasrec" in text
    said("report", "one", "--output", "again.html")
    assert Path("again.html").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "there is no run `runs/nope`"),
        (["one", "latest"], "a run is named twice"),
        (["one", "--output", "r.pdf"], "does not end in .html"),
        (["one", "--k", "ten"], "`--k ten` is not a list of lengths"),
    ],
)
def test_says_what_is_wrong(shop: Path, arguments: list[str], message: str) -> None:
    assert message in said("report", *arguments, code=1)
    assert not list(Path().glob("*.html"))


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_names_what_is_missing(shop: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert "hint: pip install" in said("report", "one", code=1)
    assert not Path("report.html").exists()


def test_a_ranking_run_is_told(shop: Path) -> None:
    said("prepare", "shop.csv", "--task", "ranking", "--name", "rows", "--negatives", "4")
    Path("rank.yaml").write_text("data: rows\nmodel: {name: logistic}\ntraining: {epochs: 1}\n")
    said("train", "--config", "rank.yaml", "--run", "rank", "--device", "cpu")
    assert "`seqrec evaluate runs/rank`" in said("report", "rank", code=1)


@pytest.mark.slow
@pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium")
def test_the_page_opens_in_a_browser(shop: Path, tmp_path: Path) -> None:
    said("report", "one", "--output", "r.html")
    with Browser(tmp_path / "profile") as browser:
        browser.prefer("light")
        browser.open(Path("r.html"))
        assert browser.value("document.title").startswith("one on shop")
        assert browser.value("document.querySelectorAll('svg').length") >= 8
        # Nothing is wider than the page, on a telephone neither.
        for width in (390, 1200):
            browser.resize(width)
            assert browser.value("document.documentElement.scrollWidth") == width
        first = "document.querySelector('#results ~ .scroll tbody tr th').textContent"
        heads = "[...document.querySelectorAll('#results ~ .scroll thead th')]"
        metric = browser.value(f"{heads}.findIndex(h => h.textContent.startsWith('mrr@')) + 1")
        head = f"#results ~ .scroll thead th:nth-child({metric})"
        column = (
            f"[...document.querySelectorAll('#results ~ .scroll tbody td:nth-child({metric})')]"
            ".map(cell => parseFloat(cell.textContent))"
        )
        for order in (True, False):
            browser.click(f"{head} button")
            values = browser.value(column)
            assert values == sorted(values, reverse=order)
        assert browser.value(first)
        browser.click("figure details summary")
        assert browser.value("document.querySelector('figure details').open")
        # The keyboard comes by the heads of columns and opens what is closed.
        browser.value("document.querySelector('#results ~ details summary').focus()")
        browser.press("Enter")
        assert browser.value("document.querySelector('#results ~ details').open")
        browser.press("Tab")
        assert browser.value("document.activeElement.closest('#results ~ details') !== null")
        light = browser.value("getComputedStyle(document.body).backgroundColor")
        ink = "getComputedStyle(document.querySelector('svg text')).fill"
        light_ink = browser.value(ink)
        browser.prefer("dark")
        assert browser.value("getComputedStyle(document.body).backgroundColor") != light
        assert browser.value(ink) != light_ink
        browser.picture(tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size > 10_000
        assert browser.problems == []
        assert [url.partition(":")[0] for url in browser.requests] == ["file"]
