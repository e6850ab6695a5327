"""The weights of SASRec as github.com/pmixer/SASRec.pytorch names them, put into ours.

Its versions have the same names and differ in their blocks:

    first versions     norm: sasrec, positions 0 to L - 1, padding is 0 after each block
    later ones         norm: sasrec, positions 1 to L, padding has states of its own
    with --norm_first  norm: pre, or post without it; otherwise as the later ones

In all of them attention sees padding. Its bias of keys adds the same to all scores of a query and
is dropped.

Shapes: N items in the file, D hidden size, L positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqrec_cli.core.models.sequential.sasrec import Norm, SASRec
from seqrec_cli.errors import InputError

ITEMS, POSITIONS = "item_emb.weight", "pos_emb.weight"
NORMS: tuple[Norm, ...] = ("post", "pre", "sasrec")  # of later versions, the newest first
KINDS = ("attention", "forward")  # of layers, before `_layernorms`
HINT = "is it a file of SASRec.pytorch, with its `model.state_dict()`?"


@dataclass(frozen=True)
class ForeignSASRec:
    """Weights of SASRec.pytorch, all float32.

    Attributes:
        weights: by its names.
        items: N, the largest item id.
        positions: L.
        counts_from_one: whether it is of the versions whose positions count from 1.
    """

    weights: Mapping[str, Tensor]
    items: int
    positions: int
    hidden: int
    blocks: int
    counts_from_one: bool

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "ForeignSASRec":
        """Weights by name, checked: each is there, of the right size, finite, and no other.

        Raises:
            InputError: one is not.
        """
        for name in (ITEMS, POSITIONS):
            if name not in weights or weights[name].ndim != 2:
                raise InputError(f"it has no table `{name}`", HINT)
        rows, hidden = weights[ITEMS].shape
        blocks = sum(name.endswith("in_proj_weight") for name in weights)
        expected: dict[str, tuple[int, ...]] = {ITEMS: (rows, hidden)}
        expected[POSITIONS] = (len(weights[POSITIONS]), hidden)
        expected |= shapes_of(hidden, blocks)
        for name in (*expected, *weights):
            have = tuple(weights[name].shape) if name in weights else "missing"
            if have != expected.get(name):
                wanted = expected.get(name, "not there")
                raise InputError(f"its `{name}` is {have}, and should be {wanted}", HINT)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
            raise InputError("its weights are not all finite numbers", "train it again")
        counts_from_one = not weights[POSITIONS][0].any()
        if counts_from_one and weights[ITEMS][0].any():
            raise InputError("the row of padding in its `item_emb.weight` is not 0", HINT)
        floats = {name: tensor.float() for name, tensor in weights.items()}
        length = len(weights[POSITIONS]) - counts_from_one
        return cls(floats, rows - 1, length, hidden, blocks, counts_from_one)

    def settings(self, norm: Norm, heads: int, length: int) -> dict[str, Any]:
        """The settings of our model, besides dropout."""
        return {
            "hidden": self.hidden,
            "blocks": self.blocks,
            "heads": heads,
            "max_length": length,
            "norm": norm,
            "padding": "states" if self.counts_from_one else "zeros",
        }

    @property
    def norms(self) -> tuple[Norm, ...]:
        """The norms that the file may be of."""
        return NORMS if self.counts_from_one else ("sasrec",)

    @torch.no_grad()
    def put_into(self, model: SASRec, ids: Tensor) -> None:
        """Fill our model; item i of it has the id `ids[i - 1]`, int64 (items,), in 1 to N."""
        model.items.weight.zero_()
        model.items.weight[1:] = self.weights[ITEMS][ids]
        first = int(self.counts_from_one)
        model.positions.weight.copy_(self.weights[POSITIONS][first : first + model.max_length])
        state = model.state_dict()
        for number in range(self.blocks):
            for ours, theirs in translated(self.weights, number).items():
                state[f"blocks.{number}.{ours}"].copy_(theirs)
        for kind in ("weight", "bias"):
            state[f"norm.{kind}"].copy_(self.weights[f"last_layernorm.{kind}"])


def shapes_of(hidden: int, blocks: int) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights but the tables, by name."""
    square, vector = (hidden, hidden), (hidden,)
    found: dict[str, tuple[int, ...]] = {}
    for name in ("last_layernorm", *(f"{k}_layernorms.{n}" for n in range(blocks) for k in KINDS)):
        found |= {f"{name}.weight": vector, f"{name}.bias": vector}
    for number in range(blocks):
        attention, network = f"attention_layers.{number}", f"forward_layers.{number}"
        found[f"{attention}.in_proj_weight"] = (3 * hidden, hidden)
        found[f"{attention}.in_proj_bias"] = (3 * hidden,)
        found[f"{attention}.out_proj.weight"] = square
        found[f"{attention}.out_proj.bias"] = vector
        for layer in ("conv1", "conv2"):
            found[f"{network}.{layer}.weight"] = (*square, 1)
            found[f"{network}.{layer}.bias"] = vector
    return found


def translated(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """The weights of a block by our names."""
    attention, network = f"attention_layers.{number}", f"forward_layers.{number}"
    query, key, value = weights[f"{attention}.in_proj_weight"].chunk(3)
    query_bias, _, value_bias = weights[f"{attention}.in_proj_bias"].chunk(3)
    found = {
        "attention.query.weight": query,
        "attention.query.bias": query_bias,
        "attention.key.weight": key,
        "attention.value.weight": value,
        "attention.value.bias": value_bias,
        "inner.weight": weights[f"{network}.conv1.weight"].squeeze(2),
        "inner.bias": weights[f"{network}.conv1.bias"],
        "outer.weight": weights[f"{network}.conv2.weight"].squeeze(2),
        "outer.bias": weights[f"{network}.conv2.bias"],
    }
    for kind in ("weight", "bias"):
        found[f"attention.out.{kind}"] = weights[f"{attention}.out_proj.{kind}"]
        found[f"attention_norm.{kind}"] = weights[f"attention_layernorms.{number}.{kind}"]
        found[f"network_norm.{kind}"] = weights[f"forward_layernorms.{number}.{kind}"]
    return found
