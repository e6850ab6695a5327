"""What a training produces, saved in its run."""

import time
from collections.abc import Iterator

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.inference.scoring import require_vectors
from seqrec_cli.core.runs.beginning import AnyTraining, StartedTraining
from seqrec_cli.core.runs.inputs import save_joined
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.status import write_finished
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.tensors import stored_digest, take_part
from seqrec_cli.core.training import fitted, network, ranking, sequential
from seqrec_cli.core.training.distributed import ALONE, WorkerLost
from seqrec_cli.core.training.events import Event, JoinedFitted, Judged, Refitted, Validated
from seqrec_cli.errors import TrainingError

SAVE_SECONDS = 60.0  # between two checkpoints: the work that a power cut may cost


def share_state(run: Run, started: StartedTraining) -> None:
    """Give all workers the state of the first one, which has read it from the run.

    Where workers share the item tables, each reads its rows from the run's folder.

    Raises:
        ConfigError: a worker finds another checkpoint there.
        RunError: it finds none.
    """
    training = started.training
    tensors, counters = training.state()
    if isinstance(training, network.Training) and training.sharded is not None:
        team, checkpoints = training.team, run.checkpoints
        team.check_same({"checkpoint": stored_digest(checkpoints.last)})
        counters = team.share_state({}, counters)
        if not team.leads:
            training.restore(checkpoints.open_last()[0], counters)
        return
    training.restore(tensors, training.team.share_state(tensors, counters))


def recorded(run: Run, started: StartedTraining) -> Iterator[Event]:
    """Train, yield the events, and save validations and checkpoints in the run.

    A checkpoint follows each validation, and a step that ends a minute or more after the last.
    Saving takes at most a twentieth of the time.

    Raises:
        TrainingError: the loss or the weights are not finite; the message names the last good
            weights.
    """
    training, checkpoints = started.training, run.checkpoints
    start = time.monotonic()
    due = start + SAVE_SECONDS
    try:
        for event in started.events:
            before, saving = time.monotonic(), False
            if isinstance(event, Validated):
                save_validation(run, training, event, before - start)
            elif isinstance(event, JoinedFitted):
                save_joined(run.path, event.name, event.model)
            elif saving := is_due(training, before > due):
                checkpoints.save_last(training)
            if isinstance(event, Validated) or saving:
                after = time.monotonic()
                due = after + max(SAVE_SECONDS, 20 * (after - before))
            yield event
        # What is left to do is done by this process alone.
        training.team = ALONE
        yield from judge(run, started)
        yield from last_fit(run, started)
        note_end(run, training, time.monotonic() - start)
    except TrainingError as error:
        if shares_tables(training) and isinstance(error, WorkerLost):
            raise  # whose rows nobody else has
        # The step that failed did not change the weights.
        if training.is_finite():
            checkpoints.save_last(training)
        kept = [path for path in (checkpoints.best, checkpoints.last) if path.exists()]
        where = " and ".join(f"`{path}`" for path in kept)
        raise type(error)(
            f"{error.message}; "
            + (f"the last good weights are in {where}" if kept else "no weights were good"),
            error.hint,
        ) from None


def assisted(started: StartedTraining) -> Iterator[Event]:
    """The events of a worker that does not lead, while the first one records them.

    Where workers share the item tables, it brings its rows to whatever is saved.
    """
    training = started.training
    if not shares_tables(training):
        yield from started.events
        return
    try:
        for event in started.events:
            if isinstance(event, Validated):
                if event.is_best:
                    take_part(training.whole(training.kept()))
                take_part(training.whole(training.tensors()))
            elif is_due(training, False):
                take_part(training.whole(training.tensors()))
            yield event
    except WorkerLost:
        raise
    except TrainingError:
        if training.is_finite():
            take_part(training.whole(training.tensors()))
        raise


def assist_stop(started: StartedTraining) -> None:
    """Bring one's rows to the checkpoint of a training that was stopped, if they are needed."""
    if shares_tables(started.training):
        take_part(started.training.whole(started.training.tensors()))


def shares_tables(training: AnyTraining) -> bool:
    """Whether workers share the rows of the item tables."""
    return isinstance(training, network.Training) and training.sharded is not None


def is_due(training: AnyTraining, late: bool) -> bool:
    """Whether a checkpoint is due: if the time says so, and where all take part, the first one."""
    return training.team.told(late) if shares_tables(training) else late


def note_end(run: Run, training: AnyTraining, seconds: float) -> None:
    """Note that the training has ended, which makes the run the latest."""
    counters = training.counters
    facts = {"epoch": counters.epoch, "step": counters.step, "best_epoch": counters.best_epoch}
    write_finished(run.path, facts | {"seconds": round(seconds, 3)})


def last_fit(run: Run, started: StartedTraining) -> Iterator[Event]:
    """Fit once more on train + valid what validation has chosen, if the experiment says so.

    What is interrupted in it begins it anew when the run goes on.
    """
    training, checkpoints = started.training, run.checkpoints
    if isinstance(training, ranking.RankingTraining) or not training.experiment.training.final:
        return
    if checkpoints.has_final():
        return
    facts = checkpoints.best_facts()
    epoch, data = int(facts["epoch"]), started.dataset
    assert isinstance(data, SequenceDataset)
    if isinstance(training, fitted.Fitting):
        events = fitted.refit(training, data, epoch)
    else:
        again = data.with_valid_learnt().features()
        fresh = network.Training(training.experiment, training.num_items, training.device, again)
        weights, step = facts.get("weights", {}), int(facts.get("step", 0))
        events = sequential.refit(fresh, data, epoch, weights, step, training.counters)
    for event in events:
        if isinstance(event, Refitted):
            for name, model in event.joined.items():
                save_joined(run.path, name, model, final=True)
            checkpoints.save_final(event.training, event.epoch)
        yield event


def judge(run: Run, started: StartedTraining) -> Iterator[Judged]:
    """Evaluate the best weights for all users of the valid part, where a sample picked them.

    `best.json` in the run has the figures.
    """
    training, data = started.training, started.dataset
    if not (isinstance(training, network.Training) and isinstance(data, SequenceDataset)):
        return
    settings = training.experiment.training
    if (
        shares_tables(training)
        or settings.validate_users is None
        or not run.checkpoints.best.exists()
    ):
        return
    scorer = require_vectors(load_scorer(run, training.device, final=False))
    with training.safe_to_interrupt():
        outcome = sequential.evaluate_valid(training.experiment, data, scorer)
    epoch, metrics, users = training.counters.best_epoch, outcome.means(), len(outcome.users)
    content = {"epoch": epoch, "split": "valid", "users": users, "metrics": metrics}
    files.write_json(run.path / "best.json", content)
    yield Judged(epoch, users, metrics)


def save_validation(run: Run, training: AnyTraining, event: Validated, seconds: float) -> None:
    """Record a validation, and save the weights if they are the best so far."""
    if event.is_best:
        run.checkpoints.save_best(training, event.epoch, event.metrics, event.step)
    run.history.add(
        {
            "epoch": event.epoch,
            **({"step": event.step} if event.step else {}),
            **({} if isinstance(training, fitted.Fitting) else {"loss": event.loss}),
            **({"users": event.users} if event.users else {}),
            **event.metrics,
            "best": event.is_best,
            **({"remark": event.remark} if event.remark else {}),
            "seconds": round(seconds, 3),
        }
    )
    run.checkpoints.save_last(training)
