"""The run that answers now: newer weights are taken up between two questions, bad ones are not."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from seqrec_cli.core.data.store import NEXT_ITEM
from seqrec_cli.core.inference.questions import Answer, Question
from seqrec_cli.core.runs.loading import newest_of
from seqrec_cli.core.runs.served import Place, Served, mark_of
from seqrec_cli.errors import RunError, SeqRecError


class Live:
    """The run that answers now.

    Attributes:
        now: the run; replaced as a whole, so that who took it keeps it.
    """

    def __init__(self, place: Place, load: Callable[[Place], Served] = Served.load) -> None:
        """Load it.

        Raises:
            SeqRecError: it cannot be read.
        """
        self.place = place
        self.load = load
        self.now = load(place)
        self.refused: tuple[Any, ...] = ()

    def renew(self) -> str | None:
        """Take up newer weights, or a newer run, if there are any.

        Returns what was taken up, in words; None if nothing is new.

        Raises:
            RunError: what is new cannot be used; it is not tried again until it changes.
        """
        try:
            path = newest_of(NEXT_ITEM, self.place.name)
            mark = mark_of(path)
            if mark in (self.now.mark, self.refused):
                return None
            self.refused = mark
            fresh = self.load(self.place)
            if any("the one before it" in note for note in fresh.run.notes):
                raise RunError(fresh.run.notes[0])
            if fresh.mark != mark_of(path):
                self.refused = ()  # it changed while it was read: once more
                return None
        except (SeqRecError, OSError, ValueError, RuntimeError, MemoryError) as error:
            raise RunError(
                f"what is new in `{self.place.name}` is not taken up, and {self.now.run.path} goes "
                f"on: {error}"
            ) from error
        self.now, self.refused = fresh, ()
        return f"{fresh.run.path} is taken up"

    @staticmethod
    def answer(asked: Sequence[tuple[Served, Question]]) -> list[Answer]:
        """The answers to questions, each by the run that it was put to.

        Computed on one core: what waits is little, and the other cores have requests to read.
        """
        torch.set_num_threads(1)  # for this thread
        by_run: dict[int, list[int]] = {}
        for place, (served, _) in enumerate(asked):
            by_run.setdefault(id(served), []).append(place)
        answers: dict[int, Answer] = {}
        for places in by_run.values():
            answerer = asked[places[0]][0].answerer
            made = answerer.answer([asked[place][1] for place in places])
            answers |= zip(places, made, strict=True)
        return [answers[place] for place in range(len(asked))]
