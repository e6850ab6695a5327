"""The page is one file that loads nothing, and writes titles as text."""

from seqrec_cli.serving.pages import page


def test_the_page_stands_alone() -> None:
    text = page()
    assert "src=" not in text
    assert "href=" not in text
    assert "innerHTML" not in text
    assert "textContent" in text
