"""A textbook implementation of SASRec and GRU4Rec, for comparison.

SASRec: `nn.MultiheadAttention`, every history padded to `max_length`, torch's dropout, one negative
for each position drawn in Python user by user, torch's Adam, a full sort of the scores of a batch
of users at a time. It follows the same equations as seqrec_cli/core/models/sequential/sasrec.py
(tests/benchmarks/test_reference.py compares the two) and is kept plain on purpose.

GRU4Rec: `nn.GRU` over histories padded to `max_length`, the logits of a whole batch at once,
torch's cross-entropy.

Shapes: B histories, L positions, D hidden size, N items.
"""

import random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec


class TextbookSASRec(nn.Module):
    """SASRec in modules of torch; weights have the names of seqrec's where possible."""

    def __init__(
        self, num_items: int, hidden: int, blocks: int, heads: int, drop: float, max_length: int
    ) -> None:
        super().__init__()
        self.items = nn.Embedding(num_items + 1, hidden, padding_idx=0)
        self.positions = nn.Embedding(max_length, hidden)
        self.dropout = nn.Dropout(drop)
        self.attention_norms = nn.ModuleList(nn.LayerNorm(hidden, eps=1e-8) for _ in range(blocks))
        self.attentions = nn.ModuleList(
            nn.MultiheadAttention(hidden, heads, drop, batch_first=True) for _ in range(blocks)
        )
        self.network_norms = nn.ModuleList(nn.LayerNorm(hidden, eps=1e-8) for _ in range(blocks))
        self.networks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(hidden, hidden),
                nn.ReLU(),
                nn.Dropout(drop),
                nn.Linear(hidden, hidden),
                nn.Dropout(drop),
            )
            for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(hidden, eps=1e-8)

    def forward(self, history: Tensor) -> Tensor:
        """(B, L), padding on the left, to (B, L, D)."""
        length = history.shape[1]
        padding = (history == 0).unsqueeze(-1)
        x = self.items(history) * self.items.embedding_dim**0.5
        x = self.dropout(x + self.positions(torch.arange(length))).masked_fill(padding, 0)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        for layer, attention in enumerate(self.attentions):
            q = self.attention_norms[layer](x)
            x = q + attention(q, x, x, attn_mask=future)[0]
            x = self.network_norms[layer](x)
            x = (x + self.networks[layer](x)).masked_fill(padding, 0)
        states: Tensor = self.norm(x)
        return states


@torch.no_grad()
def copy_weights(ours: SASRec, theirs: TextbookSASRec) -> None:
    """Copy our weights to the textbook model; our key layers have no bias."""
    for part in ("items", "positions", "norm"):
        getattr(theirs, part).load_state_dict(getattr(ours, part).state_dict())
    for layer, block in enumerate(ours.blocks):
        theirs.attention_norms[layer].load_state_dict(block.attention_norm.state_dict())
        theirs.network_norms[layer].load_state_dict(block.network_norm.state_dict())
        theirs.networks[layer][0].load_state_dict(block.inner.state_dict())
        theirs.networks[layer][3].load_state_dict(block.outer.state_dict())
        attention = theirs.attentions[layer]
        query, key, value = (getattr(block.attention, p) for p in ("query", "key", "value"))
        attention.in_proj_weight.copy_(torch.cat([p.weight for p in (query, key, value)]))
        biases = [query.bias, torch.zeros_like(query.bias), value.bias]
        attention.in_proj_bias.copy_(torch.cat(biases))
        attention.out_proj.load_state_dict(block.attention.out.state_dict())


def sample(history: NDArray[Any], num_items: int, max_length: int) -> tuple[NDArray[Any], ...]:
    """The window of one user, its targets and a negative for each, all (max_length,)."""
    inputs, targets, negatives = (np.zeros(max_length, np.int64) for _ in range(3))
    known = set(history.tolist())
    place = max_length - 1
    following = history[-1]
    for item in reversed(history[:-1]):
        inputs[place], targets[place] = item, following
        negative = random.randint(1, num_items)
        while negative in known:
            negative = random.randint(1, num_items)
        negatives[place] = negative
        following = item
        place -= 1
        if place < 0:
            break
    return inputs, targets, negatives


