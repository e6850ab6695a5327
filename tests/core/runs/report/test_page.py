"""The page: complete, by itself, readable without eyes or mouse, and deaf to strangers' texts."""

import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seqrec_cli.core.runs.report.page import check_page_file, package_text, policy, report_page
from seqrec_cli.core.runs.report.study import Example, ExampleItem, HistoryReason, Study
from seqrec_cli.errors import InputError

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }}"


class Outline(HTMLParser):
    """The tags of a page, with their attributes, and the texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(study: Study) -> str:
    return report_page(study)


def test_the_same_study_gives_the_same_page(study: Study, page: str) -> None:
    assert report_page(study) == page


def test_it_loads_nothing(page: str) -> None:
    outline = Outline(page)
    for tag, attributes in outline.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes), attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert len(outline.of("script")) == 1


def test_its_policy_lets_its_own_script_run_and_no_other(page: str) -> None:
    (meta,) = (m for m in Outline(page).of("meta") if m.get("http-equiv"))
    script = page.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in str(meta["content"])
    assert "default-src 'none'" in str(meta["content"])
    assert policy(package_text("page.js")) == meta["content"]


def test_it_is_readable_by_ear_and_keyboard(page: str) -> None:
    outline = Outline(page)
    ids = [a["id"] for _, a in outline.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert outline.of("html") == [{"lang": "en"}]
    for attributes in outline.of("svg"):
        assert attributes["role"] == "img"
        for label in str(attributes["aria-labelledby"]).split():
            assert label in ids
    assert len(outline.of("svg")) >= 8
    assert len(outline.of("caption")) == len(outline.of("table"))
    assert len(outline.of("table")) > len(outline.of("svg"))  # each plot has its numbers
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    for attributes in outline.of("a"):
        assert str(attributes["href"])[1:] in ids
    for attributes in outline.of("th"):
        assert attributes.get("scope") in ("col", "row")


def test_texts_of_strangers_are_texts(study: Study) -> None:
    listed = (ExampleItem(HOSTILE, 1.0, True, (HistoryReason(HOSTILE, 0.5),)),)
    example = Example(HOSTILE, (HOSTILE,), 2, (HOSTILE,), listed)
    page = report_page(replace(study, examples=[example], notes=[HOSTILE]))
    outline = Outline(page)
    assert len(outline.of("script")) == 1
    assert outline.of("img") == []
    assert sum(HOSTILE in text for text in outline.texts) >= 5


def test_the_page_is_what_the_study_says(study: Study, page: str) -> None:
    figure = study.report.figures["one"]["ndcg@10"]
    shown = f"{figure.mean:.4f}", f"[{figure.low:.4f}, {figure.high:.4f}]"
    assert all(text in page for text in shown)
    for example in study.examples:
        assert f"<bdi>{example.user}</bdi>" in page
    assert '<h2 id="examples">' not in report_page(replace(study, examples=[]))


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"does not end in \.html"):
        check_page_file(Path("report.pdf"))
