"""A gated recurrent unit over packed histories, forward and backward.

Shapes: S items of all histories, in time-major order, E input size, D hidden size. The plain twin
is torch's `nn.GRU`, which computes on other devices too.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqrec_cli.core.kernels.switch import fast

# Rows of factors computed at a time, so that they stay in the cache of one core.
ROWS = 256


def recur(x: Tensor, sizes: list[int], layer: nn.GRU) -> Tensor:
    """The states of a layer of gated recurrent units, (S, E) -> (S, D), in time-major order.

    The first `sizes[0]` rows are the first items, the next `sizes[1]` the second items of the
    histories that have one, and so on, as in a PackedSequence.
    """
    weights = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0
    if not fast("gru") or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return layer(PackedSequence(x, torch.tensor(sizes)))[0].data  # type: ignore[no-any-return]
    return Recurrence.apply(x, *weights, sizes)  # type: ignore[no-any-return, no-untyped-call]


class Recurrence(torch.autograd.Function):
    """`nn.GRU` as one node for all steps, with few operations in each step (Cho et al., 2014).

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r * (U_n h)),
    h' = n + z * (h - n), with biases on every product. In the backward pass the gradients of the
    gates' sums are the state's gradient times factors that are computed for all steps beforehand.

    The small operations of a step cost as much as its products, so sums are accumulated in place.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        read: Tensor,
        recurrent: Tensor,
        read_bias: Tensor,
        recurrent_bias: Tensor,
        sizes: list[int],
    ) -> Tensor:
        """Map the input x (S, E) to the states (S, D); all float32.

        `read` is (3 D, E), `recurrent` (3 D, D), the biases (3 D,), gates in the order r, z, n.
        """
        hidden = recurrent.shape[1]
        for_both, for_new = slice(2 * hidden), slice(2 * hidden, None)
        bias = read_bias[for_both] + recurrent_bias[for_both]
        both = torch.addmm(bias, x, read[for_both].T)  # (S, 2 D): r, z
        new = torch.addmm(read_bias[for_new], x, read[for_new].T)  # (S, D)
        kept, states = torch.empty_like(new), torch.empty_like(new)
        bias, to_both = recurrent_bias[for_new], recurrent[for_both].T.contiguous()
        to_new, before = recurrent[for_new].T.contiguous(), x.new_zeros(sizes[0], hidden)
        step_through(both, new, kept, states, before, bias, to_both, to_new, sizes)
        ctx.save_for_backward(x, read, recurrent, both, new, kept, states)
        ctx.sizes = sizes
        return states

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the states' gradient (S, D) to those of x and the four weights, float32."""
        x, read, recurrent, both, new, kept, states = ctx.saved_tensors
        before, sizes = previous(states, ctx.sizes), ctx.sizes
        r, z = both.chunk(2, dim=1)
        # The factors of the state's gradient for r, z and n, computed before the steps.
        factors = grad.new_empty(len(x), 3, recurrent.shape[1])
        pieces = (torch.split(t, ROWS) for t in (r, z, new, kept, before, factors))
        for reset, update, candidate, keep, last, factor in zip(*pieces, strict=True):
            by_new = (1 - candidate.square()).mul_(1 - update)
            torch.mul(by_new, reset, out=factor[:, 2])
            torch.mul(keep, factor[:, 2], out=factor[:, 0]).mul_(1 - reset)
            torch.mul(last - candidate, update, out=factor[:, 1]).mul_(1 - update)
        dsums = torch.empty_like(factors)
        whole = grad.clone(memory_format=torch.contiguous_format)
        step_back(whole, factors, dsums, z, recurrent, sizes)
        first = slice(sizes[0])
        torch.mul(whole[first].unsqueeze(1), factors[first], out=dsums[first])
        drecurrent, drecurrent_bias = dsums.flatten(1).T @ before, dsums.sum(0)
        # The input of n does not pass through r.
        torch.mul(whole, (1 - z).mul_(1 - new.square()), out=dsums[:, 2])
        dread_bias = torch.cat((drecurrent_bias[:2], dsums[:, 2].sum(0, keepdim=True)))
        dsums = dsums.flatten(1)
        biases = dread_bias.flatten(), drecurrent_bias.flatten()
        return dsums @ read, dsums.T @ x, drecurrent, *biases, None


def step_through(
    both: Tensor,
    new: Tensor,
    kept: Tensor,
    states: Tensor,
    before: Tensor,
    bias: Tensor,
    to_both: Tensor,
    to_new: Tensor,
    sizes: list[int],
) -> None:
    """Fill `states` and `kept` (S, D); `both` and `new`, sums of the input, become the gates."""
    # All views are made before the loop: a view costs as much as an operation.
    tensors = both, *both.chunk(2, dim=1), new, kept, states
    pieces = (torch.split(t, sizes) for t in tensors)
    for size, gates, reset, update, candidate, keep, state in zip(sizes, *pieces, strict=True):
        before = before[:size]
        gates.addmm_(before, to_both).sigmoid_()
        torch.addmm(bias, before, to_new, out=keep)
        candidate.addcmul_(reset, keep).tanh_()
        before = torch.lerp(candidate, before, update, out=state)


def step_back(
    whole: Tensor, factors: Tensor, dsums: Tensor, z: Tensor, recurrent: Tensor, sizes: list[int]
) -> None:
    """Fill `dsums` (S, 3, D) except for the first step; `whole` becomes the states' gradients."""
    tensors = whole, whole.unsqueeze(1), factors, dsums, dsums.flatten(1), z
    pieces = [torch.split(t, sizes) for t in tensors]
    steps = list(zip(*pieces, strict=True))
    for step in range(len(sizes) - 1, 0, -1):
        g, tall, factor, dsum, flat, update = steps[step]
        torch.mul(tall, factor, out=dsum)
        # Of the step before, the first rows are those of histories that continue.
        earlier = steps[step - 1][0][: sizes[step]]
        earlier.addcmul_(g, update).addmm_(flat, recurrent)


def previous(states: Tensor, sizes: list[int]) -> Tensor:
    """The previous state of the same history for each row (S, D), time-major; 0 for the first."""
    rows_before = torch.zeros_like(states)
    pieces = torch.split(states, sizes)
    for now, before in zip(torch.split(rows_before, sizes)[1:], pieces[:-1], strict=True):
        now.copy_(before[: len(now)])
    return rows_before
