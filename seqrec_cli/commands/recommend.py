"""seqrec recommend."""


def recommend() -> None:
    """To be written."""
