"""SASRec against a NumPy forward pass written from the equations, and what must hold of it."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig

NUM_ITEMS = 20
NORMS = ["sasrec", "pre", "post", "ligr", "ligr+convolution", "ligr+recurrent"]


def small(seed: int = 0, **settings: Any) -> SASRec:
    config = SASRecConfig(hidden=8, blocks=2, max_length=6, dropout=0.5).model_copy(update=settings)
    model = SASRec(NUM_ITEMS, config, torch.Generator().manual_seed(seed))
    with torch.no_grad():  # biases and norms are 0 and 1 at first, which would hide a mistake
        generator = torch.Generator().manual_seed(seed + 1)
        for name, parameter in model.named_parameters():
            if "norm" in name or "bias" in name or "mix" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


def numpy_forward(model: SASRec, history: NDArray[np.int64], heads: int, norm: str) -> Any:
    """Spec: the equations of Kang & McAuley, one history without padding at a time, float64."""
    w = {name: value.detach().double().numpy() for name, value in model.named_parameters()}
    d = w["items.weight"].shape[1]

    def layer_norm(x: Any, name: str) -> Any:
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + 1e-8) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Any, name: str) -> Any:
        # Keys have no bias in the model, as it cannot matter: so any will do here.
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.7)

    def attention(query: Any, source: Any, name: str) -> Any:
        q, k, v = (
            linear(x, f"{name}.{part}")
            for x, part in ((query, "query"), (source, "key"), (source, "value"))
        )
        out = np.zeros_like(q)
        size = d // heads
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for t in range(len(q)):
                logits = np.array([q[t, part] @ k[s, part] for s in range(t + 1)]) / np.sqrt(size)
                weights = np.exp(logits - logits.max())
                weights /= weights.sum()
                out[t, part] = sum(weights[s] * v[s, part] for s in range(t + 1))
        return linear(out, f"{name}.out")

    def network(x: Any, name: str) -> Any:
        return linear(np.maximum(linear(x, f"{name}.inner"), 0), f"{name}.outer")

    def mixed(x: Any, name: str) -> Any:
        out = x.copy()
        for t in range(len(x)):
            for lag in range(1, min(t, len(w.get(name, []))) + 1):
                out[t] += w[name][lag - 1] * x[t - lag]
        return out

    def recurred(x: Any) -> Any:
        """Cho et al., EMNLP 2014, with the reset gate on the product, as torch has it."""
        name = "recurrence.layer"
        read, again = w[f"{name}.weight_ih_l0"], w[f"{name}.weight_hh_l0"]
        state, out = np.zeros(again.shape[1]), []
        for row in x:
            i = np.split(read @ row + w[f"{name}.bias_ih_l0"], 3)
            h = np.split(again @ state + w[f"{name}.bias_hh_l0"], 3)
            r, z = (1 / (1 + np.exp(-i[n] - h[n])) for n in (0, 1))
            state = (1 - z) * np.tanh(i[2] + r * h[2]) + z * state
            out.append(state)
        return np.array(out)

    # Slots of the right-aligned window of max_length: the newest item has the last position.
    positions = np.arange(model.max_length - len(history), model.max_length)
    items = np.sqrt(d) * w["items.weight"][history]
    x = items + w["positions.weight"][positions]
    if "recurrence.out.weight" in w:
        x = x + linear(recurred(items), "recurrence.out")
    for number in range(len(model.blocks)):
        name = f"blocks.{number}"
        first, second = f"{name}.attention_norm", f"{name}.network_norm"
        if norm == "sasrec":
            q = layer_norm(x, first)
            x = layer_norm(q + attention(q, x, f"{name}.attention"), second)
            x = x + network(x, name)
        elif norm == "pre":
            y = layer_norm(x, first)
            x = x + attention(y, y, f"{name}.attention")
            x = x + network(layer_norm(x, second), name)
        elif norm == "ligr":
            y = mixed(layer_norm(x, first), f"{name}.attention_mix")
            gate = 1 / (1 + np.exp(-linear(x, f"{name}.attention_gate")))
            x = x + gate * attention(y, y, f"{name}.attention")
            y = mixed(layer_norm(x, second), f"{name}.network_mix")
            a, b = np.split(y @ w[f"{name}.inner.weight"].T, 2, axis=-1)
            y = a / (1 + np.exp(-a)) * b
            gate = 1 / (1 + np.exp(-linear(x, f"{name}.network_gate")))
            x = x + gate * (y @ w[f"{name}.outer.weight"].T)
        else:
            x = layer_norm(x + attention(x, x, f"{name}.attention"), first)
            x = layer_norm(x + network(x, name), second)
    return layer_norm(x, "norm")


@pytest.mark.parametrize(
    ("norm", "heads", "tied"),
    list(
        product(
            ["sasrec", "pre", "post", "ligr", "ligr+convolution", "ligr+recurrent"],
            [1, 2],
            [True, False],
        )
    ),
)
def test_forward_follows_the_equations(norm: str, heads: int, tied: bool) -> None:
    norm, _, added = norm.partition("+")
    kind: dict[str, Any] = {"block": "ligr", "norm": "pre"} if norm == "ligr" else {"norm": norm}
    kind |= {"convolution": 3} if added == "convolution" else {}
    kind |= {"recurrent": 5} if added == "recurrent" else {}
    model = small(**kind, heads=heads, tied=tied, expansion=3)
    histories = [[3], [7, 8, 9], [1, 2, 3, 4, 5, 20], [6, 6, 6, 1], [2, 19]]
    padded = torch.tensor([[0] * (6 - len(h)) + h for h in histories])
    states = model(padded).detach().double().numpy()
    table = (model.items if tied else model.outputs).weight.detach().double().numpy()  # type: ignore[union-attr]
    for row, history in enumerate(histories):
        expected = numpy_forward(model, np.array(history), heads, norm)
        np.testing.assert_allclose(states[row, 6 - len(history) :], expected, atol=2e-5)
        scores = model.score(torch.from_numpy(expected).float()).detach().numpy()
        np.testing.assert_allclose(scores, expected @ table.T, atol=2e-5)


def test_dropout_changes_states_only_with_noise() -> None:
    from seqrec_cli.core.kernels.dropout import Noise

    model = small()
    history = torch.tensor([[1, 2, 3, 4, 5, 6]])
    torch.testing.assert_close(model(history), model(history), rtol=0, atol=0)
    noisy = [model(history, Noise(0, 1, step, 0, torch.device("cpu"))) for step in (1, 1, 2)]
    torch.testing.assert_close(noisy[0], noisy[1], rtol=0, atol=0)
    assert not torch.allclose(noisy[0], noisy[2])
    assert not torch.allclose(noisy[0], model(history))


@pytest.mark.parametrize("drop", [0.2, 0.5])
def test_a_network_drops_its_inner_layer_and_its_output_and_scales_what_stays(drop: float) -> None:
    from seqrec_cli.core.kernels.dropout import Noise

    block = small(dropout=drop).blocks[0]
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(3), requires_grad=True)
    got, bits = (Noise(0, 1, 1, 0, torch.device("cpu")) for _ in range(2))
    out = block.network(x, got)
    inner = torch.relu(x @ block.inner.weight.T + block.inner.bias)
    inner = inner * bits.kept(inner.shape, drop) / (1 - drop)
    expected = inner @ block.outer.weight.T + block.outer.bias
    expected = expected * bits.kept(expected.shape, drop) / (1 - drop)
    torch.testing.assert_close(out, expected)
    upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(4))
    inputs = [x, *block.inner.parameters(), *block.outer.parameters()]
    mine, theirs = (torch.autograd.grad((y * upstream).sum(), inputs) for y in (out, expected))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("heads", [1, 2])
def test_low_precision_is_for_products_and_not_for_what_is_summed_up(heads: int) -> None:
    from seqrec_cli.core.kernels.dropout import Noise

    model = small(heads=heads)
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda *call: seen.append(call[2].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        model(torch.tensor([[1, 2, 3]]), Noise(0, 1, 1, 0, torch.device("cpu")))
    assert seen == [torch.float32] * 2


def test_padding_row_is_zero_and_never_trained() -> None:
    model = small(tied=False)
    states = model(torch.tensor([[0, 0, 0, 3, 4, 5]]))
    model.score(states).square().sum().backward()
    assert model.items.weight[0].abs().max() == 0
    assert model.items.weight.grad is not None
    assert model.items.weight.grad[0].abs().max() == 0


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"hidden \(50\) is not a multiple of heads \(3\)"):
        SASRecConfig(hidden=50, heads=3)
    with pytest.raises(ValidationError, match=r"block: ligr normalises before its layers"):
        SASRecConfig(block="ligr", norm="post")
    with pytest.raises(ValidationError, match=r"convolution \(3\) is there for block: ligr alone"):
        SASRecConfig(convolution=3)
    with pytest.raises(ValidationError, match=r"recurrent \(3\) is there for block: ligr alone"):
        SASRecConfig(recurrent=3)
    with pytest.raises(ValidationError, match=r"recurrent_dropout \(0.3\) is there with recurrent"):
        SASRecConfig(block="ligr", norm="pre", recurrent_dropout=0.3)
