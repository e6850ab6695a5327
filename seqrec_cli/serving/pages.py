"""The page to try a run: one file, which loads nothing from elsewhere."""

from importlib import resources

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page() -> str:
    """The page."""
    return resources.files("seqrec_cli.serving").joinpath("page.html").read_text("utf-8")
