"""Large item tables: what changes all of their rows in each step, in memory and in time."""

from seqrec_cli.core.experiment.sequential import TrainingConfig
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.storage.tensors import TRAINING_BYTES, MemoryLimit

WEIGHT_BYTES = 4  # of a weight whose row is changed only when a batch has it
MANY_ROWS = 200_000  # of a table, from which on changing all of them takes most of a step
BY_ROWS = "--set training.table_optimizer=adagrad"


def memory_limit(settings: TrainingConfig) -> MemoryLimit:
    """Refuses to build a model whose training would not fit into memory.

    Dense optimizers need a gradient and two numbers of state a weight, a running mean one more.
    Where they change a table for no reason, the refusal names the optimizer that changes the rows
    of a batch.
    """
    if settings.table_optimizer == "adagrad":
        return MemoryLimit(WEIGHT_BYTES)
    if may_change_rows(settings):
        return MemoryLimit(TRAINING_BYTES, WEIGHT_BYTES, f"change only a batch's rows: `{BY_ROWS}`")
    return MemoryLimit(TRAINING_BYTES + (WEIGHT_BYTES if settings.average else 0))


def may_change_rows(settings: TrainingConfig) -> bool:
    """Whether a step needs to change only the rows of its batch."""
    return LOSSES[settings.loss.name].of_scores is not None and not (
        settings.l2_emb or settings.average
    )


def whole_table_note(settings: TrainingConfig, num_items: int) -> str:
    """A note where each step changes a whole large table, though its loss samples; else ""."""
    if num_items < MANY_ROWS or settings.table_optimizer == "adagrad":
        return ""
    if not may_change_rows(settings):
        return ""
    optimizer = settings.table_optimizer or settings.optimizer
    return (
        f"{optimizer} changes all {num_items:,} rows of the item table in each step, which takes "
        f"most of it; `{BY_ROWS}` changes those of the batch alone"
    )
