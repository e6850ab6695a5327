"""The files of a log as formats open them: their first bytes, and their text for the engine."""

from dataclasses import dataclass
from functools import cached_property

from seqrec_cli.core.data.reading.dialects import HEAD_BYTES
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import Facts, landed_text
from seqrec_cli.core.data.reading.workbooks import is_workbook, text_of_workbook


@dataclass(frozen=True, eq=False)
class Landed:
    """The files of a log, what the user said of them, and the engine that is to read them.

    The texts are made when a format first asks for them: a binary format never does.
    """

    files: Files
    reading: Reading
    engine: Engine

    @property
    def source(self) -> TextSource:
        """The first file."""
        return self.files.first

    @cached_property
    def raw_head(self) -> bytes:
        """The first bytes of the first file, decompressed."""
        return self.source.head(HEAD_BYTES)

    @cached_property
    def facts(self) -> list[list[Facts]]:
        """Where the engine reads the text of each file of each part."""
        encoding = self.reading.encoding
        return [[self.landed(source, encoding) for source in part] for part in self.files.parts]

    def landed(self, source: TextSource, encoding: str) -> Facts:
        """The text of a file, or of the sheets of a workbook."""
        if is_workbook(source):
            return text_of_workbook(source, self.engine)
        return landed_text(source, self.engine, encoding)

    @cached_property
    def is_workbook(self) -> bool:
        """Whether the first file is a spreadsheet."""
        return is_workbook(self.source)

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the first text, as UTF-8."""
        return head_of(self.facts)

    @property
    def damaged(self) -> bool:
        """Whether bytes that are not UTF-8 were replaced in a text."""
        return "facts" in vars(self) and any(fact.damaged for part in self.facts for fact in part)

    def allow(self, facts: list[list[Facts]]) -> None:
        """Let the engine read these texts, and for good no other file."""
        self.engine.allow(fact.path for part in facts for fact in part)


def head_of(facts: list[list[Facts]]) -> bytes:
    """The first bytes of the first text."""
    with facts[0][0].path.open("rb") as file:
        return file.read(HEAD_BYTES)
