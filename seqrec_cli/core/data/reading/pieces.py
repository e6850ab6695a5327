"""The columns of a year, a month, a day and so on, each in one of its own."""

from collections.abc import Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.dates import MONTH, unaccented
from seqrec_cli.core.data.reading.profiles import Profile

PIECES = ("year", "month", "day", "hour", "minute", "second")
# What they are called, the last word of a name.
PIECE_NAMES = {
    word: piece
    for piece, words in (
        ("year", "year jahr annee ano anno jaar yil rok год 年"),
        ("month", "month monat mois mes mese maand ay miesiac месяц 月"),
        ("day", "day tag jour dia giorno dag gun dzien день 日"),
        ("hour", "hour"),
        ("minute", "minute"),
        ("second", "second"),
    )
    for word in words.split()
}
MOST_OF_A_PIECE = {"month": 12, "day": 31}
# Beside which each is no time of its own.
UNTOLD = {"month": frozenset({"year", "day"}), "day": frozenset({"month"})}


def pieces_among(profiles: Sequence[Profile]) -> dict[str, Profile]:
    """The columns that hold year, month, day and so on, each alone, by what they hold."""
    found: dict[str, Profile] = {}
    for profile in profiles:
        last = (vocabulary.words_of(profile.label) or [""])[-1] if profile.label else ""
        piece = PIECE_NAMES.get(last)
        if piece is None or profile.column.listed or not profile.values:
            continue
        most = MOST_OF_A_PIECE.get(piece)
        if profile.whole_valued:
            fitting = most is None or max(profile.numbers) <= most
        else:
            fitting = piece == "month" and all(
                unaccented(value) in MONTH for value in profile.values
            )
        if fitting:
            found.setdefault(piece, profile)
    return found
