r"""From the bytes of a source to a text that the engine opens: UTF-8, one kind of line end.

A file that is so already is read where it is; anything else goes through a private copy. What is
known of the bytes afterwards (`Facts`) says how the engine may read them.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.sources import BLOCK_BYTES, TextSource
from seqrec_cli.errors import InputError

MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# The engine takes `*` and the like in a name for a pattern; such a file is copied first.
PLAIN_PATH = re.compile(r"[\w/\\:.,=@+ ()%&#!-]+")
REPLACEMENT = "\ufffd"
# What else than the bytes say a text may be in, if its header then has names that are known.
ENCODINGS = ("cp949", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "big5")
# The letters beside a to z that languages have, by what they are written in; the first of equals.
WESTERN = ("äöüß", "éèêàçùûîôëïœâ", "áéíóúñü", "ãõçáéíóúâêôà", "àèéìòù", "åäöæøéõ")
CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ")
SIGNS = "’‘“”–…"  # beside letters; other code pages have letters in their place
LETTERS = {
    "cp1252": WESTERN,
    "cp1250": CENTRAL,
    "cp1254": ("çğıöşüâîİ",),
    "cp1257": ("āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž"),
    "cp850": WESTERN,
    "cp852": CENTRAL,
    "mac-roman": WESTERN,
}
# The most frequent letters where no letter is one of a to z.
FREQUENT = {
    "cp1251": "оеаинтср",
    "cp866": "оеаинтср",
    "koi8-r": "оеаинтср",
    "cp1253": "αοιετσνρ",
    "cp1255": "יוהלאתרמ",
    "cp1256": "اليمنرتو",
    "cp874": "รานกงอเม",
}


@dataclass(frozen=True)
class Facts:
    """What is known of a text.

    Attributes:
        path: where the engine reads it.
        quotes: how many `"` there are in it.
        damaged: whether bytes that are not UTF-8 were replaced by U+FFFD.
        size: bytes.
        note: what should be known of how it was made, a sentence.
    """

    path: Path
    quotes: int
    damaged: bool
    size: int
    note: str = ""


@dataclass
class Seen:
    """What a pass over the bytes saw."""

    quotes: int = 0
    returns: bool = False
    lone_returns: bool = False
    broken: bool = False
    size: int = 0
    lines: int = 1


def landed_text(source: TextSource, engine: Engine, encoding: str = "") -> Facts:
    """Make a text that the engine can open.

    Raises:
        InputError: as `TextSource.open`; a NUL byte; an encoding that is not known or not this.
    """
    head = source.head(4)
    marked = next((name for mark, name in MARKS if head.startswith(mark)), "")
    if not marked and len(head) == 4 and head.count(0) == 2 and head[0] + head[2] != 0:
        marked = "utf-16-le" if head[1] == head[3] == 0 else ""  # without a mark, as Windows may
    encoding = known_encoding(encoding) or ("" if marked == "utf-8" else marked)
    plain = not (source.member or encoding or marked or source.packing())
    in_place = plain and PLAIN_PATH.fullmatch(str(source.path.absolute())) is not None
    seen = Seen()
    if in_place:
        with source.blocks() as blocks:
            for block in blocks:
                look_at(source, block, seen)
        if not (seen.lone_returns or seen.broken):
            path = source.path.absolute()
            return Facts(path, seen.quotes, damaged=False, size=seen.size)
    seen = Seen()
    with engine.folder.new_file(".txt") as copy:
        for block in cleaned(source, encoding, seen):
            copy.write(block)
    return Facts(copy.path, seen.quotes, seen.broken, seen.size)


def look_at(source: TextSource, block: bytes, seen: Seen) -> None:
    """Take note of what a block of the file holds."""
    if b"\0" in block:
        line = 1 + lines_before(source, seen.size + block.index(b"\0"))
        raise InputError(
            f"`{source}`, line {line}: a NUL byte, so this is not a text file",
            "export it as UTF-8 text",
        )
    seen.quotes += occurrences(b'"', block)
    if not seen.lone_returns and b"\r" in block:
        returns, ends = occurrences(b"\r", block), block.count(b"\r\n")
        # A pair that two blocks share looks alone here; then the text is copied, no harm done.
        seen.lone_returns = returns != ends or (seen.size > 0 and not seen.returns)
        seen.returns = True
    if seen.returns and occurrences(b"\n", block) != block.count(b"\r\n"):
        seen.lone_returns = True
    if not seen.broken and not block.isascii():
        seen.broken = not is_utf8(block)
    seen.size += len(block)


def occurrences(byte: bytes, block: bytes) -> int:
    """How often a byte is in a block: faster than `count` where it is there often."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == byte[0]))


def lines_before(source: TextSource, place: int) -> int:
    """How many lines end before a place in the file."""
    lines = 0
    with source.blocks() as blocks:
        for block in blocks:
            lines += block[:place].count(b"\n")
            place -= len(block)
            if place <= 0:
                break
    return lines


