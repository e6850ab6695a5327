"""What a training minimises: the loss that the experiment names, of a batch."""

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.batching.sequential import TrainBatch
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.experiment.sequential import TrainingConfig
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.interface import SequenceModel
from seqrec_cli.core.training import losses


def batch_loss(
    model: SequenceModel,
    states: Tensor,
    batch: TrainBatch,
    settings: TrainingConfig,
    noise: Noise | None = None,
) -> Tensor:
    """The mean loss over the batch's targets, weighted, of states (T, D)."""
    if settings.loss == "softmax":
        table = model.item_vectors(None, noise)
        weights = None
        if settings.half_life is not None:
            weights = torch.exp2(-batch.histories.ages / settings.half_life)
        return losses.softmax(
            states.float(),
            table,
            batch.targets,
            weights,
            settings.label_smoothing,
            model.excluded_items,
        )
    if settings.negatives_per == "batch":
        both = model.item_vectors(torch.cat((batch.targets, batch.negatives)), noise)
        own, others = both[: len(states)], both[len(states) :]  # (T, D), (K, D)
        if settings.loss == "sampled_softmax":
            vectors = states.float(), own.float(), others.float()
            return losses.shared_softmax(
                *vectors, batch.targets, batch.negatives, batch.log_probabilities
            )
        positive, negatives = (states * own).sum(-1), states @ others.T
        drawn = (batch.negatives != batch.targets.unsqueeze(1)) & (batch.targets != PAD)[:, None]
        log_probabilities = None
    elif settings.negatives_per == "history":
        positive, negatives, drawn, log_probabilities = history_scores(model, states, batch, noise)
    else:
        candidates = torch.cat((batch.targets.unsqueeze(1), batch.negatives), dim=1)
        scores = model.score(states, candidates, noise)  # (T, 1 + K)
        positive, negatives = scores[:, 0], scores[:, 1:]
        drawn, log_probabilities = batch.negatives != PAD, batch.log_probabilities
    positive, negatives = positive.float(), negatives.float()
    masks = (batch.targets != PAD).to(positive.dtype), drawn.to(positive.dtype)
    if settings.loss == "bce":
        return losses.bce(positive, negatives, *masks)
    if settings.loss == "sampled_softmax":
        return losses.sampled_softmax(positive, negatives, *masks, log_probabilities)
    if settings.score_elu is not None:
        positive, negatives = (F.elu(x, settings.score_elu) for x in (positive, negatives))
    if settings.loss == "bpr":
        return losses.bpr(positive, negatives, *masks)
    if settings.loss == "bpr_max":
        return losses.bpr_max(positive, negatives, *masks, settings.bpr_max_regularisation)
    num_items = model.items.num_embeddings - 1
    beta = losses.gbce_beta(settings.gbce_t, settings.negatives, num_items)
    return losses.gbce(positive, negatives, *masks, beta)


def history_scores(
    model: SequenceModel, states: Tensor, batch: TrainBatch, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Scores of targets (T,) and of its history's negatives, which of them count, and the logs
    of their probabilities.

    All but the first are (T, K); the last is None if the batch has none.
    """
    scores, drawn, log_probabilities = [], [], []
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
            log_probabilities.append(own_logs.expand(-1, block.shape[1], -1).flatten(0, 1))
        rows += len(block)
    positive = (vectors[size:] * states).sum(-1)
    return (
        positive,
        torch.cat(scores),
        torch.cat(drawn),
        torch.cat(log_probabilities) if log_probabilities else None,
    )
