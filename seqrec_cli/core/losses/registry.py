"""The registry of losses: to add one, write its function and its settings and add its line here."""

from typing import Any

from seqrec_cli.core.losses import full, sampled
from seqrec_cli.core.losses.interface import Loss, LossSettings
from seqrec_cli.core.settings.registry import Choice, Registry, check_settings_class


def check_loss(name: str, loss: Any) -> None:
    """Refuse what is no loss of that name.

    Raises:
        ValueError: with what is wrong.
    """
    if not isinstance(loss, Loss):
        raise ValueError(f"it is no `Loss` but {type(loss).__name__}")
    check_settings_class(name, loss, LossSettings)


LOSSES: Registry[Loss] = Registry(
    "loss",
    "seqrec.losses",
    {
        "bce": Loss(sampled.BCESettings, sampled.bce),
        "gbce": Loss(sampled.GBCESettings, sampled.gbce),
        "sampled_softmax": Loss(
            sampled.SampledSoftmaxSettings,
            sampled.sampled_softmax,
            of_shared=sampled.shared_softmax,
        ),
        "softmax": Loss(full.SoftmaxSettings, of_catalogue=full.softmax),
        "bpr": Loss(sampled.BPRSettings, sampled.bpr),
        "bpr_max": Loss(sampled.BPRMaxSettings, sampled.bpr_max),
    },
    check_loss,
)

LOSS = Choice(LOSSES, "bce", "a loss", flat=True)
