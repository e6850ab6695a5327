"""Every kernel against its plain twin: outputs, gradients, and a training of a few steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.packing import Layout, Packed
from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.kernels.adam import adam_step
from seqrec_cli.core.kernels.attention import causal_attention
from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.convolution import convolve
from seqrec_cli.core.kernels.cross_entropy import linear_cross_entropy, shared_cross_entropy
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.kernels.folded_head import one_head
from seqrec_cli.core.kernels.gru import recur
from seqrec_cli.core.kernels.switch import KERNELS, plain
from seqrec_cli.core.training.events import StepDone
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.ranking import RankingTraining, train_step
from seqrec_cli.core.training.sequential import fit

CPU = torch.device("cpu")
LENGTHS = [150, 70, 66, 64, 3, 1, 1]  # several bands, one, and rows of a single item

# A sum of n float32 numbers in another order differs by some n eps: 1e-5 of the largest for the
# hundred or two that are added here. Gradients are sums of such sums.
TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}


def random(*shape: int, seed: int = 0) -> Tensor:
    """Float32 numbers from N(0, 1) that want a gradient."""
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(shape, generator=generator).requires_grad_()


def histories() -> Packed:
    layout = Layout.of(np.array(LENGTHS))
    items = layout.spread(np.arange(sum(LENGTHS)) % 30 + 1)
    last = torch.from_numpy(layout.last)
    return Packed(items, torch.from_numpy(layout.ages), layout.blocks, last)


def noise() -> Noise:
    return Noise(0, 1, 1, 0, CPU)


def linear(bias: bool = True) -> nn.Linear:
    layer = nn.Linear(6, 6, bias=bias)
    for number, weights in enumerate(layer.parameters()):
        weights.data = random(*weights.shape, seed=number).detach() / 3
    return layer


Case = tuple[Tensor | list[Tensor], list[Tensor]]


def attention() -> Case:
    batch = histories()
    inputs = [random(len(batch.items), 6, seed=n) for n in range(3)]
    q, k, v = inputs
    return causal_attention(q, k, v, batch, 2, 0.3, noise()), inputs


def folded_head() -> Case:
    batch = histories()
    inputs = [random(len(batch.items), 6, seed=n) for n in range(2)]
    layers = linear(), linear(bias=False), linear(), linear()
    weights = [weights for layer in layers for weights in layer.parameters()]
    return one_head(inputs[0], inputs[1], layers, batch, 0.3, noise()), [*inputs, *weights]


def byte_dropout() -> Case:
    x = random(50, 7)
    return dropout(x, 0.3, noise()), [x]


def convolution() -> Case:
    batch = histories()
    x, weights = random(len(batch.items), 6), random(3, 6)
    return convolve(x, weights, batch), [x, weights]


def gru() -> Case:
    sizes = [7, 5, 5, 2, 1]
    layer, x = nn.GRU(6, 4), random(sum(sizes), 6)
    for number, weights in enumerate(layer.parameters()):
        weights.data = random(*weights.shape, seed=number).detach() / 2
    return recur(x, sizes, layer), [x, *layer.parameters()]


def augru(replaced: bool = False) -> Case:
    unit = GatedUnit(6, 4, torch.Generator().manual_seed(0), replaced)
    unit.bias.data = random(len(unit.bias)).detach()
    x, scale = random(5, 9, 6), torch.rand(5, 9, generator=torch.Generator().manual_seed(1))
    scale.requires_grad_()
    return unit(x, scale), [x, scale, *unit.parameters()]


def targets() -> Tensor:
    return torch.arange(40) * 7 % 31  # 0, padding, among them


def cross_entropy(smoothing: float = 0.1) -> Case:
    states, table = random(40, 6), random(31, 6, seed=1)
    weights, excluded = torch.linspace(0.1, 2, 40), torch.tensor([0, 5])
    own = torch.where(targets() == 5, 6, targets())
    places = torch.stack((own, own.clamp(min=7), own), dim=1)  # items that stand there twice too
    shares = torch.tensor([0.5, 0.3, 0.2]).expand(40, 3)
    loss = linear_cross_entropy(states, table, places, shares, weights, smoothing, excluded)
    return loss, [states, table]


def shared() -> Case:
    states, own, others = random(40, 6), random(40, 6, seed=1), random(11, 6, seed=2)
    bias, negatives = torch.linspace(-1, 1, 11), torch.arange(11) + 3
    loss = shared_cross_entropy(states, own, others, targets(), negatives, bias)
    return loss, [states, own, others]


def adam() -> Case:
    shapes = [(5, 6), (4,)]
    parameters, first, second = (
        [random(*shape, seed=n).detach().abs() for shape in shapes] for n in range(3)
    )
    for steps in range(1, 4):
        gradients = [random(*shape, seed=steps + 3).detach() for shape in shapes]
        adam_step(
            *(parameters, gradients, first, second, steps),
            lr=0.01,
            betas=(0.9, 0.98),
            weight_decay=0.01,
            epsilon=1e-8,
        )
    return [*parameters, *first, *second], []


CASES: dict[str, list[Callable[[], Case]]] = {
    "attention": [attention],
    "folded_head": [folded_head],
    "dropout": [byte_dropout, attention],
    "convolution": [convolution],
    "gru": [gru],
    "augru": [augru, lambda: augru(replaced=True)],
    "cross_entropy": [cross_entropy, lambda: cross_entropy(smoothing=0.0)],
    "shared_cross_entropy": [shared],
    "adam": [adam],
}


def computed(case: Callable[[], Case]) -> list[Tensor]:
    """What comes out, and the gradients of all that went in."""
    out, inputs = case()
    if isinstance(out, list):
        return out
    upstream = random(*out.shape, seed=9).detach()
    return [out, *torch.autograd.grad((out * upstream).sum(), inputs)]


def test_every_kernel_has_a_case() -> None:
    assert set(CASES) == set(KERNELS)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_computes_what_its_plain_twin_computes(kernel: str) -> None:
    for case in CASES[kernel]:
        fast = computed(case)
        with plain(kernel):
            expected = computed(case)
        assert all(bool(each.isfinite().all()) for each in fast)
        for a, b in zip(fast, expected, strict=True):
            torch.testing.assert_close(a, b, **TOLERANCE)


@pytest.mark.parametrize("kernel", ["attention", "folded_head", "dropout"])
def test_the_same_bits_are_dropped(kernel: str) -> None:
    case = CASES[kernel][0]
    state = []
    for twins in ((), (kernel,)):
        with plain(*twins) if twins else plain("adam"):
            out, _ = case()
            assert isinstance(out, Tensor)
            state.append(out == 0)
    assert torch.equal(*state)


MODELS: dict[str, dict[str, Any]] = {
    "sasrec": {"model": {"name": "sasrec", "hidden": 8}, "training": {"loss": "bce"}},
    "seqrec": {
        "model": {
            **{"name": "sasrec", "hidden": 8, "block": "ligr", "norm": "pre"},
            **{"convolution": 3, "heads": 2},
        },
        "training": {"loss": "softmax", "half_life": 5, "label_smoothing": 0.1},
    },
    "gru4rec": {"model": {"name": "gru4rec", "hidden": 8}, "training": {"loss": "softmax"}},
    "shared": {
        "model": {"name": "gru4rec", "hidden": 8, "units": 6},
        "training": {"loss": "sampled_softmax", "negatives": 9, "negatives_per": "batch"},
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_a_training_has_the_same_losses_either_way(name: str, cycle: SequenceDataset) -> None:
    parts = MODELS[name]
    settings = {**parts["training"], "epochs": 3, "batch_size": 40, "lr": 0.01}
    experiment = Experiment.model_validate({"model": parts["model"], "training": settings})

    def losses() -> list[float]:
        training = Training(experiment, cycle.num_items, CPU)
        events = fit(training, cycle.without_test())
        return [event.loss for event in events if isinstance(event, StepDone)]

    fast = losses()
    with plain():
        expected = losses()
    assert len(fast) == len(expected) >= 12
    # Adam divides a gradient by its size, so what rounding leaves of one that should be 0 counts as
    # a full step: after these few steps that is no more than 1e-4 of the loss.
    assert fast == pytest.approx(expected, rel=1e-4)


def test_a_training_of_dien_has_the_same_losses_either_way() -> None:
    experiment = RankingExperiment.model_validate({"model": {"name": "dien", "embedding": 4}})
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(0, 12, (64, 1), generator=generator)
    mask = torch.arange(11) < lengths
    history, negatives = (torch.randint(1, 30, (64, 11), generator=generator) for _ in range(2))
    batch = RankingBatch(
        torch.randint(1, 30, (64,), generator=generator),
        FeatureTensors(
            torch.randn(64, 2, generator=generator),
            torch.randint(1, 4, (64, 1), generator=generator),
            (),
        ),
        history * mask,
        negatives * mask,
        mask,
    )
    labels = torch.randint(0, 2, (64,), generator=generator).float()
    sizes = Sizes(items=30, dense=2, sparse=(4,), tags=())

    def losses() -> list[float]:
        training = RankingTraining(experiment, sizes, CPU)
        return [
            train_step(training, batch, labels, Noise(0, 1, step, 0, CPU), 1.0, 1, step)
            for step in range(1, 16)
        ]

    fast = losses()
    with plain():
        expected = losses()
    assert fast == pytest.approx(expected, rel=1e-4)
