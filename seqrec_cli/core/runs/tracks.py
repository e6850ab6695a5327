"""Tracks: what sets a run's figures apart from those of the plain protocol.

Such figures carry it in their name in every table, and never stand among the others.
"""

from collections.abc import Sequence
from typing import Literal

from seqrec_cli.core.runs.results import REFITTED, TIMED
from seqrec_cli.core.runs.run import Run


def is_refitted(run: Run) -> bool:
    """Whether a run has a last fit of its best weights."""
    return run.experiment().training.final and run.checkpoints.has_final()


def track_of(run: Run, part: Literal["valid", "test"], marks: Sequence[str] = ()) -> str:
    """The track of a run's figures on a part, in words; "" for the plain one.

    Args:
        marks: what else is done, in words.
    """
    refitted = part == "test" and is_refitted(run)  # before, the last fit has seen the targets
    own = [TIMED] * run.experiment().reads_time + [REFITTED] * refitted
    return ", ".join([*own, *marks])
