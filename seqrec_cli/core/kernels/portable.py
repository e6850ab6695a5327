"""The recurrences as operators that an exporter keeps whole, for every length of history.

Written as a loop, a recurrence would come out with as many steps as the example has. Outside of an
export they compute what the layers compute that they are made of.

Shapes: B histories, L positions, E input size, D hidden size, G gates.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.kernels.augru import GatedUnit
from seqrec_cli.core.kernels.private import onnx_operator, scan_steps


class PortableGRU(nn.Module):
    """`nn.GRU` of one layer as the operator GRU of ONNX, which has its gates in the order z, r, n.

    With `linear_before_reset` the reset gate scales the product with its bias, as in torch.
    """

    read: Tensor
    recurrent: Tensor
    biases: Tensor

    def __init__(self, layer: nn.GRU) -> None:
        super().__init__()
        self.layer = layer
        weights = {name: update_first(values) for name, values in layer.named_parameters()}
        self.register_buffer("read", weights["weight_ih_l0"][None])  # (1, 3 D, E)
        self.register_buffer("recurrent", weights["weight_hh_l0"][None])  # (1, 3 D, D)
        both = weights["bias_ih_l0"], weights["bias_hh_l0"]
        self.register_buffer("biases", torch.cat(both)[None])  # (1, 6 D)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, E) -> (B, L, D)."""
        steps = x.transpose(0, 1)
        if not torch.compiler.is_exporting():
            states: Tensor = self.layer(steps)[0]
            return states.transpose(0, 1)
        size = self.layer.hidden_size
        states = onnx_operator(
            "GRU",
            (steps, self.read, self.recurrent, self.biases),
            {"hidden_size": size, "linear_before_reset": 1},
            (steps.shape[0], 1, steps.shape[1], size),
        )
        return states.squeeze(1).transpose(0, 1)


def update_first(weights: Tensor) -> Tensor:
    """The rows of the gates r, z, n as z, r, n."""
    reset, update, new = weights.detach().chunk(3)
    return torch.cat((update, reset, new))


class PortableGatedUnit(nn.Module):
    """`GatedUnit` as one scan over the steps."""

    def __init__(self, unit: GatedUnit) -> None:
        super().__init__()
        self.unit = unit

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """Map x (B, L, E) and the scale of each step (B, L) to states (B, L, D)."""
        unit = self.unit
        recurrent, replaced = unit.recurrent, unit.replaced
        hidden = recurrent.shape[1]
        blocks = recurrent.shape[0] // hidden  # the gates, and what is new

        def step(state: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            from_x, a = inputs  # (B, G D), (B, 1)
            from_state = F.linear(state, recurrent)
            # Cut by their number: slices by a size are refused where torch takes it as unknown.
            *xs, new_x = from_x.chunk(blocks, dim=1)
            *states, new_state = from_state.chunk(blocks, dim=1)
            gates = [torch.sigmoid(x + s) for x, s in zip(xs, states, strict=True)]
            new = torch.tanh(new_x + gates[0] * new_state)
            gate = a if replaced else a * gates[1]
            after = (1 - gate) * state + gate * new
            return after, after.clone()

        sums = F.linear(x, unit.read, unit.bias).transpose(0, 1)  # (L, B, G D)
        first = torch.zeros_like(sums[0, :, :hidden])
        states = scan_steps(step, first, (sums, scale.transpose(0, 1).unsqueeze(2)))
        return states.transpose(0, 1)