def is_utf8(block: bytes) -> bool:
    """Whether a block is UTF-8, but for a character that its ends cut."""
    start = 0
    while start < min(4, len(block)) and block[start] & 0xC0 == 0x80:
        start += 1
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block[start:])
    except UnicodeDecodeError:
        return False
    return True


def cleaned(source: TextSource, encoding: str, seen: Seen) -> Iterator[bytes]:
    r"""The text as UTF-8 without a mark, with `\n` alone as line end."""
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")("strict" if encoding else "replace")
    first, waiting = True, ""
    with source.open() as file:
        while True:
            raw = file.read(BLOCK_BYTES)
            try:
                text = waiting + decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"`{source}`, about line {seen.lines}: byte 0x{error.object[error.start]:02x} "
                    f"is not {encoding}",
                    "name another encoding: `--encoding latin-1` reads any bytes",
                ) from error
            waiting = ""
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if text.endswith("\r") and raw:
                text, waiting = text[:-1], "\r"
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            if "\0" in text:
                raise InputError(
                    f"`{source}`: a NUL character, so this is not a text file",
                    "export it as UTF-8 text",
                )
            seen.broken = seen.broken or (not encoding and REPLACEMENT in text)
            seen.quotes += text.count('"')
            seen.lines += text.count("\n")
            block = text.encode("utf-8", "replace")
            seen.size += len(block)
            yield block
            if not raw:
                return


def known_encoding(name: str) -> str:
    """The encoding of a name as Python knows it.

    Raises:
        InputError: there is none of this name, or it is none of texts.
    """
    if not name:
        return ""
    try:
        info = codecs.lookup(name)
        "a".encode(name)
    except (LookupError, ValueError, TypeError):
        raise InputError(
            f"there is no encoding `{name}`", "known are utf-8, latin-1, cp1252, utf-16, gbk, …"
        ) from None
    return "" if info.name == "utf-8" else info.name


def guess_encoding(content: bytes) -> str:
    """The encoding of a text that is not UTF-8, by the names in its header, else by its bytes."""
    encodings = (encoding_by_bytes(content), *ENCODINGS)
    return max(encodings, key=lambda name: known_names(content, name))


def known_names(content: bytes, encoding: str) -> int:
    """How many names that columns have are in the first line of a text in an encoding."""
    header = content.partition(b"\n")[0].decode(encoding, "replace")
    return sum(map(vocabulary.is_known, re.split('[,;\t|"]', header)))


def encoding_by_bytes(content: bytes) -> str:
    """The encoding of a text that is not UTF-8, told by its bytes; a guess for a hint."""
    high = [byte for byte in content if byte >= 0x80]
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", content))
    within = len(re.findall(rb"[a-z][\x80-\xff]", content)) > 0.4 * len(high)  # words of Latin
    # First what is common in Chinese: rare signs are Japanese that was read as Chinese.
    for name in ("gb2312", "shift_jis", "gb18030"):
        try:
            text = content[: len(content) // 2 * 2].decode(name, "strict")
        except UnicodeDecodeError as error:
            if error.start < len(content) - 4:
                continue
            text = content[: error.start].decode(name, "ignore")
        wide = [character for character in text if ord(character) >= 0x80]
        # Chinese is written in pairs of high bytes; a letter with an accent mostly stands alone.
        # Japanese may have letters as second bytes, which are no words then.
        letters = len(re.findall(rb"[A-Za-z]", content))
        syllables = any("\u3040" <= each <= "\u30ff" for each in wide)
        japanese = name == "shift_jis" and (syllables or letters < len(high))
        paired = japanese or (name != "shift_jis" and alone < 0.5 * len(high))
        signs = sum("\u3040" <= each <= "\u9fff" for each in wide)
        if len(wide) > 2 and paired and not within and signs > 0.7 * len(wide):
            return name.replace("gb2312", "gb18030")
    # Words of other letters are all high bytes; of Latin ones a letter here and there is.
    if sum(map(len, re.findall(rb"[\x80-\xff]{3,}", content))) > 0.5 * len(high):
        return max(FREQUENT, key=lambda name: frequent_in(content, name))
    return max(LETTERS, key=lambda name: letters_in(content, name))


def letters_in(content: bytes, encoding: str) -> int:
    """How many bytes beside letters are, in an encoding, letters of one of its languages.

    One behind a small letter is no capital; alone it is a pound or a degree.
    """
    behind = b"".join(re.findall(rb"(?<=[a-z])[\x80-\xff]+", content)).decode(encoding, "replace")
    first = b"".join(re.findall(rb"(?<![a-z\x80-\xff])[\x80-\xff]+(?=[A-Za-z])", content))
    text = behind + first.decode(encoding, "replace").lower()
    return max(sum(map(text.count, own + SIGNS)) for own in LETTERS[encoding])


def frequent_in(content: bytes, encoding: str) -> int:
    """How many letters of words are, in an encoding, frequent ones; no word is as `wORD`."""
    found = {word.decode(encoding, "replace") for word in re.findall(rb"[\x80-\xff]+", content)}
    words = (word.lower() for word in found if word.isupper() or word[1:] == word[1:].lower())
    return sum(word.count(letter) for word in words for letter in FREQUENT[encoding])
