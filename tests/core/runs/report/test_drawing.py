"""Plots as SVG: in the page's colors, with ids of their own, harmless whatever the names are."""

import re
from xml.etree import ElementTree

import pytest

from seqrec_cli.core.runs.report.drawing import draw_plot
from seqrec_cli.core.runs.report.plots import Plot, Series

pytest.importorskip("matplotlib")
HOSTILE = '_<script>alert(1)</script> id="a" $x$ #010101 日本'


def plot_of(kind: str, name: str = "p") -> Plot:
    x = (1.0, 2.0, 3.0) if kind != "points" else (1.0,)
    y = (0.1, 0.3, 0.2)[: len(x)]
    series = tuple(Series(label, x, y, y, y, marked=0) for label in (HOSTILE, "b"))
    if kind == "bars":
        series = (Series(HOSTILE, (1.0, 2.0, 4.0), (3.0, 5.0)),)
    rows = ("r1", HOSTILE, "r3") if kind == "intervals" else ()
    return Plot(name, "t", "a", kind, "x", "y", series, rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["line", "bars", "points", "intervals"])
def test_svg_is_an_element_of_a_page(kind: str) -> None:
    svg = draw_plot(plot_of(kind))
    assert svg == draw_plot(plot_of(kind))
    assert svg.startswith("<svg viewBox=")
    assert "<script" not in svg
    root = ElementTree.fromstring(svg)  # well-formed
    texts = ["".join(each.itertext()) for each in root.iter() if each.tag.endswith("text")]
    if kind != "bars":
        assert HOSTILE in texts  # as it is, not changed by what is done to tags
    tags = "".join(re.findall(r"<[^>]+>", svg))
    assert "var(--series-1)" in tags
    assert "#0" not in re.sub(r'"(#p-|url\(#p-)[^"]*"', "", tags)
    ids = re.findall(r' id="([^"]*)"', tags)
    assert len(ids) == len(set(ids))
    assert all(each.startswith("p-") for each in ids)
    for used in re.findall(r'(?:href="#|url\(#)([^")]+)', tags):
        assert used in ids


def test_plots_of_one_page_share_no_ids() -> None:
    found = [set(re.findall(r'<[^>]* id="([^"]*)"', draw_plot(plot_of("line", n)))) for n in "ab"]
    assert not found[0] & found[1]
