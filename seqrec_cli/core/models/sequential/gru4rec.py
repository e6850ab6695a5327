"""GRU4Rec: a gated recurrent network over a user's history (Hidasi et al., ICLR 2016).

With the changes of "Recurrent Neural Networks with Top-k Gains" (Hidasi & Karatzoglou, CIKM 2018):
input and output share one item table (constrained embeddings, `tied`), and there is dropout on the
embeddings and on the hidden states. On purpose unlike it: the network reads a user's whole window
at once instead of session-parallel mini-batches, matrices start Xavier-normal, and what is read is
scaled by sqrt(D) as in SASRec: rows that small would hardly move the gates for many epochs.

Shapes: T slots (see packing.py), S of them without padding, D hidden size, N items. Item 0 is
padding.
"""

import math
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from seqrec_cli.core.batching.packing import Packed, Work
from seqrec_cli.core.kernels.scripting import scripted
from seqrec_cli.core.models.layers import (
    dropout,
    encode_padded,
    init_weights,
    look_up,
)
from seqrec_cli.core.models.sequential.tables import ItemTables, item_table
from seqrec_cli.core.randomness import Noise
from seqrec_cli.core.settings.base import Settings

# Rows of a gradient's factors made at a time, so that they stay in a core's own cache.
ROWS = 256


class GRU4RecConfig(Settings):
    """The `model` part of an experiment with `name: gru4rec`."""

    reads_features: ClassVar = False

    name: Literal["gru4rec"] = "gru4rec"
    hidden: int = Field(100, ge=1, description="hidden size, that of the item table")
    units: int | None = Field(
        None,
        ge=1,
        description="size of the recurrent states, before they are made as items are; "
        "null: as hidden, and nothing is to be made",
    )
    layers: int = Field(1, ge=1, le=100, description="recurrent layers")
    embedding_dropout: float = Field(0.2, ge=0, lt=1, description="dropout on what is read")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout on each layer's hidden states")
    max_length: int = Field(200, ge=1, description="items of a history the model reads")
    tied: bool = Field(True, description="score with the input's item table, or with its own")
    item_bias: bool = Field(
        False, description="add a learnt number to the score of each item, as the authors do"
    )


