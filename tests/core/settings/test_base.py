"""Settings by either spelling, in a file and on the command line."""

from seqrec_cli.core.experiment.loading import parse_experiment


def test_an_override_wins_by_either_spelling() -> None:
    for text in ("training: {optimiser: adagrad}", "training: {optimizer: adagrad}"):
        for key in ("optimiser", "optimizer"):
            changed = parse_experiment(text, "x", [f"training.{key}=adam"])
            assert changed.training.optimizer == "adam"
