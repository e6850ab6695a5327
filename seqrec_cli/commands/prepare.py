"""seqrec prepare."""


def prepare() -> None:
    """To be written."""