class GRU4Rec(ItemTables):
    """Encodes a history into one state a position and scores items against states."""

    def __init__(
        self, num_items: int, config: GRU4RecConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.max_length = config.max_length
        # A step costs much by itself: half as many parts, each of twice the rows.
        self.work = Work(linear=math.inf, coarseness=2)
        self.embedding_drop = config.embedding_dropout
        self.drop = config.dropout
        self.items = item_table(num_items, config.hidden)
        units = config.units or config.hidden
        sizes = [config.hidden, *[units] * config.layers]
        self.layers = nn.ModuleList(nn.GRU(a, b) for a, b in pairwise(sizes))
        self.out = nn.Identity() if config.units is None else nn.Linear(units, config.hidden)
        self.outputs = None if config.tied else item_table(num_items, config.hidden)
        self.biases = item_table(num_items, 1) if config.item_bias else None
        init_weights(self, generator)

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to states (T, D); those of padding mean nothing."""
        order, sizes = time_major(batch)
        x = look_up(self.items, batch.items[order]) * math.sqrt(self.items.embedding_dim)
        x = dropout(x, self.embedding_drop, noise)
        for layer in self.layers:
            assert isinstance(layer, nn.GRU)
            x = dropout(recur(x, sizes, layer), self.drop, noise)
        states: Tensor = self.out(x)
        if self.biases is not None:
            states = F.pad(states, (0, 1), value=1.0)
        return states.new_zeros(len(batch.items), states.shape[1]).index_copy(0, order, states)

    def forward(self, history: Tensor, noise: Noise | None = None) -> Tensor:
        """Map histories (B, L), padding on the left, to states (B, L, D); 0 at padding."""
        return encode_padded(self, history, noise)


def time_major(batch: Packed) -> tuple[Tensor, list[int]]:
    """The slots of all first items, then of all second ones, ...; and how many there are of each.

    Rows are in order of falling length, so those that go on are always the first ones. The slots
    are int64 (S,), without those of padding.
    """
    starts = torch.cat([torch.arange(a, b, length) for a, b, _, length in batch.bounds])
    lengths = batch.ages.cpu()[starts] + 1  # (R,)
    goes_on = torch.arange(int(lengths.max())).unsqueeze(1) < lengths  # (L, R)
    time, row = goes_on.nonzero(as_tuple=True)
    return (starts[row] + time).to(batch.ages.device), goes_on.sum(1).tolist()


def recur(x: Tensor, sizes: list[int], layer: nn.GRU) -> Tensor:
    """The states of a layer of gated recurrent units, (S, E) -> (S, D), in time-major order.

    The first `sizes[0]` rows are the first items, the next `sizes[1]` the second items of those
    histories that have one, and so on: what `nn.GRU` makes of a PackedSequence.
    """
    weights = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return layer(PackedSequence(x, torch.tensor(sizes)))[0].data  # type: ignore[no-any-return]
    return Recurrence.apply(x, *weights, sizes)  # type: ignore[no-any-return, no-untyped-call]


class Recurrence(torch.autograd.Function):
    """`nn.GRU` with one node for all steps, and little left to do in each (Cho et al., 2014).

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r * (U_n h)),
    h' = n + z * (h - n), with biases on every product. Going back, the gradients of all four
    gates' sums are the state's gradient times factors known beforehand, for all steps at once.

    What a step does beside its products costs as much as they do: so sums grow where they lie.
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
        x, read, recurrent, both, new, kept, states = ctx.saved_tensors
        before, sizes = previous(states, ctx.sizes), ctx.sizes
        r, z = both.chunk(2, dim=1)
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
        # The input's sum of n has not gone through r.
        torch.mul(whole, (1 - z).mul_(1 - new.square()), out=dsums[:, 2])
        dread_bias = torch.cat((drecurrent_bias[:2], dsums[:, 2].sum(0, keepdim=True)))
        dsums = dsums.flatten(1)
        biases = dread_bias.flatten(), drecurrent_bias.flatten()
        return dsums @ read, dsums.T @ x, drecurrent, *biases, None


@scripted
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
    """Fill `states` and `kept` (S, D); the gates' sums of what is read become the gates."""
    r, z = both.chunk(2, dim=1)
    begin = 0
    for size in sizes:
        before = before[:size]
        gates, keep = both.narrow(0, begin, size), kept.narrow(0, begin, size)
        gates.addmm_(before, to_both).sigmoid_()
        torch.addmm(bias, before, to_new, out=keep)
        candidate = new.narrow(0, begin, size).addcmul_(r.narrow(0, begin, size), keep).tanh_()
        update, state = z.narrow(0, begin, size), states.narrow(0, begin, size)
        before = torch.lerp(candidate, before, update, out=state)
        begin += size


@scripted
def step_back(
    whole: Tensor, factors: Tensor, dsums: Tensor, z: Tensor, recurrent: Tensor, sizes: list[int]
) -> None:
    """Fill `dsums` (S, 3, D) but for the first step; `whole` becomes the states' gradients."""
    flat = dsums.flatten(1)
    begin = len(whole)
    for step in range(len(sizes) - 1, 0, -1):
        size = sizes[step]
        begin -= size
        g = whole.narrow(0, begin, size)
        torch.mul(g.unsqueeze(1), factors.narrow(0, begin, size), out=dsums.narrow(0, begin, size))
        # Those of the step before that go on are its first ones.
        earlier = whole.narrow(0, begin - sizes[step - 1], size)
        earlier.addcmul_(g, z.narrow(0, begin, size)).addmm_(flat.narrow(0, begin, size), recurrent)


def previous(states: Tensor, sizes: list[int]) -> Tensor:
    """For each row (S, D) in time-major order the same history's row before it; 0 for the first."""
    found = torch.zeros_like(states)
    pieces = torch.split(states, sizes)
    for now, before in zip(torch.split(found, sizes)[1:], pieces[:-1], strict=True):
        now.copy_(before[: len(now)])
    return found
