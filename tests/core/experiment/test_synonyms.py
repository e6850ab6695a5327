"""Names that people know from elsewhere lead to ours."""

import pytest

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.experiment.synonyms import SYNONYMS
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.errors import ConfigError

# The first eight are ../shared/data/cases/did-you-mean.
NAMES = [
    ("training.learning_rate", "training.lr"),
    ("training.max_length", "model.max_length"),
    ("training.maxlen", "model.max_length"),
    ("training.dropout", "model.dropout"),
    ("model.n_layers", "model.blocks"),
    ("training.stopping_step", "training.patience"),
    ("training.early_stopping", "training.patience"),
    ("training.eval_step", "training.validate_every"),
    ("learning_rate", "training.lr"),
    ("maxlen", "model.max_length"),
    ("dropout", "model.dropout"),
    ("dropout_rate", "model.dropout"),
    ("hidden_units", "model.hidden"),
    ("model.hidden_units", "model.hidden"),
    ("num_blocks", "model.blocks"),
    ("model.num_heads", "model.heads"),
    ("l2_emb", "training.l2_emb"),
    ("model.l2_emb", "training.l2_emb"),
    ("num_epochs", "training.epochs"),
    ("MAX_ITEM_LIST_LENGTH", "model.max_length"),
    ("batch_size", "training.batch_size"),
]


@pytest.mark.parametrize(("name", "ours"), NAMES)
def test_a_name_from_elsewhere_leads_to_ours(name: str, ours: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment("", "x.yaml", [f"{name}=3"])
    assert caught.value.hint == f"did you mean `{ours}`?"


def test_layers_and_blocks_lead_to_what_the_model_has() -> None:
    for model, ours in (("gru4rec", "model.layers"), ("sasrec", "model.blocks")):
        with pytest.raises(ConfigError) as caught:
            parse_experiment(f"model: {{name: {model}}}", "x.yaml", ["model.num_layers=2"])
        assert ours in caught.value.hint


def test_every_synonym_means_a_setting_that_there_is() -> None:
    classes = [Experiment, RankingExperiment]
    fields = {name for kind in classes for name in kind.model_fields}
    fields |= {n for kind in classes for n in kind.model_fields["training"].annotation.model_fields}
    entries = [registry[name] for registry in (MODELS, RANKERS, LOSSES) for name in registry.ours]
    fields |= {name for entry in entries for name in entry.settings_class.model_fields}
    for name, meant in SYNONYMS.items():
        assert set(meant) <= fields, name
