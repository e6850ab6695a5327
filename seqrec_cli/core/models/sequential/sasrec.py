"""SASRec: self-attention over a user's history (Kang & McAuley, ICDM 2018).

`norm: sasrec` follows the authors' TensorFlow code (github.com/kang205/SASRec): the residual is
taken from the normalised query, padding gets no attention. `pre` and `post` are the usual
Transformer blocks. Positions count back from the newest item, which is what right-aligned
windows amount to; layer norms have eps 1e-8; matrices start Xavier-normal.

`block: ligr` has gated residuals and SwiGLU networks instead (LiGR: Borisyuk et al., 2025; in
sequential recommendation eSASRec: Tikhonovich et al., RecSys 2025). With `convolution` each of
their layers reads every position together with the few before it, by a depthwise convolution with
a residual, which starts at 0 (So et al., "Primer", NeurIPS 2021; Allen-Zhu, "Canon layers", 2025).
With `recurrent` the blocks read, beside each item and its position, what a gated recurrent layer
(Cho et al., EMNLP 2014) makes of the items up to it: an order that attention has to learn.

With `padding` attention sees the padding of the window too, as in github.com/pmixer/SASRec.pytorch:
as zeros in its first versions, with states of its own in the later ones (see padding.py).

Shapes: B histories, L positions, T slots (see packing.py), D hidden size, K candidates, N items.
Item 0 is padding.
"""

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import ATTENTION, Packed, time_major
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.kernels.attention import causal_attention
from seqrec_cli.core.kernels.convolution import convolve
from seqrec_cli.core.kernels.dropout import Noise, add_onto, dropout
from seqrec_cli.core.kernels.folded_head import one_head
from seqrec_cli.core.kernels.gru import recur
from seqrec_cli.core.models.layers import encode_padded, init_weights
from seqrec_cli.core.models.sequential.content import ContentSettings
from seqrec_cli.core.models.sequential.newest import Newest
from seqrec_cli.core.models.sequential.padding import one_slot, with_padding
from seqrec_cli.core.models.sequential.tables import ItemTables, item_table, make_content

Norm = Literal["sasrec", "pre", "post"]
BlockName = Literal["sasrec", "ligr"]


class SASRecConfig(ContentSettings):
    """The `model` part of an experiment with `name: sasrec`."""

    name: Literal["sasrec"] = "sasrec"
    hidden: int = Field(50, ge=1, description="hidden size")
    blocks: int = Field(2, ge=0, le=100, description="blocks of attention and feed-forward network")
    heads: int = Field(1, ge=1, description="attention heads")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout, attention weights included")
    max_length: int = Field(
        200, ge=1, description="most recent items of a history that the model reads"
    )
    norm: Norm = Field("sasrec", description="where layers are normalized")
    block: BlockName = Field(
        "sasrec", description="blocks as published, or with gated residuals and SwiGLU (ligr)"
    )
    expansion: int = Field(
        1, ge=1, description="inner size of the feed-forward network, in multiples of hidden"
    )
    convolution: int = Field(
        0, ge=0, description="width of causal convolution before a layer, with block: ligr; 0: none"
    )
    recurrent: int = Field(
        0,
        ge=0,
        description="units of a gated recurrent layer that the blocks read too, with block: ligr; "
        "0: none",
    )
    recurrent_dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout on the states of that layer"
    )
    padding: Literal["masked", "zeros", "states"] = Field(
        "masked",
        description="how attention sees the padding before a short history: not, as zeros, or with "
        "states of its own; SASRec.pytorch does the latter two",
    )
    tied: bool = Field(
        True, description="score with the input item table; false: with a second table"
    )

    @model_validator(mode="after")
    def settings_agree(self) -> "SASRecConfig":
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) is not a multiple of heads ({self.heads})")
        if self.block == "ligr" and self.norm != "pre":
            raise ValueError(f"block: ligr normalises before its layers: norm is {self.norm}")
        if self.convolution and self.block != "ligr":
            raise ValueError(f"convolution ({self.convolution}) is there for block: ligr alone")
        if self.recurrent and self.block != "ligr":
            raise ValueError(f"recurrent ({self.recurrent}) is there for block: ligr alone")
        unread = SASRecConfig.model_fields["recurrent_dropout"].default
        if self.recurrent_dropout != unread and not self.recurrent:
            dropout = self.recurrent_dropout
            raise ValueError(f"recurrent_dropout ({dropout}) is there with recurrent alone")
        if self.padding != "masked" and self.block == "ligr":
            raise ValueError(f"padding ({self.padding}) is there for block: sasrec alone")
        return self


