"""How the events of a training are shown."""

from typing import TYPE_CHECKING, Any

from seqrec_cli import console

if TYPE_CHECKING:
    from seqrec_cli.core.runs.beginning import AnyTraining
    from seqrec_cli.core.training.events import Event, StepDone, Validated


def is_fitted(training: "AnyTraining") -> bool:
    """Whether the model is fitted without gradients, in tries instead of epochs."""
    from seqrec_cli.core.training.fitted import Fitting

    return isinstance(training, Fitting)


def validation_columns(training: "AnyTraining") -> list[str]:
    """The columns of the table of validations."""
    shown = training.experiment.shown
    if is_fitted(training):
        grid = training.experiment.training.grid
        return ["try", *shown, "seconds", *(["settings"] if grid else [])]
    return ["epoch", "loss", *shown, "seconds", *(["weights"] if picks_weights(training) else [])]


def picks_weights(training: "AnyTraining") -> bool:
    """Whether validation picks the weights of models that join the network."""
    joined = getattr(training.experiment, "joined", {})
    return any(settings.weight == "auto" for settings in joined.values())


def show_event(
    event: "Event", view: console.TrainingView, training: "AnyTraining", seconds: float
) -> None:
    """Show one event of a training."""
    from seqrec_cli.core.training import events

    if isinstance(event, events.StepDone):
        show_step(event, view, training)
    elif isinstance(event, events.Joining):
        view.step(int(100 * event.share), 100, f"fitting {event.name}")
    elif isinstance(event, events.Validated):
        view.row(row_of(event, training, seconds))
    elif isinstance(event, events.Refitted):
        what = "try" if is_fitted(training) else "epochs"
        console.info(f"refitted on train + valid ({what} {event.epoch}); test figures will say so")
    elif isinstance(event, events.Spent):
        console.info(
            f"stopped in epoch {event.epoch} after {event.steps:,} steps: "
            f"`training.{event.setting}` is used up"
        )
    elif isinstance(event, events.Judged):
        shown = training.experiment.shown
        figures = ", ".join(f"{name} {event.metrics[name]:.4f}" for name in shown)
        console.info(f"the best weights for all {event.users:,} users of the valid part: {figures}")
    elif isinstance(event, events.Stopped):
        console.info(
            f"stopped after epoch {event.epoch}: no better validation since epoch "
            f"{event.best_epoch}"
        )


def show_step(event: "StepDone", view: console.TrainingView, training: "AnyTraining") -> None:
    """Move the bar, which ends with the budget."""
    whole, done = training.epochs * event.steps, (event.epoch - 1) * event.steps + event.step
    if is_fitted(training):
        remark = f"try {event.epoch}/{training.epochs}"
    else:
        remark = f"epoch {event.epoch}/{training.epochs}, loss {event.loss:.4f}"
    most = getattr(training.experiment.training, "max_steps", None) or whole
    view.step(done, min(most, whole), remark)


def row_of(event: "Validated", training: "AnyTraining", seconds: float) -> list[Any]:
    """A validation as a row of the table."""
    metrics = [f"{event.metrics[name]:.4f}" for name in training.experiment.shown]
    at = f"{event.epoch}, step {event.step:,}" if event.step else f"{event.epoch}"
    epoch = f"{at}{' *' if event.is_best else ''}"
    if is_fitted(training):
        settings = [event.remark] if event.remark else []
        return [epoch, *metrics, f"{seconds:.1f}", *settings]
    weights = [event.remark] if picks_weights(training) else []
    return [epoch, f"{event.loss:.4f}", *metrics, f"{seconds:.0f}", *weights]
