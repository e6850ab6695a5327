"""Questions that come one by one and are answered together, on the path of `recommend`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.recommendation import Recommended, influence, recommend
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Scored, Scorer, Seen, score_all

Kind = Literal["recommend", "similar", "score"]


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked about one history.

    Attributes:
        kind: the best items after it, those similar to its one item, or scores of `candidates`.
        person: whose history it is, a row of the known people; None: `items` are the history.
        items: numbers of items, oldest first.
        candidates: numbers of items to be scored.
        k: how many items are listed.
        seen: whether items of the history may be.
        rules: which others may be.
        why: whether the influence of each item of the history is asked for.
    """

    kind: Kind
    person: int | None = None
    items: tuple[int, ...] = ()
    candidates: tuple[int, ...] = ()
    k: int = 10
    seen: Seen = "exclude"
    rules: Rules | None = None
    why: bool = False

    @property
    def group(self) -> tuple[object, ...]:
        """Questions that are alike in this are answered by one call."""
        return self.kind, self.person is None, self.k, self.seen, id(self.rules)


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to a question.

    Attributes:
        items: int64 (k or fewer,), best first; to `score` the candidates as they were given.
        scores: float32, as many.
        history: the items that were read, int32.
        influences: float32 (items, history), where they were asked for.
    """

    items: NDArray[np.int64]
    scores: NDArray[np.float32]
    history: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    influences: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Answerer:
    """Answers questions about one run.

    Attributes:
        scorer: scores what comes next.
        similar: scores what is similar; None where the model has no vectors.
        people: the histories of the known people.
    """

    scorer: Scorer
    similar: Scorer | None
    people: Sequences

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """The answers, in the order of the questions; those that are alike are scored together.

        Raises:
            RunError: a score is not finite.
        """
        groups: dict[tuple[object, ...], list[int]] = {}
        for place, question in enumerate(questions):
            groups.setdefault(question.group, []).append(place)
        answers: dict[int, Answer] = {}
        for places in groups.values():
            group = [questions[place] for place in places]
            answers |= zip(places, self.alike(group), strict=True)
        return [answers[place] for place in range(len(questions))]

    def alike(self, group: Sequence[Question]) -> list[Answer]:
        """The answers to questions of one group."""
        first, histories = group[0], self.histories(group)
        if first.kind == "score":
            return self.scores(group, histories)
        scorer = self.scorer if first.kind == "recommend" else self.similar
        assert scorer is not None, "who asks for similar items looks whether there are any"
        lists = recommend(scorer, histories, first.k, first.seen, None, first.rules)
        return [
            self.explained(question, histories.only(row), result)
            for row, (question, result) in enumerate(zip(group, lists, strict=True))
        ]

    def histories(self, group: Sequence[Question]) -> Sequences:
        """The histories of questions of one group."""
        people = [question.person for question in group if question.person is not None]
        if people:
            return self.people.take(np.array(people, np.int64))
        return Sequences.from_lists([question.items for question in group])

    def explained(self, question: Question, history: Sequences, result: Recommended) -> Answer:
        """A list, with reasons if they are asked for."""
        reasons = influence(self.scorer, history, result.items) if question.why else None
        return Answer(result.items, result.scores, history.items, reasons)

    def scores(self, group: Sequence[Question], histories: Sequences) -> list[Answer]:
        """The scores of the candidates after each history."""
        found: dict[int, Answer] = {}

        def pick(scored: Scored) -> None:
            for place, row in enumerate(scored.rows.tolist()):
                items = np.array(group[row].candidates, np.int64)
                values = scored.scores[place, torch.from_numpy(items)].numpy()
                found[row] = Answer(items, values, histories[row])

        for _ in score_all(self.scorer, histories, "include", pick):
            pass
        return [found[row] for row in range(len(group))]
