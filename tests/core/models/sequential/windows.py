"""What SASRec.pytorch computes, in NumPy, from the spec: whole right-aligned windows, every slot.

Written from its equations and the names of its weights, one query at a time, float64.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def windowed_states(
    w: Mapping[str, NDArray[np.float64]],
    windows: NDArray[np.int64],
    norm: str,
    heads: int,
    masked_rows: bool,
) -> NDArray[np.float64]:
    """The states of all slots (B, L, D) of windows (B, L), padding on the left.

    Args:
        w: the weights by their names there; `pos_emb.weight` has a row for padding, its first.
        masked_rows: whether padding is set to 0 after each block, as in the first versions.
    """
    return np.stack([of_window(w, window, norm, heads, masked_rows) for window in windows])


def of_window(w: Any, items: NDArray[np.int64], norm: str, heads: int, masked_rows: bool) -> Any:
    d = w["item_emb.weight"].shape[1]
    real = (items != 0).astype(float)[:, None]
    slots = np.arange(1, len(items) + 1) * (items != 0)
    x = (w["item_emb.weight"][items] * np.sqrt(d) + w["pos_emb.weight"][slots]) * real
    number = 0
    while f"attention_layernorms.{number}.weight" in w:
        first, second = f"attention_layernorms.{number}", f"forward_layernorms.{number}"
        if norm == "sasrec":
            q = layer_norm(w, first, x)
            x = layer_norm(w, second, q + attention(w, number, q, x, heads))
            x = x + network(w, number, x)
        elif norm == "pre":
            y = layer_norm(w, first, x)
            x = x + attention(w, number, y, y, heads)
            x = x + network(w, number, layer_norm(w, second, x))
        else:
            x = layer_norm(w, first, x + attention(w, number, x, x, heads))
            x = layer_norm(w, second, x + network(w, number, x))
        x = x * real if masked_rows else x
        number += 1
    return layer_norm(w, "last_layernorm", x)


def layer_norm(w: Any, name: str, x: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-8) * w[f"{name}.weight"] + w[f"{name}.bias"]


def attention(w: Any, number: int, queries: Any, source: Any, heads: int) -> Any:
    """torch's MultiheadAttention with a causal mask and no mask of padding."""
    name = f"attention_layers.{number}"
    weights = np.split(w[f"{name}.in_proj_weight"], 3)
    biases = np.split(w[f"{name}.in_proj_bias"], 3)
    inputs = (queries, source, source)
    q, k, v = (x @ m.T + b for x, m, b in zip(inputs, weights, biases, strict=True))
    out, size = np.zeros_like(q), q.shape[1] // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for t in range(len(q)):
            logits = k[: t + 1, part] @ q[t, part] / np.sqrt(size)
            shares = np.exp(logits - logits.max())
            out[t, part] = (shares / shares.sum()) @ v[: t + 1, part]
    return out @ w[f"{name}.out_proj.weight"].T + w[f"{name}.out_proj.bias"]


def network(w: Any, number: int, x: Any) -> Any:
    name = f"forward_layers.{number}"
    inner = x @ w[f"{name}.conv1.weight"][:, :, 0].T + w[f"{name}.conv1.bias"]
    outer = w[f"{name}.conv2.weight"][:, :, 0]
    return np.maximum(inner, 0) @ outer.T + w[f"{name}.conv2.bias"]
