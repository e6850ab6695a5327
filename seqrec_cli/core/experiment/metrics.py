"""The validation metric of an experiment whose model predicts the next item."""

from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.storage.text import is_digits

MOST_K = 10_000  # items in a list


def check_metric_at_k(metric: str) -> str:
    """Refuse what is not NAME@K.

    Raises:
        ValueError: with what it must be.
    """
    name, _, k = metric.partition("@")
    if name not in METRICS or not (is_digits(k) and 0 < int(k) <= MOST_K):
        raise ValueError(
            f"must be NAME@K with NAME one of {', '.join(METRICS)} and K up to {MOST_K}"
        )
    return metric
