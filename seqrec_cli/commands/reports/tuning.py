"""What is printed of a search for settings."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqrec_cli.core.runs.search import TrialEnded
    from seqrec_cli.core.runs.tuning import Tuning
    from seqrec_cli.core.training.events import StepDone

BEST = 5  # trials that are listed at the end


def say_start(tuning: "Tuning") -> None:
    """Say what is searched, and what is there already."""
    search = tuning.search
    dimensions = search.space.dimensions
    experiment = search.load([])
    console.info(
        f"searching {counted(len(dimensions), 'setting')} of {experiment.model.name} by "
        f"{search.metric} of the valid part; the test part is not read"
    )
    if tuning.ended:
        console.info(f"{counted(len(tuning.ended), 'trial')} of before in `{tuning.folder}`")
    elif search.space.own_values(experiment) is None:
        console.warn(
            "the experiment's own settings are outside of the space, so they are not tried"
        )
    else:
        console.info("the first trial has the experiment's own settings")


def trial_columns(tuning: "Tuning") -> list[str]:
    """The columns of the table of trials."""
    return ["trial", tuning.search.metric, "epoch", "seconds", "ended", "settings"]


def show_trial_step(
    event: "StepDone", view: console.TrainingView, epochs: int, number: int
) -> None:
    """Move the bar, which ends with the trial."""
    done = (event.epoch - 1) * event.steps + event.step
    view.step(done, epochs * event.steps, f"trial {number}, epoch {event.epoch}/{epochs}")


def show_trial(trial: "TrialEnded", view: console.TrainingView | None) -> None:
    """Add a trial to the table, if there is one, and say why it was refused."""
    if view is not None:
        view.row(trial_row(trial))
    if trial.remark:
        console.warn(f"trial {trial.number}: {trial.remark}")


def trial_row(trial: "TrialEnded") -> list[str]:
    """A trial as a row of the table."""
    value = "-" if trial.value is None else f"{trial.value:.4f}"
    ended = "" if trial.outcome == "finished" else trial.outcome
    changes = short_changes(trial.changes)
    return [str(trial.number), value, str(trial.epoch), f"{trial.seconds:.1f}", ended, changes]


def short_changes(changes: "Sequence[str]") -> str:
    """Settings without the parts that they are of."""
    pairs = (change.partition("=") for change in changes)
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, _, value in pairs)


def show_best(tuning: "Tuning") -> None:
    """Print the best trials."""
    from seqrec_cli.core.runs.search import score_of

    finished = [trial for trial in tuning.ended if trial.outcome == "finished"]
    ranked = sorted(finished, key=lambda trial: -score_of(trial))[:BEST]
    metric = tuning.search.metric
    rows = [
        [str(trial.number), f"{trial.value:.4f}", str(trial.epoch), short_changes(trial.changes)]
        for trial in ranked
    ]
    title = f"the best of {counted(len(tuning.ended), 'trial')}"
    console.print_table(["trial", metric, "epoch", "settings"], rows, title=title, left=(0, 3))
    kinds = [trial.outcome for trial in tuning.ended]
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    seconds = sum(trial.seconds for trial in tuning.ended)
    parts = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    console.info(f"{parts}, in {duration(seconds)} of training; {metric} is that of the valid part")
    console.info(
        f"the best of {len(tuning.ended)} looks better than it is: what it is worth, `evaluate` "
        "says of a run with these settings"
    )
