"""The rules that give settings: for data that we know, and at their borders."""

from dataclasses import replace
from pathlib import Path

import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.experiment.choosing import DataProfile, choose_settings, experiment_for
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.errors import ConfigError
from tests.conftest import ROOT, leave_one_out

ML_1M = DataProfile(users=6040, items=3416, events=987_531, long=541, repeats=0.0)
BEAUTY = DataProfile(users=22_363, items=12_101, events=153_776, long=19, repeats=0.0)
PROFILES = {
    "ml-1m": ML_1M,
    "ml-100k": DataProfile(943, 1349, 97_401, 312, 0.0),
    "ml-latest-small": DataProfile(671, 9066, 98_662, 500, 0.0),
    "Beauty": BEAUTY,
    "short, not rare": DataProfile(50_000, 1_000, 600_000, 30, 0.0),
    "short, rare, large": DataProfile(600_000, 1_200_000, 6_000_000, 30, 0.0),
    "tiny": DataProfile(50, 30, 500, 15, 0.2),
    "one": DataProfile(1, 1, 1, 1, 0.0),
    "large": DataProfile(10**7, 10**6, 10**9, 300, 0.0),
}


TOLD = replace(BEAUTY, features=True, told=True)
PROFILES |= {"Beauty, told": TOLD, "and new items": replace(TOLD, new=True)}


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_chosen_is_an_experiment(name: str) -> None:
    import yaml

    chosen = choose_settings(PROFILES[name])
    experiment = parse_experiment(yaml.safe_dump(chosen.content), name)
    expected = Experiment if PROFILES[name].events > 30_000 else FittedExperiment
    assert isinstance(experiment, expected)
    assert all(reason and not reason.endswith(".") for reason in chosen.reasons)


def test_long_histories_of_frequent_items() -> None:
    content = choose_settings(ML_1M).content
    assert content["model"]["max_length"] == 200
    assert content["model"]["dropout"] == 0.2
    assert content["linear"]["decays"] == [0.3, 0.8, 0.97]
    assert "items" not in content["linear"]
    assert content["model"]["recurrent"] == 128
    assert content["training"]["average"] == 0.999
    assert "schedule" not in content["training"]
    assert content["training"]["half_life"] == 40
    assert content["training"]["epochs"] == 24


def test_features_are_read_where_short_histories_have_rare_items() -> None:
    model = choose_settings(TOLD).content["model"]
    assert model["item_features"] is True
    assert model["hide_ids"] == 0  # nobody needs to do without an id
    model = choose_settings(PROFILES["and new items"]).content["model"]
    assert model["item_features"] is True
    assert "hide_ids" not in model
    for profile in (BEAUTY, replace(ML_1M, features=True), replace(TOLD, items=2_000)):
        assert not {"item_features", "hide_ids"} & choose_settings(profile).content["model"].keys()


def test_scores_go_to_what_is_alike_where_short_histories_have_rare_items() -> None:
    assert choose_settings(TOLD).content["linear"]["alike"] == 30
    few = replace(TOLD, users=2_000, items=1_500, events=15_000)
    assert choose_settings(few).content["model"]["alike"] == 30
    numbers_alone = replace(TOLD, told=False)
    for profile in (BEAUTY, numbers_alone, replace(TOLD, items=2_000), replace(ML_1M, told=True)):
        assert "alike" not in choose_settings(profile).content["linear"]


def test_short_histories_of_rare_items() -> None:
    chosen = choose_settings(BEAUTY)
    assert chosen.content["model"]["max_length"] == 20
    assert chosen.content["model"]["dropout"] == 0.5
    assert chosen.content["linear"] == {
        "weight": "auto",
        "decays": [0.85],
        "ridge": 30.0,
        "backwards": 0.3,
    }
    assert chosen.content["model"]["hidden"] == 128
    assert chosen.content["training"]["targets_ahead"] == 2
    assert "recurrent" not in chosen.content["model"]
    assert "half_life" not in chosen.content["training"]


def test_of_many_items_the_most_frequent_have_weights() -> None:
    for profile, most in ((PROFILES["ml-latest-small"], 4_000), (PROFILES["large"], 4_000)):
        chosen = choose_settings(profile)
        assert chosen.content["linear"]["items"] == most
        assert any("4,000 most frequent" in reason for reason in chosen.reasons)
    short = replace(BEAUTY, items=20_001)
    assert choose_settings(short).content["linear"]["items"] == 20_000


def test_fewer_events_are_held_back_more() -> None:
    assert choose_settings(ML_1M).content["linear"]["ridge"] == 300
    assert "backwards" not in choose_settings(ML_1M).content["linear"]
    chosen = choose_settings(PROFILES["ml-100k"])
    assert chosen.content["linear"]["ridge"] == 1000
    assert chosen.content["linear"]["backwards"] == 0.3
    assert chosen.content["model"]["dropout"] == 0.3
    assert chosen.content["training"]["epochs"] == 51
    assert chosen.content["training"]["schedule"] == "cosine"
    assert "average" not in chosen.content["training"]


def test_many_events_are_not_read_backwards() -> None:
    at = replace(BEAUTY, events=300_000)
    assert choose_settings(at).content["linear"]["backwards"] == 0.3
    for profile in (replace(at, events=300_001), PROFILES["short, rare, large"]):
        assert "backwards" not in choose_settings(profile).content["linear"]