class SASRec(ItemTables):
    """Encodes a history into one state a position and scores items against states."""

    settings_class: ClassVar = SASRecConfig

    def __init__(
        self,
        num_items: int,
        config: SASRecConfig,
        generator: torch.Generator | None = None,
        features: Features | None = None,
    ) -> None:
        super().__init__()
        self.max_length = config.max_length
        self.cost = ATTENTION
        self.drop = config.dropout
        self.padding = config.padding
        self.items = item_table(num_items, config.hidden)
        self.positions = nn.Embedding(config.max_length, config.hidden)
        self.recurrence = RecurrentLayer(config) if config.recurrent else None
        made = LiGRBlock if config.block == "ligr" else Block
        self.blocks = nn.ModuleList(made(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.hidden, eps=1e-8)
        self.outputs = None if config.tied else item_table(num_items, config.hidden)
        self.biases = None
        self.content = make_content(config.hidden, config, features)
        init_weights(self, generator)
        if self.content is not None:
            self.content.begin()

    def forward(self, history: Tensor, noise: Noise | None = None) -> Tensor:
        """Map histories (B, L), padding on the left, to states (B, L, D); 0 at padding.

        State t has seen items 0 to t and none later. L is at most max_length. With `noise`,
        dropout is on.
        """
        return encode_padded(self, history, noise)

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to states (T, D); those of padding mean nothing."""
        x = self.embed(batch, noise)
        empty = one_slot(x.device)
        # What padding is: (1, D).
        pad = None if self.padding == "masked" else torch.zeros_like(x[:1])
        for block in self.blocks:
            x = block(x, batch, noise, pad)
            if self.padding == "states":
                pad = block(pad, empty, None)
        return self.norm(x)  # type: ignore[no-any-return]

    def embed(self, batch: Packed, noise: Noise | None) -> Tensor:
        """The items of packed histories with their places, (T, D)."""
        # ICDM 2018, section III-A; the scale is the authors' code's, as in Vaswani et al.
        items = self.read_items(batch.items, noise)
        places = self.positions(self.max_length - 1 - batch.ages)
        scale = math.sqrt(self.items.embedding_dim)
        x = dropout(torch.add(places, items, alpha=scale), self.drop, noise)
        if self.recurrence is not None:
            x = self.recurrence(x, dropout(items * scale, self.drop, noise), batch, noise)
        return x

    def encode_newest(self, batch: Packed) -> Tensor:
        """The states of the newest items alone, (B, D), as `encode` has them but for rounding."""
        if self.padding != "masked":
            return self.encode(batch)[batch.last]
        *blocks, last = self.blocks
        assert isinstance(last, Block | LiGRBlock)
        x = self.embed(batch, None)
        for block in blocks:
            x = block(x, batch, None)
        newest = Newest.of(batch, 1 + last.lags)
        states: Tensor = self.norm(last.newest(x, newest))
        return newest.in_order(states)


class RecurrentLayer(nn.Module):
    """A gated recurrent layer beside the positions of items: x + O(dropout(states(items)))."""

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.drop = config.recurrent_dropout
        self.layer = nn.GRU(config.hidden, config.recurrent)
        self.out = nn.Linear(config.recurrent, config.hidden)

    def forward(self, x: Tensor, items: Tensor, batch: Packed, noise: Noise | None) -> Tensor:
        """Add to x (T, D) what the layer makes of the items (T, D) up to each."""
        order, sizes = time_major(batch)
        states = dropout(recur(items[order], sizes, self.layer), self.drop, noise)
        return x.index_add(0, order, self.out(states))


class Block(nn.Module):
    """Attention over the history, then a network on each position."""

    lags = 0  # how many earlier positions the network reads

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.placement = config.norm
        self.drop = config.dropout
        self.attention_norm = nn.LayerNorm(config.hidden, eps=1e-8)
        self.attention = SelfAttention(config)
        self.network_norm = nn.LayerNorm(config.hidden, eps=1e-8)
        inner = config.hidden * config.expansion
        self.inner = nn.Linear(config.hidden, inner)
        self.outer = nn.Linear(inner, config.hidden)

    def forward(
        self, x: Tensor, batch: Packed, noise: Noise | None, pad: Tensor | None = None
    ) -> Tensor:
        """(T, D) -> (T, D); `pad` is what stands in the padding before a history, (1, D)."""
        if self.placement == "sasrec":
            q = self.attention_norm(x)
            x = self.network_norm(add_onto(self.attention(q, x, batch, noise, pad), q))
            return add_onto(self.network(x, noise), x)
        if self.placement == "pre":
            y = self.attention_norm(x)
            pad = None if pad is None else self.attention_norm(pad)
            x = x + self.attention(y, y, batch, noise, pad)
            return x + self.network(self.network_norm(x), noise)
        x = self.attention_norm(x + self.attention(x, x, batch, noise, pad))
        return self.network_norm(x + self.network(x, noise))  # type: ignore[no-any-return]

    def newest(self, x: Tensor, newest: Newest) -> Tensor:
        """`forward` at the newest positions alone: (T, D) -> (B, D)."""
        y = x if self.placement == "post" else self.attention_norm(x)
        own = x[newest.slots[:, 0]]
        if self.placement == "sasrec":
            q = self.attention_norm(own)
            own = self.network_norm(q + self.attention.newest(q.unsqueeze(1), x, newest)[:, 0])
            return add_onto(self.network(own, None), own)
        read = self.attention.newest(y[newest.slots], y, newest)[:, 0]
        if self.placement == "pre":
            own = own + read
            return own + self.network(self.network_norm(own), None)
        own = self.attention_norm(own + read)
        return self.network_norm(own + self.network(own, None))  # type: ignore[no-any-return]

    def network(self, x: Tensor, noise: Noise | None) -> Tensor:
        """The point-wise network, ICDM 2018 equation 4: a 1x1 convolution is a Linear."""
        if (
            noise is None
            or not self.drop
            or x.device.type != "cpu"
            or torch.is_autocast_enabled("cpu")
        ):
            inner = dropout(F.relu(self.inner(x)), self.drop, noise)
            return dropout(self.outer(inner), self.drop, noise)
        # The same with both scales of dropout on the weights: two passes over the slots fewer.
        scale = 1 / (1 - self.drop)
        h = self.inner(x).relu_()
        h = h * noise.kept(h.shape, self.drop)
        y = F.linear(h, self.outer.weight * scale**2, self.outer.bias * scale)
        return y.mul_(noise.kept(y.shape, self.drop))


class LiGRBlock(nn.Module):
    """Attention, then a SwiGLU network (Shazeer 2020), each behind a gate that looks at its input.

    x + sigmoid(G x) * dropout(layer(norm(x))), twice.
    """

    attention_mix: Tensor | None
    network_mix: Tensor | None

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.drop = config.dropout
        self.attention_norm = nn.LayerNorm(config.hidden, eps=1e-8)
        self.attention = SelfAttention(config)
        self.attention_gate = nn.Linear(config.hidden, config.hidden)
        self.network_norm = nn.LayerNorm(config.hidden, eps=1e-8)
        inner = config.hidden * config.expansion
        self.inner = nn.Linear(config.hidden, 2 * inner, bias=False)
        self.outer = nn.Linear(inner, config.hidden, bias=False)
        self.network_gate = nn.Linear(config.hidden, config.hidden)
        for name in ("attention_mix", "network_mix"):
            mix = nn.Parameter(torch.zeros(config.convolution, config.hidden))
            self.register_parameter(name, mix if config.convolution else None)

    def forward(self, x: Tensor, batch: Packed, noise: Noise | None, pad: None = None) -> Tensor:
        """(T, D) -> (T, D)."""
        y = mixed(self.attention_norm(x), self.attention_mix, batch)
        y = dropout(self.attention(y, y, batch, noise), self.drop, noise)
        x = torch.addcmul(x, torch.sigmoid(self.attention_gate(x)), y)
        y = mixed(self.network_norm(x), self.network_mix, batch)
        return self.gated(x, y, noise)

    def gated(self, x: Tensor, y: Tensor, noise: Noise | None) -> Tensor:
        """Add to x (..., D) what the network makes of y, behind its gate."""
        gate, value = self.inner(y).chunk(2, dim=-1)
        y = dropout(F.silu(gate) * value, self.drop, noise)  # (..., inner)
        y = dropout(self.outer(y), self.drop, noise)
        return torch.addcmul(x, torch.sigmoid(self.network_gate(x)), y)

    @property
    def lags(self) -> int:
        """How many earlier positions the network reads."""
        return 0 if self.network_mix is None else len(self.network_mix)

    def newest(self, x: Tensor, newest: Newest) -> Tensor:
        """`forward` at the newest positions alone: (T, D) -> (B, D)."""
        y = mixed(self.attention_norm(x), self.attention_mix, newest.batch)
        x = x[newest.slots]  # (B, K, D), as the network reads K - 1 positions before the newest
        y = self.attention.newest(y[newest.slots], y, newest)
        x = torch.addcmul(x, torch.sigmoid(self.attention_gate(x)), y)
        y = newest.convolve(self.network_norm(x), self.network_mix)
        return self.gated(x[:, 0], y, None)


def mixed(x: Tensor, weights: Tensor | None, batch: Packed) -> Tensor:
    """What `convolve` makes of x (T, D), if there are weights for it."""
    return x if weights is None else convolve(x, weights, batch)


class SelfAttention(nn.Module):
    """Multi-head attention from one sequence of vectors to another, ICDM 2018 equations 2 and 3."""

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.drop = config.dropout
        self.window = config.max_length
        self.query = nn.Linear(config.hidden, config.hidden)
        # No bias: it would add the same to all scores of a query, which the softmax takes out.
        self.key = nn.Linear(config.hidden, config.hidden, bias=False)
        self.value = nn.Linear(config.hidden, config.hidden)
        self.out = nn.Linear(config.hidden, config.hidden)

    def forward(
        self,
        x: Tensor,
        source: Tensor,
        batch: Packed,
        noise: Noise | None,
        pad: Tensor | None = None,
    ) -> Tensor:
        """Queries from x (T, D), keys and values from source (T, D), and from `pad` (1, D) for the
        padding before a history -> (T, D)."""
        if self.heads == 1 and pad is None:
            layers = self.query, self.key, self.value, self.out
            return one_head(x, source, layers, batch, self.drop, noise)
        scale = math.sqrt(self.heads / x.shape[-1])
        q = F.linear(x, self.query.weight * scale, self.query.bias * scale)
        k, v = self.key(source), self.value(source)
        if pad is None:
            attended = causal_attention(q, k, v, batch, self.heads, self.drop, noise)
        else:
            padding = self.key(pad), self.value(pad)
            attended = with_padding(
                (q, k, v), padding, batch, self.window, self.heads, self.drop, noise
            )
        return self.out(attended)  # type: ignore[no-any-return]

    def newest(self, x: Tensor, source: Tensor, newest: Newest) -> Tensor:
        """Attention of the newest positions alone, from x (B, K, D) to source (T, D): (B, K, D).

        No key and no value is computed: q . K s = (K^T q) . s, and with weights a that sum to 1
        sum a (V s + c) = V (sum a s) + c.
        """
        hidden = x.shape[-1]
        size = hidden // self.heads
        keys, values = (layer.weight.view(self.heads, size, -1) for layer in (self.key, self.value))
        q = self.query(x).unflatten(-1, (self.heads, size)) / math.sqrt(size)
        read = newest.attend(torch.einsum("bkhd,hde->bkhe", q, keys), source)  # (B, K, H, D)
        v = torch.einsum("bkhe,hde->bkhd", read, values).flatten(2) + self.value.bias
        return self.out(v)  # type: ignore[no-any-return]
