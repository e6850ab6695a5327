"""The item table has an optimizer and a learning rate of its own."""

import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.training.small import CPU, copied, experiment, run, same, take


def test_adagrad_on_the_table_learns_and_resumes(cycle: SequenceDataset) -> None:
    settings = {"epochs": 30, "lr": 0.01, "table_optimizer": "adagrad", "table_lr": 0.1}
    whole = Training(experiment(**settings), 50, CPU)
    events = run(whole, cycle)
    assert evaluate(ModelScorer(whole.model, 50), cycle, "test").means()["hr@10"] > 0.9
    half = Training(experiment(**settings), 50, CPU)
    seen = list(take(fit(half, cycle.without_test()), 100))
    resumed = Training(experiment(**settings), 50, CPU)
    resumed.restore(*copied(half))
    assert seen + run(resumed, cycle) == events
    assert same(whole, resumed)


def test_weight_decay_pulls_on_the_gradients_or_on_the_weights(cycle: SequenceDataset) -> None:
    lengths = {"adam": 0.0, "adamw": 0.0, "none": 0.0}
    for name in lengths:
        decay = {"optimizer": name, "weight_decay": 0.5} if name != "none" else {}
        training = Training(experiment(epochs=1, lr=0.01, **decay), 50, CPU)
        run(training, cycle)
        lengths[name] = float(training.model.items.weight.detach().norm())
    assert lengths["adamw"] < lengths["none"]
    assert lengths["adam"] != lengths["adamw"]


def test_a_learning_rate_for_the_table_alone(cycle: SequenceDataset) -> None:
    still = Training(experiment(epochs=1, table_lr=1e-12), 50, CPU)
    before = copied(still)[0]
    run(still, cycle)
    moved = {
        name
        for name, tensor in still.model.named_parameters()
        if not torch.allclose(tensor, before[f"model.{name}"], atol=1e-8)
    }
    assert "items.weight" not in moved
    assert "positions.weight" in moved