def test_rare_items_learn_in_larger_steps() -> None:
    at = replace(ML_1M, events=50 * ML_1M.items)
    for profile, lr in ((at, 0.003), (replace(at, events=at.events + 1), 0.001)):
        chosen = choose_settings(profile)
        assert chosen.content["training"]["lr"] == lr
        assert any("learning rate 0.003" in line for line in chosen.reasons) == (lr == 0.003)


@pytest.mark.parametrize("name", ["ml-1m", "ml-latest-small", "short, not rare"])
def test_others_have_none_of_what_is_for_short_histories_of_rare_items(name: str) -> None:
    content = choose_settings(PROFILES[name]).content
    assert content["model"]["hidden"] == 64
    assert content["training"].keys().isdisjoint({"optimizer", "weight_decay", "targets_ahead"})


@pytest.mark.parametrize(
    ("users", "decay"), [(5_000, 0.3), (22_363, 0.3), (35_598, 0.2), (10**6, 0.007)]
)
def test_decay_is_by_the_epoch(users: int, decay: float) -> None:
    profile = replace(BEAUTY, users=users, items=users, events=7 * users)
    training = choose_settings(profile).content["training"]
    assert training["optimizer"] == "adamw"
    assert training["weight_decay"] == decay


def test_few_events_get_the_linear_model_alone() -> None:
    at = replace(ML_1M, events=30_000)
    content = choose_settings(at).content
    assert content["model"] == {"name": "linear", "decays": [0.85], "ridge": 30.0}
    assert content["training"]["grid"]["backwards"] == [0.0, 0.3]
    assert choose_settings(replace(at, events=30_001)).content["model"]["name"] == "sasrec"


def test_fewer_users_have_more_epochs_within_bounds() -> None:
    epochs = [
        choose_settings(replace(ML_1M, users=users)).content["training"]["epochs"]
        for users in (100, 1_000, 10_000, 10**6)
    ]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 200
    assert epochs[-1] == 24


def test_a_profile_is_of_the_train_part() -> None:
    data = leave_one_out([[1, 2, 1, 3, 4], [2, 3, 3, 1]], 4)
    assert DataProfile.of(data) == DataProfile(2, 4, 5, 3, 0.2)


def test_a_profile_says_whether_items_have_features_and_some_nobody(shop: Path) -> None:
    profile = DataProfile.of(SequenceDataset.load(shop / "data" / "shop.npz"))
    assert profile.features
    assert profile.told
    assert profile.new
    plain = DataProfile.of(leave_one_out([[1, 2, 3, 4]], 4))
    assert not plain.features
    assert not plain.told
    assert not plain.new


def test_the_experiment_of_a_dataset_is_what_the_rules_say(tmp_path: Path) -> None:
    data = leave_one_out([[1, 2, 1, 3, 4], [2, 3, 3, 1]], 4)
    data.save(tmp_path / "toy.npz")
    experiment, reasons = experiment_for("toy", tmp_path, ["model.ridge=7"])
    chosen = choose_settings(DataProfile.of(data))
    assert reasons == chosen.reasons
    assert isinstance(experiment, FittedExperiment)
    assert (experiment.data, experiment.model.name) == ("toy", "linear")
    written = experiment.model_dump(mode="json")
    assert written["model"] == {**written["model"], **chosen.content["model"], "ridge": 7}
    with pytest.raises(ConfigError, match=r"`--set training\.loss=bce`"):
        experiment_for("toy", tmp_path, ["training.loss=bce"])


def test_another_loss_has_not_the_settings_of_the_softmax(tmp_path: Path) -> None:
    """As the hint for very large catalogues asks for."""
    histories = [[n % 3_000 + 1, (n * 7) % 3_000 + 1, (n * 11) % 3_000 + 1] for n in range(32_000)]
    leave_one_out([[*own, 1, 2] for own in histories], 3_000).save(tmp_path / "many.npz")
    plain, reasons = experiment_for("many", tmp_path)
    assert isinstance(plain, Experiment)
    assert plain.training.loss.num_targets_ahead == 2
    large = ["training.loss=sampled_softmax", "training.negatives_per=batch"]
    other, more = experiment_for("many", tmp_path, [*large, "training.negatives=4096"])
    assert isinstance(other, Experiment)
    assert other.training.loss.name == "sampled_softmax"
    assert more[: len(reasons)] == reasons
    assert "without `training.targets_ahead`" in more[-1]
    with pytest.raises(ConfigError, match="targets_ahead"):
        experiment_for("many", tmp_path, [*large, "training.targets_ahead=2"])
    assert experiment_for("many", tmp_path, ["training.loss=softmax"]) == (plain, reasons)


def test_a_budget_in_minutes_is_no_setting_of_what_is_fitted(tmp_path: Path) -> None:
    leave_one_out([[1, 2, 1, 3, 4], [2, 3, 3, 1]], 4).save(tmp_path / "toy.npz")
    experiment, reasons = experiment_for("toy", tmp_path, ["training.max_minutes=10"])
    assert (experiment, reasons[:-1]) == experiment_for("toy", tmp_path)
    assert "a budget in minutes has no use" in reasons[-1]


def test_ranking_rows_have_no_rules(tmp_path: Path) -> None:
    for name in ("ranking.npz", "ranking.json"):
        (tmp_path / name).write_bytes((ROOT / "tests/golden/version-1/data" / name).read_bytes())
    with pytest.raises(ConfigError, match="have to be named") as caught:
        experiment_for("ranking", tmp_path)
    assert "--config dien --data ranking" in caught.value.hint
