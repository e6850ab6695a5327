"""A GRU whose update gate is scaled or replaced at each step: the recurrences of DIEN.

    r = sigmoid(W_r x + U_r h + b_r), u = sigmoid(W_u x + U_u h + b_u),
    n = tanh(W_n x + r * (U_n h) + b_n), h' = (1 - g) * h + g * n

With an attention weight a for each step, g is a * u (AUGRU), or a itself (AGRU, which has no u).
With a mask of 1 and 0 for a it is a plain GRU over padded rows: where the mask is 0 the state
stays, so the last state is that of the last real step. (`torch.nn.GRU` has 1 - u for our u, and a
bias inside the reset.)

Shapes: B rows, T steps, I input size, D hidden size, G gates: 3, or 2 without u.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.kernels.switch import fast


class GatedUnit(nn.Module):
    """The recurrence with its weights: gates in the order r, u (unless replaced), n."""

    def __init__(
        self, size: int, hidden: int, generator: torch.Generator | None, replaced: bool = False
    ) -> None:
        super().__init__()
        gates = 2 if replaced else 3
        self.replaced = replaced
        self.read = nn.Parameter(torch.empty(gates * hidden, size))
        self.recurrent = nn.Parameter(torch.empty(gates * hidden, hidden))
        self.bias = nn.Parameter(torch.zeros(gates * hidden))
        bound = 1 / math.sqrt(hidden)
        with torch.no_grad():
            for weights in (self.read, self.recurrent):
                weights.uniform_(-bound, bound, generator=generator)

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """Map x (B, T, I) and the scale of each step (B, T) to states (B, T, D)."""
        inputs = x, scale, self.read, self.recurrent, self.bias, self.replaced
        # On every device: torch has no such recurrence.
        if not fast("augru"):
            return plain_evolve(*inputs)
        return Evolve.apply(*inputs)  # type: ignore[no-any-return, no-untyped-call]


def plain_evolve(
    x: Tensor, scale: Tensor, read: Tensor, recurrent: Tensor, bias: Tensor, replaced: bool
) -> Tensor:
    """The plain twin of `Evolve`: one step after the other, gradients by autograd."""
    hidden = recurrent.shape[1]
    state, states = x.new_zeros(len(x), hidden), []
    for step, a in zip(x.unbind(1), scale.unsqueeze(2).unbind(1), strict=True):
        from_x, from_state = F.linear(step, read, bias), F.linear(state, recurrent)
        gates = torch.sigmoid((from_x + from_state)[:, :-hidden])
        r, *u = torch.split(gates, hidden, dim=1)  # (B, D) each
        n = torch.tanh(from_x[:, -hidden:] + r * from_state[:, -hidden:])
        gate = a if replaced else a * u[0]
        state = (1 - gate) * state + gate * n
        states.append(state)
    return torch.stack(states, dim=1)


class Evolve(torch.autograd.Function):
    """All steps as one node of autograd, with few operations in each step.

    The input goes through its weights for all steps at once. In the backward pass the gradient of a
    gate's sum is the state's gradient times a factor that is computed for all steps beforehand. The
    state's gradient is stored once for each gate, so a step is one product with the factors and one
    with the weights.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: Tensor,
        read: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        replaced: bool,
    ) -> Tensor:
        """Map x (B, T, I) and scale (B, T) to the states (B, T, D); all of one float type.

        `read` is (G D, I), `recurrent` (G D, D), `bias` (G D,).
        """
        gates, new, add, states = evolve(x, scale, read, recurrent, bias, replaced)
        ctx.save_for_backward(x, scale, read, recurrent, gates, new, add, states)
        ctx.replaced = replaced
        return states[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the states' gradient (B, T, D) to those of x, scale and the three weights."""
        x, scale, read, recurrent, gates, new, add, states = ctx.saved_tensors
        weights = read, recurrent
        return *evolve_back(grad, x, scale, *weights, gates, new, add, states, ctx.replaced), None


def evolve(
    x: Tensor, scale: Tensor, read: Tensor, recurrent: Tensor, bias: Tensor, replaced: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gates, candidates n and U_n h of each step (T, B, ...), and states (T + 1, B, D), first 0."""
    rows, steps, _ = x.shape
    hidden = recurrent.shape[1]
    flat = x.transpose(0, 1).flatten(0, 1)  # (T B, I)
    # r and u (unless replaced) together; n separately.
    gates = x.new_empty([steps, rows, len(recurrent) - hidden])
    new = x.new_empty([steps, rows, hidden])
    torch.addmm(bias[:-hidden], flat, read[:-hidden].T, out=gates.flatten(0, 1))
    torch.addmm(bias[-hidden:], flat, read[-hidden:].T, out=new.flatten(0, 1))
    to_gates, to_new = recurrent[:-hidden].T.contiguous(), recurrent[-hidden:].T.contiguous()
    add = torch.empty_like(new)
    states = x.new_zeros([steps + 1, rows, hidden])
    before = states[0]
    scaled = torch.empty_like(before)
    # All views are made before the loop: a view costs as much as an operation.
    tensors = gates, gates[..., :hidden], gates[..., -hidden:], new, add
    views = (t.unbind(0) for t in (*tensors, scale.T.unsqueeze(2), states[1:]))
    for both, reset, update, candidate, kept, a, state in zip(*views, strict=True):
        both.addmm_(before, to_gates).sigmoid_()
        torch.mm(before, to_new, out=kept)
        candidate.addcmul_(reset, kept).tanh_()
        passed = a.expand_as(before) if replaced else torch.mul(update, a, out=scaled)
        before = torch.lerp(before, candidate, passed, out=state)
    return gates, new, add, states


def evolve_back(
    grad: Tensor,
    x: Tensor,
    scale: Tensor,
    read: Tensor,
    recurrent: Tensor,
    gates: Tensor,
    new: Tensor,
    add: Tensor,
    states: Tensor,
    replaced: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, scale and the three weights."""
    hidden = recurrent.shape[1]
    before = states[:-1]
    a = scale.T.unsqueeze(2)  # (T, B, 1)
    r, u = gates[..., :hidden], gates[..., -hidden:]
    change = new - before
    passed = a.expand_as(new) if replaced else u * a
    by_new = torch.addcmul(passed, passed * new, new, value=-1)  # passed * (1 - new^2)
    to_reset = by_new * r
    factors = [by_sigmoid(to_reset * add, r), to_reset]
    if not replaced:
        factors.insert(1, by_sigmoid(change * a * u, u))
    gate_count = len(factors)
    sums = torch.cat(factors, dim=2)  # (T, B, G D): factors, and then gradients
    keep = torch.cat([1 - passed] * gate_count, dim=2)
    whole = torch.cat([grad.transpose(0, 1).contiguous()] * gate_count, dim=2)
    weights = torch.cat([recurrent] * gate_count, dim=1)
    grads, products, kept = (t.unbind(0) for t in (whole, sums, keep))
    for step in range(len(grads) - 1, 0, -1):
        products[step].mul_(grads[step])
        grads[step - 1].addmm_(products[step], weights).addcmul_(grads[step], kept[step])
    products[0].mul_(grads[0])
    g = whole[..., :hidden]
    flat = sums.flatten(0, 1)  # (T B, G D)
    drecurrent = flat.T @ before.flatten(0, 1)
    # The input of n does not pass through r.
    torch.mul(g, by_new, out=sums[..., -hidden:])
    dx = (flat @ read).view(whole.shape[0], whole.shape[1], -1).transpose(0, 1)
    dscale = (g * (change if replaced else change * u)).sum(dim=2).T
    return dx, dscale, flat.T @ x.transpose(0, 1).flatten(0, 1), drecurrent, flat.sum(0)


def by_sigmoid(product: Tensor, gate: Tensor) -> Tensor:
    """product * (1 - gate): for product = g * gate, the gradient of the sum inside a sigmoid."""
    return torch.addcmul(product, product, gate, value=-1)
