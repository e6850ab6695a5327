"""Where a training stands between its beginning and the end of its budget.

A budget is a number of epochs, of steps or of minutes, whichever ends first. Only a budget or a
validation by the minute looks at a clock; everything else is a function of the steps done.
"""

from collections.abc import Callable
from typing import Protocol

from seqrec_cli.core.experiment.budget import amount_and_unit
from seqrec_cli.core.training.schedule import LearningRate, lr_factor
from seqrec_cli.core.training.state import Resumable


class Schedule(LearningRate, Protocol):
    """The settings that say when a training validates and ends."""

    @property
    def epochs(self) -> int: ...
    @property
    def max_steps(self) -> int | None: ...
    @property
    def max_minutes(self) -> float | None: ...
    @property
    def validate_every(self) -> int | str: ...
    @property
    def patience(self) -> int | None: ...


class Pace:
    """What is done of a training, and what is due."""

    def __init__(
        self, training: Resumable, settings: Schedule, steps: int, clock: Callable[[], float]
    ) -> None:
        """`steps` are those of an epoch; `clock` counts seconds."""
        self.counters = training.counters
        self.settings = settings
        self.steps = steps
        self.clock = clock
        self.amount, self.unit = amount_and_unit(settings.validate_every)
        self.timed = settings.max_minutes is not None or self.unit == "minutes"
        self.start = clock() - self.counters.seconds

    def tick(self) -> None:
        """Look at the clock, if the training depends on one."""
        if self.timed:
            self.counters.seconds = self.clock() - self.start

    @property
    def done(self) -> int:
        """The steps done since the training began."""
        return self.counters.epoch * self.steps + self.counters.step

    @property
    def last_step(self) -> int:
        """The step after which the training ends at the latest."""
        steps = self.settings.epochs * self.steps
        return min(steps, self.settings.max_steps or steps)

    @property
    def spent(self) -> str:
        """The setting whose budget ended the training before its epochs did; "" if none has."""
        most = self.settings.max_minutes
        if self.counters.epoch >= self.settings.epochs:
            return ""
        if most is not None and self.counters.seconds >= 60 * most:
            return "max_minutes"
        return "max_steps" if self.done >= self.last_step else ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to train."""
        return self.counters.epoch >= self.settings.epochs or bool(self.spent)

    @property
    def is_due(self) -> bool:
        """Whether a validation is on schedule here, be it done or not."""
        counters = self.counters
        if self.unit == "epochs":
            return not counters.step and counters.epoch > 0 and not counters.epoch % self.amount
        if self.unit == "steps":
            return self.done > 0 and not self.done % self.amount
        since = counters.seconds - counters.validated_seconds
        return self.done > 0 and (since >= 60 * self.amount or self.is_validated)

    @property
    def is_validated(self) -> bool:
        """Whether the validation that is on schedule here is done."""
        if self.unit == "epochs":
            return self.counters.validated >= self.counters.epoch
        return self.counters.validated_step >= self.done

    def note_validation(self) -> None:
        """Record that a validation on schedule is done."""
        self.tick()
        self.counters.validated = self.counters.epoch
        self.counters.validated_step = self.done
        self.counters.validated_seconds = self.counters.seconds

    def lr_factor(self, done: int) -> float:
        """The factor of the learning rate after `done` steps; its schedule follows the budget."""
        total = self.last_step
        if self.settings.max_minutes is not None:
            share = self.counters.seconds / (60 * self.settings.max_minutes)
            total = min(total, max(done, round(done / share))) if done and share > 0 else total
        return lr_factor(self.settings, done, total)
