"""The keys that are completed are those that an experiment file can have."""

from seqrec_cli.core.experiment.fitted import FittedExperiment, FittedTrainingConfig
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment, TrainingConfig
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.models.fitted import FITTED
from seqrec_cli.core.models.linear import LinearConfig
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.models.transitions import TransitionsConfig
from seqrec_cli.core.settings.keys import WITH_PARTS, all_setting_keys


def test_they_are_the_fields_of_all_settings() -> None:
    parts = [("", Experiment), ("", RankingExperiment), ("training.", TrainingConfig)]
    parts += [("training.", RankingExperiment.model_fields["training"].annotation)]
    parts += [("", FittedExperiment), ("training.", FittedTrainingConfig)]
    parts += [("transitions.", TransitionsConfig), ("linear.", LinearConfig)]
    parts += [("training.", LOSSES[name].settings_class) for name in LOSSES.ours]
    for registry in (MODELS, FITTED, RANKERS):
        parts += [("model.", registry[name].settings_class) for name in registry.ours]
    expected = {part + field for part, kind in parts for field in kind.model_fields}
    assert set(all_setting_keys()) == expected - WITH_PARTS - {"training.name"}
