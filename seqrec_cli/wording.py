"""Numbers of things, quantities and commands in words, for all messages."""

import shlex


def counted(number: int, noun: str) -> str:
    """A number of things: "1 user", "2,000 users"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def verb(number: int, one: str, many: str) -> str:
    """The form of a verb that goes with a number of things."""
    return one if number == 1 else many


MEANS_MORE = frozenset('"$`\\!')  # between double quotes


def typed(*words: object) -> str:
    """A command as it can be pasted into a shell: what has spaces is quoted, with double quotes
    where it has single ones, if nothing in it means more between those."""
    return " ".join(
        f'"{word}"' if "'" in word and not set(word) & MEANS_MORE else shlex.quote(word)
        for word in map(str, words)
    )


def as_typed_option(name: str, value: object) -> str:
    """An option, by the name of its field, as it can be pasted into a shell."""
    spelled = f"--{name.strip('_').replace('_', '-')}"
    if value is True:
        return spelled
    values = value if isinstance(value, list) else [value]
    return " ".join(typed(spelled, each) for each in values)


def size(number: int) -> str:
    """A number of bytes in the largest unit that gives at least 1."""
    value, units = float(number), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


SPANS = ((86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"))


def duration(seconds: float) -> str:
    """A length of time in the largest unit that gives at least 1: "46 s", "1.4 days"."""
    for length, noun in SPANS:
        if abs(seconds) >= length:
            number = f"{seconds / length:,.1f}".removesuffix(".0")
            return f"{number} {noun}{'' if number == '1' else 's'}"
    return f"{seconds:.3g} s"


def span(low: str, high: str) -> str:
    """From one value to another, both in words; a unit that both have stands once."""
    if low == high:
        return low
    (first, _, unit), (_, _, other) = low.partition(" "), high.partition(" ")
    return f"{first}–{high}" if unit.rstrip("s") == other.rstrip("s") else f"{low}–{high}"
