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
        weights = self.read, self.recurrent, self.bias
        return Evolve.apply(x, scale, *weights, self.replaced)  # type: ignore[no-any-return, no-untyped-call]


class Evolve(torch.autograd.Function):
    """All steps as one node, with little left to do in each.

    What is read goes through its weights for all steps at once. Going back, a gate's sum gets the
    gradient of the state times a factor that is known for all steps beforehand; the gradient lies
    there once for each gate, so that a step is a product with the factors and one with the weights.
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
        rows, steps, _ = x.shape
        hidden = recurrent.shape[1]
        x = x.transpose(0, 1).flatten(0, 1)  # (T B, I)
        # r, and u where it is not replaced; n by itself.
        gates = torch.addmm(bias[:-hidden], x, read[:-hidden].T).view(steps, rows, -1)
        new = torch.addmm(bias[-hidden:], x, read[-hidden:].T).view(steps, rows, -1)
        to_gates, to_new = recurrent[:-hidden].T.contiguous(), recurrent[-hidden:].T.contiguous()
        add = torch.empty_like(new)
        scale = scale.T.unsqueeze(2)  # (T, B, 1)
        states = x.new_zeros(steps + 1, rows, hidden)
        before, *later = states.unbind(0)
        scaled = torch.empty_like(before)
        r, u = gates[..., :hidden], gates[..., -hidden:]
        pieces = (piece.unbind(0) for piece in (gates, r, u, new, add, scale))
        for after, both, r_t, u_t, n, un, a in zip(later, *pieces, strict=True):
            both.addmm_(before, to_gates).sigmoid_()
            torch.mm(before, to_new, out=un)
            n.addcmul_(r_t, un).tanh_()
            passed = a.expand_as(n) if replaced else torch.mul(u_t, a, out=scaled)
            before = torch.lerp(before, n, passed, out=after)
        ctx.save_for_backward(x, scale, read, recurrent, gates, new, add, states)
        ctx.replaced = replaced
        return states[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, read, recurrent, gates, new, add, states = ctx.saved_tensors
        hidden = recurrent.shape[1]
        count = len(recurrent) // hidden  # of gates
        before = states[:-1]
        r, u = gates[..., :hidden], gates[..., -hidden:]
        change = new - before
        passed = scale.expand_as(new) if ctx.replaced else u * scale
        by_new = torch.ops.aten.tanh_backward(passed, new)  # passed * (1 - new^2)
        factors = [torch.ops.aten.sigmoid_backward(by_new * add, r), by_new * r]
        if not ctx.replaced:
            factors.insert(1, torch.ops.aten.sigmoid_backward(change * scale, u))
        sums = torch.cat(factors, dim=2)  # (T, B, G D): factors, and then gradients
        keep = torch.cat((1 - passed,) * count, dim=2)
        whole = torch.cat((grad.transpose(0, 1).contiguous(),) * count, dim=2)
        weights = torch.cat((recurrent,) * count, dim=1)
        pieces = list(zip(*(piece.unbind(0) for piece in (whole, sums, keep)), strict=True))
        for step in range(len(pieces) - 1, -1, -1):
            g, dsum, kept = pieces[step]
            dsum.mul_(g)
            if step:
                pieces[step - 1][0].addmm_(dsum, weights).addcmul_(g, kept)
        g = whole[..., :hidden]
        flat = sums.flatten(0, 1)  # (T B, G D)
        drecurrent = flat.T @ before.flatten(0, 1)
        # What is read has not gone through r.
        torch.mul(g, by_new, out=sums[..., -hidden:])
        dx = (flat @ read).view(*new.shape[:2], -1).transpose(0, 1)
        dscale = None
        if ctx.needs_input_grad[1]:
            dscale = (g * (change if ctx.replaced else change * u)).sum(dim=2).T
        return dx, dscale, flat.T @ x, drecurrent, flat.sum(0), None
