"""Questions answered together against `recommend`, one at a time."""

import numpy as np
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.questions import Answerer, Question
from seqrec_cli.core.inference.recommendation import influence, recommend
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.inference.similar import Cosine, histories_of_one
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig


def made(data: SequenceDataset) -> Answerer:
    config = SASRecConfig(hidden=8, blocks=1, heads=1, max_length=8)
    scorer = ModelScorer(SASRec(data.num_items, config, torch.Generator().manual_seed(0)), 50)
    return Answerer(scorer, Cosine(scorer), data.histories())


def test_unlike_questions_are_answered_as_each_alone(cycle: SequenceDataset) -> None:
    answerer = made(cycle)
    rules = Rules.of(np.arange(50) % 2 == 0)
    questions = [
        Question("recommend", person=3, k=5),
        Question("recommend", items=(4, 5, 6), k=5, seen="include"),
        Question("recommend", person=7, k=5, rules=rules),
        Question("recommend", person=4, k=5),
        Question("similar", items=(9,), k=4),
        Question("recommend", items=(1, 2), k=3, why=True),
        Question("score", items=(1, 2), candidates=(7, 7, 3)),
        Question("score", person=3, candidates=()),
    ]
    answers = answerer.answer(questions)
    for question, answer in zip(questions, answers, strict=True):
        if question.person is None:
            history = Sequences.from_lists([question.items])
        else:
            history = answerer.people.only(question.person)
        assert answer.history.tolist() == history[0].tolist()
        if question.kind == "recommend":
            options = question.k, question.seen, None, question.rules
            (expected,) = recommend(answerer.scorer, history, *options)
            assert answer.items.tolist() == expected.items.tolist()
            np.testing.assert_allclose(answer.scores, expected.scores, atol=1e-5)
        if question.why:
            reasons = influence(answerer.scorer, history, answer.items)
            np.testing.assert_allclose(answer.influences, reasons, atol=1e-5)
    assert answerer.similar is not None
    (alike,) = recommend(answerer.similar, histories_of_one(np.array([9])), 4)
    assert answers[4].items.tolist() == alike.items.tolist()
    scores = answerer.scorer.score(Sequences.from_lists([(1, 2)]))[0]
    np.testing.assert_allclose(answers[6].scores, scores[[7, 7, 3]].numpy(), atol=1e-5)
    assert answers[7].items.tolist() == []
