"""The objective: the loss that the experiment names, of a batch.

Shapes: B histories, T slots, K negatives, D hidden size.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.batching.sequential import TrainBatch
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.experiment.sequential import TrainingConfig
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.losses.interface import AllItems, Scores, SharedNegatives
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.models.sequential.interface import SequenceModel


def batch_loss(
    model: SequenceModel,
    states: Tensor,
    batch: TrainBatch,
    settings: TrainingConfig,
    noise: Noise | None = None,
) -> Tensor:
    """The mean loss over the batch's targets, weighted, of states (T, D)."""
    loss = LOSSES[settings.loss.name]
    if loss.of_catalogue is not None:
        table = model.item_vectors(None, noise)
        half_life = settings.loss.target_half_life
        weights = None if half_life is None else torch.exp2(-batch.histories.ages / half_life)
        ahead = items_after(batch, settings.loss.num_targets_ahead)
        inputs = AllItems(
            states.float(), table, batch.targets, weights, model.excluded_items, ahead
        )
        return loss.of_catalogue(inputs, settings.loss)
    assert loss.of_scores is not None
    if settings.negatives_per == "batch":
        both = model.item_vectors(torch.cat((batch.targets, batch.negatives)), noise)
        own, others = both[: len(states)], both[len(states) :]  # (T, D), (K, D)
        if loss.of_shared is not None:
            vectors = states.float(), own.float(), others.float()
            items = batch.targets, batch.negatives
            shared = SharedNegatives(*vectors, *items, batch.log_probabilities)
            return loss.of_shared(shared, settings.loss)
        positive, negatives = (states * own).sum(-1), states @ others.T
        drawn = (batch.negatives != batch.targets.unsqueeze(1)) & (batch.targets != PAD)[:, None]
        logs = batch.log_probabilities
        logs = None if logs is None else logs.expand_as(negatives)
    elif settings.negatives_per == "history":
        positive, negatives, drawn, logs = history_scores(model, states, batch, noise)
    else:
        candidates = torch.cat((batch.targets.unsqueeze(1), batch.negatives), dim=1)
        scores = model.score(states, candidates, noise)  # (T, 1 + K)
        positive, negatives = scores[:, 0], scores[:, 1:]
        drawn, logs = batch.negatives != PAD, batch.log_probabilities
    positive, negatives = positive.float(), negatives.float()
    masks = (batch.targets != PAD).to(positive.dtype), drawn.to(positive.dtype)
    num_items = model.items.num_embeddings - 1
    return loss.of_scores(Scores(positive, negatives, *masks, logs, num_items), settings.loss)


def items_after(batch: TrainBatch, count: int) -> Tensor | None:
    """The `count` items after each target in its history, int64 (T, count), the next first; 0
    where the history has ended. None of a count of 0."""
    if not count:
        return None
    found = [
        F.pad(targets, (0, count)).unfold(1, count + 1, 1)[:, :, 1:].flatten(0, 1)
        for (targets,) in batch.histories.views(batch.targets)
    ]
    return torch.cat(found)


def history_scores(
    model: SequenceModel, states: Tensor, batch: TrainBatch, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Scores of targets and of their history's negatives, which of these count, and the logs of
    their probabilities.

    All but the first, (T,), are (T, K); the last is None if the batch has none.
    """
    scores, drawn, logs = [], [], []
    rows = 0
    size = batch.negatives.numel()
    vectors = model.item_vectors(torch.cat((batch.negatives.flatten(), batch.targets)), noise)
    negatives = vectors[:size].view(*batch.negatives.shape, -1)  # (B, K, D)
    for block, targets in batch.histories.views(states, batch.targets):
        own = batch.negatives[rows : rows + len(block)].unsqueeze(1)  # (R, 1, K)
        scores.append(torch.bmm(block, negatives[rows : rows + len(block)].mT).flatten(0, 1))
        drawn.append(((own != PAD) & (targets != PAD).unsqueeze(2)).flatten(0, 1))
        if batch.log_probabilities is not None:
            own_logs = batch.log_probabilities[rows : rows + len(block)].unsqueeze(1)
            logs.append(own_logs.expand(-1, block.shape[1], -1).flatten(0, 1))
        rows += len(block)
    positive = (vectors[size:] * states).sum(-1)
    return positive, torch.cat(scores), torch.cat(drawn), torch.cat(logs) if logs else None
