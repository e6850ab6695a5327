"""What torch's interpreter runs gives what Python gives, to the last bit."""

import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import Layout, Packed
from seqrec_cli.core.kernels import scripting
from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.scripting import compiled_loops, scripted
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig


def powers(x: Tensor, count: int) -> list[Tensor]:
    """x to the powers of 1 to `count`."""
    found = [x]
    for _ in range(count - 1):
        found.append(found[-1] * x)
    return found


def test_several_threads_may_call_it_at_once() -> None:
    function = scripted(powers)
    assert function.__doc__ == "x to the powers of 1 to `count`."
    found: list[list[Tensor]] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        with compiled_loops():
            found.append(function(torch.tensor([2.0, 3.0]), 3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for each in found:
        assert [x.tolist() for x in each] == [[2, 3], [4, 9], [8, 27]]


@compiled_loops()
def test_it_is_run_by_torch_where_that_is_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    script = torch.jit.script

    def spy(function: Any) -> Any:
        calls.append(function)
        return script(function)

    monkeypatch.setattr(torch.jit, "script", spy)
    monkeypatch.setattr(scripting, "SUPPORTED", False)
    function = scripted(powers)
    assert len(function(torch.ones(1), 2)) == 2
    assert calls == []
    monkeypatch.setattr(scripting, "SUPPORTED", True)
    assert len(function(torch.ones(1), 2)) == len(function(torch.ones(1), 2)) == 2
    assert calls == [powers]


def test_outside_of_a_training_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "script", lambda function: lambda *args: "compiled")
    function = scripted(powers)
    x = torch.ones(1)
    with compiled_loops():
        assert function(x, 1) == "compiled"
        other: list[Any] = []
        thread = threading.Thread(target=lambda: other.append(function(x, 1)))
        thread.start()
        thread.join()
        assert other == [[x]]
    assert function(x, 1) == [x]


@compiled_loops()
def test_a_function_without_source_runs_as_it_is() -> None:
    place: dict[str, Any] = {"__name__": "nowhere"}
    exec("def double(x): return x + x", place)
    assert scripted(place["double"])(torch.ones(1)).tolist() == [2]


@compiled_loops()
def test_on_another_device_the_function_itself_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "script", lambda function: lambda *args: "compiled")
    function = scripted(powers)
    assert len(function(torch.ones(1, device="meta"), 2)) == 2
    assert function(torch.ones(1), 2) == "compiled"


@torch.no_grad()
def disturb(model: torch.nn.Module, generator: torch.Generator) -> None:
    """Leave no weight at 0, as biases are at the start: a sum with 0 does not round."""
    for parameter in model.parameters():
        parameter.add_(torch.rand(parameter.shape, generator=generator), alpha=0.01)


def everything(model: Any, drop: bool) -> list[Tensor]:
    """States of a few histories and the gradients of all weights."""
    lengths = np.array([150, 70, 66, 3, 1])
    layout = Layout.of(lengths)
    items = layout.spread(np.arange(lengths.sum()) % 30 + 1)
    ages, last = torch.from_numpy(layout.ages), torch.from_numpy(layout.last)
    noise = Noise(0, 1, 1, 0, torch.device("cpu")) if drop else None
    states = model.encode(Packed(items, ages, layout.blocks, last), noise)
    weights = list(model.parameters())
    return [states, *torch.autograd.grad(states[items > 0].square().mean(), weights)]


@compiled_loops()
@pytest.mark.parametrize("hidden", [2, 8, 512])  # products of large ones round otherwise
@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("name", ["sasrec", "sasrec-heads", "gru4rec"])
def test_models_compute_the_same_without_it(
    name: str, drop: bool, hidden: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    model: Any = (
        GRU4Rec(30, GRU4RecConfig(hidden=hidden), generator)
        if name == "gru4rec"
        else SASRec(30, SASRecConfig(hidden=hidden, heads=1 + ("heads" in name)), generator)
    )
    disturb(model, generator)
    # It is changed once more after the first calls.
    fast = [everything(model, drop) for _ in range(4)]
    monkeypatch.setattr(scripting, "SUPPORTED", False)
    plain = everything(model, drop)
    for each in fast:
        for a, b in zip(each, plain, strict=True):
            assert torch.equal(a, b)


@compiled_loops()
@pytest.mark.parametrize(("read", "hidden"), [(1, 1), (5, 7), (16, 16), (512, 512)])
@pytest.mark.parametrize("replaced", [False, True])
def test_the_evolution_layer_computes_the_same_without_it(
    replaced: bool, read: int, hidden: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    unit = GatedUnit(read, hidden, generator, replaced)
    disturb(unit, generator)
    x = torch.randn(20, 9, read, generator=generator, requires_grad=True)
    scale = torch.rand(20, 9, generator=generator, requires_grad=True)
    inputs = [x, scale, *unit.parameters()]

    def found() -> list[Tensor]:
        states = unit(x, scale)
        return [states, *torch.autograd.grad(states.square().sum(), inputs)]

    fast = [found() for _ in range(4)]
    monkeypatch.setattr(scripting, "SUPPORTED", False)
    plain = found()
    for each in fast:
        for a, b in zip(each, plain, strict=True):
            assert torch.equal(a, b)
