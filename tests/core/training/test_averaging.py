"""A running mean of the weights is that of its formula, and is what is validated and saved."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.training.events import Event, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.training.small import CPU, copied, experiment, run, same, take
from tests.workshop import build, invoke

SETTINGS = {"epochs": 3, "lr": 0.01, "average": 0.9, "validate_every": 1}


def test_is_the_mean_of_its_formula(cycle: SequenceDataset) -> None:
    """Step by step, of the weights that a training without it has."""
    plain = Training(experiment(**SETTINGS | {"average": 0.0}), 50, CPU)
    means = {n: p.detach().double().numpy() for n, p in plain.model.named_parameters()}
    done = 0
    for _ in fit(plain, cycle.without_test()):
        counters = plain.counters
        if counters.epoch * 7 + counters.step == done:
            continue
        decay = min(0.9, (1 + done) / (10 + done))
        done += 1
        for name, weights in plain.model.named_parameters():
            means[name] = decay * means[name] + (1 - decay) * weights.detach().double().numpy()
    averaged = Training(experiment(**SETTINGS), 50, CPU)
    run(averaged, cycle)
    assert averaged.averages is not None
    assert int(averaged.averages.steps) == done == 3 * 7
    for name, weights in plain.model.named_parameters():
        assert torch.equal(weights, dict(averaged.model.named_parameters())[name])
        kept = averaged.kept()[name].numpy()
        np.testing.assert_allclose(kept, means[name], rtol=1e-4, atol=1e-6)
        assert not np.allclose(kept, weights.detach().numpy(), atol=1e-4)


def test_is_what_is_validated(cycle: SequenceDataset) -> None:
    training = Training(experiment(**SETTINGS), 50, CPU)
    for event in fit(training, cycle.without_test()):
        if isinstance(event, Validated):
            model = Training(experiment(), 50, CPU).model
            model.load_state_dict(training.kept())
            found = evaluate(ModelScorer(model, 50), cycle, "valid").means()
            assert event.metrics["ndcg@10"] == found["ndcg@10"]


def test_resumes_bit_for_bit(cycle: SequenceDataset) -> None:
    whole = Training(experiment(**SETTINGS), 50, CPU)
    events: list[Event] = run(whole, cycle)
    half = Training(experiment(**SETTINGS), 50, CPU)
    seen = list(take(fit(half, cycle.without_test()), 10))
    resumed = Training(experiment(**SETTINGS), 50, CPU)
    resumed.restore(*copied(half))
    assert seen + run(resumed, cycle) == events
    assert same(whole, resumed)


def test_an_interruption_leaves_the_weights_that_are_trained(cycle: SequenceDataset) -> None:
    training = Training(experiment(**SETTINGS), 50, CPU)
    run(training, cycle)
    before = copied(training)[0]

    def interrupted() -> None:
        with training.keeping():
            assert torch.equal(training.model.items.weight, before["average.items.weight"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert all(torch.equal(tensor, before[name]) for name, tensor in training.tensors().items())


def test_is_what_a_run_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    sets = ["training.average=0.9", "training.epochs=2", "training.validate_every=2"]
    changes = [word for change in sets for word in ("--set", change)]
    invoke(["train", "--config", "toy.yaml", "--run", "mean", *changes])
    best, last = (load_file(f"runs/mean/{name}.safetensors") for name in ("best", "last"))
    assert best.keys() < {name.removeprefix("average.") for name in last}
    for name, weights in best.items():
        np.testing.assert_array_equal(weights, last[f"average.{name}"])
        assert (weights != last[f"model.{name}"]).any()
    line = json.loads(Path("runs/mean/metrics.jsonl").read_text())
    asked = ["evaluate", "runs/mean", "--split", "valid", "--no-baselines", "--json"]
    figures = json.loads(invoke(asked).stdout)["figures"]["mean"]
    assert figures["ndcg@10"]["mean"] == pytest.approx(line["ndcg@10"], abs=1e-12)