class TextbookTraining:
    """A model, its optimizer and its data."""

    def __init__(self, train: Sequences, num_items: int, batch_size: int, max_length: int) -> None:
        self.train, self.num_items = train, num_items
        self.batch_size, self.max_length = batch_size, max_length
        self.model = TextbookSASRec(num_items, 50, 2, 1, 0.2, max_length)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=False, foreach=False
        )

    def step(self, users: NDArray[np.int64]) -> float:
        """Train on a batch of users."""
        rows = [sample(self.train[int(user)], self.num_items, self.max_length) for user in users]
        inputs, targets, negatives = (
            torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True)
        )
        states = self.model(inputs)
        positive = (states * self.model.items(targets)).sum(-1)
        negative = (states * self.model.items(negatives)).sum(-1)
        real = targets > 0
        criterion = nn.BCEWithLogitsLoss()
        loss = criterion(positive[real], torch.ones_like(positive[real]))
        loss = loss + criterion(negative[real], torch.zeros_like(negative[real]))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


class TextbookGRU4Rec(nn.Module):
    """GRU4Rec of one layer in modules of torch; scores with its input table."""

    def __init__(self, num_items: int, config: GRU4RecConfig) -> None:
        super().__init__()
        units = config.units or config.hidden
        self.items = nn.Embedding(num_items + 1, config.hidden, padding_idx=0)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.recurrent = nn.GRU(config.hidden, units, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(units, config.hidden) if config.units else nn.Identity()

    def forward(self, history: Tensor) -> Tensor:
        """(B, L), padding on the right, to (B, L, D)."""
        x = self.embedding_dropout(self.items(history) * self.items.embedding_dim**0.5)
        states: Tensor = self.out(self.dropout(self.recurrent(x)[0]))
        return states

    @torch.no_grad()
    def copy_weights(self, ours: GRU4Rec) -> None:
        """Copy our weights."""
        self.items.load_state_dict(ours.items.state_dict())
        self.recurrent.load_state_dict(ours.layers[0].state_dict())
        self.out.load_state_dict(ours.out.state_dict())


class TextbookGRU4RecTraining:
    """A GRU4Rec model, its optimizer and its data."""

    def __init__(self, train: Sequences, num_items: int, config: GRU4RecConfig, lr: float) -> None:
        self.train, self.max_length = train, config.max_length
        self.model = TextbookGRU4Rec(num_items, config)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=lr, betas=(0.9, 0.98), fused=False, foreach=False
        )

    def step(self, users: NDArray[np.int64]) -> float:
        """Train on a batch of users."""
        windows = np.zeros((len(users), self.max_length + 1), np.int64)
        for row, user in enumerate(users):
            newest = self.train[int(user)][-self.max_length - 1 :]
            windows[row, : len(newest)] = newest
        rows = torch.from_numpy(windows)
        targets = rows[:, 1:].flatten()
        logits = self.model(rows[:, :-1]) @ self.model.items.weight.T  # (B, L, N + 1)
        logits[..., 0] = -torch.inf
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets, ignore_index=0)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


@torch.no_grad()
def textbook_ranks(
    model: TextbookSASRec,
    histories: Sequences,
    targets: NDArray[np.int32],
    max_length: int,
    batch_size: int = 128,
) -> NDArray[np.int64]:
    """The rank of each user's target among all items, seen ones excluded, by a full sort."""
    model.eval()
    ranks = []
    for start in range(0, len(histories), batch_size):
        window = np.zeros((min(batch_size, len(histories) - start), max_length), np.int64)
        for row in range(len(window)):
            newest = histories[start + row][-max_length:]
            window[row, max_length - len(newest) :] = newest
        scores = model(torch.from_numpy(window))[:, -1] @ model.items.weight.T
        scores[:, 0] = -torch.inf
        for row in range(len(window)):
            scores[row, torch.from_numpy(histories[start + row].astype(np.int64))] = -torch.inf
        order = scores.argsort(dim=1, descending=True)
        wanted = torch.from_numpy(targets[start : start + len(window)].astype(np.int64))
        ranks.append((order == wanted[:, None]).nonzero()[:, 1].numpy())
    model.train()
    return np.concatenate(ranks)
