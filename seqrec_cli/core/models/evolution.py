"""A GRU whose update gate is scaled or replaced step by step: the recurrences of DIEN.

    r = sigmoid(W_r x + U_r h + b_r), u = sigmoid(W_u x + U_u h + b_u),
    n = tanh(W_n x + r * (U_n h) + b_n), h' = (1 - g) * h + g * n

With a number a for each step, g is a * u (AUGRU), or a itself (AGRU, which has no u). A mask of 1
and 0 in its place makes it a plain GRU over padded rows: where it is 0 the state stays, so the last
state is that of the last real step. (`torch.nn.GRU` has 1 - u for our u, and a bias in the reset.)

Shapes: B rows, T steps, I size of what is read, D hidden size, G gates: 3, or 2 without u.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GatedUnit(nn.Module):
    """The recurrence with its weights: gates in the order r, u (not where it is replaced), n."""

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
        """Read x (B, T, I) with a number for each step (B, T); states (B, T, D)."""
        # What is read goes through the weights for all steps at once.
        gates = F.linear(x.transpose(0, 1), self.read, self.bias)  # (T, B, G D)
        states: Tensor = Evolve.apply(  # type: ignore[no-untyped-call]
            gates, self.recurrent, scale.T.unsqueeze(2), self.replaced
        )
        return states.transpose(0, 1)


class Evolve(torch.autograd.Function):
    """All steps as one node; going back, gates' gradients are the state's times known factors."""

    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, recurrent: Tensor, scale: Tensor, replaced: bool
    ) -> Tensor:
        """(T, B, G D), (G D, D), (T, B, 1) to states (T, B, D)."""
        steps, rows, _ = gates.shape
        hidden = recurrent.shape[1]
        gates = gates.clone(memory_format=torch.contiguous_format)
        sums = torch.empty_like(gates)
        states = gates.new_zeros(steps + 1, rows, hidden)
        passed = scale.expand(-1, -1, hidden) if replaced else torch.empty_like(states[1:])
        turned = recurrent.T.contiguous()
        new, old = gates[..., -hidden:], sums[..., -hidden:]
        pieces = (
            *(gates[..., :-hidden], sums[..., :-hidden], gates[..., :hidden], new, old),
            *(gates[..., hidden:-hidden], scale, passed, sums, states[:-1], states[1:]),
        )
        for squashed, add, r, n, un, u, a, g, whole, before, after in zip(
            *(piece.unbind(0) for piece in pieces), strict=True
        ):
            torch.mm(before, turned, out=whole)
            squashed.add_(add).sigmoid_()
            n.addcmul_(r, un).tanh_()
            if not replaced:
                torch.mul(u, a, out=g)
            torch.lerp(before, n, g, out=after)
        ctx.save_for_backward(recurrent, gates, old, passed, states)
        ctx.replaced = replaced
        return states[1:]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        recurrent, gates, old, passed, states = ctx.saved_tensors
        hidden = recurrent.shape[1]
        before = states[:-1]
        r, n = gates[..., :hidden], gates[..., -hidden:]
        change = n - before
        by_new = passed * (1 - n * n)
        factors = [by_new * old * r * (1 - r), by_new * r]
        if not ctx.replaced:
            u = gates[..., hidden:-hidden]
            factors.insert(1, change * passed * (1 - u))  # g (1 - u) = a u (1 - u)
        by_gate = torch.stack(factors, dim=2)  # (T, B, G, D)
        dsums = torch.empty_like(by_gate)
        whole = grad.clone(memory_format=torch.contiguous_format)
        keep = 1 - passed
        carry: Tensor | None = None
        pieces = (t.unbind(0) for t in (whole, by_gate, dsums, keep))
        for g, factor, dsum, kept in reversed(list(zip(*pieces, strict=True))):
            if carry is not None:
                g.add_(carry)
            torch.mul(g.unsqueeze(1), factor, out=dsum)
            carry = torch.addmm(g * kept, dsum.flatten(1), recurrent)
        flat = dsums.flatten(2)  # (T, B, G D)
        drecurrent = flat.flatten(0, 1).T @ before.flatten(0, 1)
        dscale = None
        if ctx.needs_input_grad[2]:
            through = change if ctx.replaced else change * u
            dscale = (whole * through).sum(dim=2, keepdim=True)
        # What is read has not gone through r.
        dsums[:, :, -1] = whole * by_new
        return flat, drecurrent, dscale, None
