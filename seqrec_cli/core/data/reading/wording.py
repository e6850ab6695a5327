"""Texts from files in messages: short ones."""


def shortened(text: str, most: int = 60) -> str:
    """A text, cut where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
