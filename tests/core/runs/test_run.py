"""A run is complete, checked when it is read, and recommends without the dataset."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig
from seqrec_cli.core.runs.directory import find_run, next_run
from seqrec_cli.core.runs.index import load_index
from seqrec_cli.core.runs.loading import catalogue_of, load_scorer
from seqrec_cli.core.runs.resuming import experiment_to_resume, resume
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.tensors import load_tensors, save_tensors
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.seen import SettledSeen
from seqrec_cli.core.training.sequential import Training, fit
from seqrec_cli.errors import ConfigError, DatasetError, RunError
from tests.core.models.test_contract import features

EXPERIMENT = Experiment.model_validate(
    {
        "data": "toy",
        "model": {"hidden": 8, "max_length": 10},
        "training": {"epochs": 1, "validate_every": 1},
    }
)


@pytest.fixture
def trained(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Run, Training]:
    monkeypatch.chdir(tmp_path)
    training = Training(EXPERIMENT, 50, torch.device("cpu"))
    run = create_run(Path("runs/one"), EXPERIMENT, cycle, Path("data/toy.npz"), "cpu")
    for event in fit(training, cycle.without_test()):
        if isinstance(event, Validated):
            run.checkpoints.save_best(training, event.epoch, event.metrics)
            run.history.add({"epoch": event.epoch, **event.metrics})
    run.checkpoints.save_last(training)
    return run, training


def test_everything_is_there_and_comes_back(trained: tuple[Run, Training]) -> None:
    run, training = trained
    found = {path.name for path in run.path.iterdir()}
    assert found == {
        "experiment.yaml",
        "manifest.json",
        "metrics.jsonl",
        "catalogue.npz",
        "best.safetensors",
        "last.safetensors",
        "last.json",
    }
    # Not settled before it was saved, as in the runs of older versions.
    assert run.experiment() == SettledSeen("exclude").put_into(EXPERIMENT)
    scorer = load_scorer(run, torch.device("cpu"))
    for name, tensor in scorer.model.state_dict().items():
        assert torch.equal(tensor, training.model.state_dict()[name])
    catalogue = catalogue_of(run)
    assert catalogue.item_ids.tolist() == list(range(1001, 1051))
    assert catalogue.titles is not None
    again = Training(EXPERIMENT, 50, torch.device("cpu"))
    resume(run, again)
    assert again.counters == training.counters


def test_latest_points_at_the_newest(trained: tuple[Run, Training], cycle: SequenceDataset) -> None:
    assert Run.open(find_run("latest")).name == "one"
    create_run(Path("runs/two"), EXPERIMENT, cycle, Path("data/toy.npz"), "cpu")
    assert Run.open(find_run("latest")).name == "two"
    assert next_run("toy", "sasrec") == Path("runs/toy-sasrec-1")


def test_a_name_is_a_run_and_a_path_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert find_run("here") == Path("runs/here")  # any folder is not a run
    (tmp_path / "here" / "manifest.json").write_text("{}")
    assert find_run("here") == Path("here")
    (tmp_path / "runs" / "here").mkdir(parents=True)
    assert find_run("here") == Path("runs/here")
    assert find_run("mine") == Path("runs/mine")
    assert find_run("./mine") == Path("mine")
    assert find_run("a/b") == Path("a/b")


def test_latest_is_no_name_for_a_run(cycle: SequenceDataset, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is the link to the newest run"):
        create_run(tmp_path / "latest", EXPERIMENT, cycle, Path("x"), "cpu")
    assert not (tmp_path / "latest").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", '{"items": 50}'),
        ("manifest.json", "[]"),
        ("metrics.jsonl", '{"loss": 1}\n'),
        ("metrics.jsonl", "3\n"),
    ],
)
def test_foreign_json_is_told(trained: tuple[Run, Training], file: str, content: str) -> None:
    run, training = trained
    (run.path / file).write_text(content)
    read = run.manifest if file == "manifest.json" else lambda: resume(run, training)
    with pytest.raises(RunError, match=file):
        read()


def test_the_dataset_is_found_from_the_runs_own_folder(
    trained: tuple[Run, Training], cycle_npz: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, _ = trained
    here = Run(run.path.resolve())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "toy.npz").write_bytes(cycle_npz.read_bytes())
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    assert here.find_data(None, Path("data")) == tmp_path / "data" / "toy.npz"
    (tmp_path / "data" / "toy.npz").unlink()
    with pytest.raises(DatasetError, match=r"is not at `data/toy\.npz`") as caught:
        here.find_data(None, Path("data"))
    assert "--data" in caught.value.hint
    assert here.find_data("x", Path("d")) == Path("d/x.npz")


def test_a_run_is_never_overwritten(trained: tuple[Run, Training], cycle: SequenceDataset) -> None:
    with pytest.raises(RunError, match="exists already") as caught:
        create_run(trained[0].path, EXPERIMENT, cycle, Path("x"), "cpu")
    assert "--resume" in caught.value.hint


def test_no_run_names_those_there_are(trained: tuple[Run, Training]) -> None:
    with pytest.raises(RunError, match="there is no run `runs/three`") as caught:
        Run.open(find_run("three"))
    assert caught.value.hint == "the runs here are one"


@pytest.mark.parametrize("file", ["best.safetensors", "last.safetensors"])
@pytest.mark.parametrize("place", [3, 30, 400, -1, -300])
def test_a_flipped_byte_in_a_checkpoint_is_found(
    trained: tuple[Run, Training], file: str, place: int
) -> None:
    run, _ = trained
    content = bytearray((run.path / file).read_bytes())
    content[place] ^= 0x10
    (run.path / file).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        load_tensors(run.path / file)


def test_what_was_counted_comes_back_with_the_run(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = EXPERIMENT.model_copy(update={"transitions": TransitionsConfig(weight=0.5)})
    training = Training(experiment, 50, torch.device("cpu"))
    run = create_run(Path("runs/one"), experiment, cycle, Path("data/toy.npz"), "cpu")
    (validated,) = (e for e in fit(training, cycle.without_test()) if isinstance(e, Validated))
    run.checkpoints.save_best(training, validated.epoch, validated.metrics)
    scorer = load_scorer(run, torch.device("cpu"))
    assert evaluate(scorer, cycle, "valid").means() == pytest.approx(validated.metrics)
    alone = ModelScorer(training.model, 50).score(cycle.train)
    counted = Transitions(cycle.train, 50, TransitionsConfig()).score(cycle.train)
    torch.testing.assert_close(scorer.score(cycle.train), alone + 0.5 * counted)
    save_arrays(run.path / "transitions.npz", {"offsets": cycle.train.offsets})
    with pytest.raises(RunError, match="does not hold the counts of this run"):
        load_scorer(run, torch.device("cpu"))
    (run.path / "transitions.npz").unlink()
    with pytest.raises(DatasetError, match="there is no file"):
        load_scorer(run, torch.device("cpu"))


def test_an_index_is_kept_made_anew_for_other_weights_and_refused_if_it_is_another(
    trained: tuple[Run, Training],
) -> None:
    pytest.importorskip("usearch")
    run, training = trained
    scorer = load_scorer(run, torch.device("cpu"))
    index, made = load_index(run.path, scorer)
    assert made
    assert len(index) == 50
    before = (run.path / "index.usearch").read_bytes()
    assert not load_index(run.path, scorer)[1]
    with torch.no_grad():
        training.model.items.weight[3] += 1
    run.checkpoints.save_best(training, 99, {})
    assert not load_index(run.path, scorer)[1]  # it is of the weights that were loaded
    scorer = load_scorer(run, torch.device("cpu"))
    assert load_index(run.path, scorer)[1]
    assert not load_index(run.path, scorer)[1]
    (run.path / "index.usearch").write_bytes(before[:-1] + b"x")
    with pytest.raises(RunError, match=r"is not the index that `index\.json` describes"):
        load_index(run.path, scorer)
    (run.path / "index.usearch").unlink()
    with pytest.raises(RunError, match="cannot be read"):
        load_index(run.path, scorer)
    (run.path / "index.json").write_text("[")
    with pytest.raises(RunError, match="is damaged"):
        load_index(run.path, scorer)
    (run.path / "index.json").unlink()
    assert load_index(run.path, scorer)[1]


def test_two_towers_come_back_with_what_they_were_told(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = features(50)
    data = replace(cycle, item_features=told.items, encoders=told.encoders.side("item"))
    model = {"name": "two_tower", "history": {"hidden": 8, "max_length": 10}, "output": 8}
    experiment = Experiment.model_validate({"model": model, "training": {"loss": "softmax"}})
    training = Training(experiment, 50, torch.device("cpu"), data.features())
    run = create_run(Path("runs/one"), experiment, data, Path("data/toy.npz"), "cpu")
    run.checkpoints.save_best(training, 1, {})
    alone = ModelScorer(training.model, 50).score(data.train)
    torch.testing.assert_close(load_scorer(run, torch.device("cpu")).score(data.train), alone)
    arrays = load_arrays(run.path / "features.npz")
    save_arrays(run.path / "features.npz", arrays | {"trained": np.ones(49, np.bool_)})
    with pytest.raises(
        RunError, match="does not hold the features of this run: it is not about 50 items"
    ):
        load_scorer(run, torch.device("cpu"))


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.unlink()  # the previous one may be the same file
    path.write_bytes(content)


def test_a_damaged_last_checkpoint_gives_way_to_the_one_before(
    trained: tuple[Run, Training],
) -> None:
    run, training = trained
    before = run.checkpoints.last.read_bytes()
    training.counters.epoch += 1
    run.checkpoints.save_last(training)
    assert run.checkpoints.previous_last.read_bytes() == before
    damage(run.checkpoints.last)
    again = Training(EXPERIMENT, 50, torch.device("cpu"))
    opened = Run.open(run.path)
    resume(opened, again)
    assert again.counters.epoch == training.counters.epoch - 1
    assert "last.safetensors` is damaged: its checksum does not match; using" in (opened.notes[0])
    # Nothing damaged is left, to be taken for the previous one by the next.
    assert run.checkpoints.last.read_bytes() == run.checkpoints.previous_last.read_bytes() == before
    damage(run.checkpoints.last)
    damage(run.checkpoints.previous_last)
    with pytest.raises(RunError, match=r"last\.safetensors` is damaged"):
        resume(Run.open(run.path), again)


def test_damaged_best_weights_give_way_to_those_before(trained: tuple[Run, Training]) -> None:
    run, training = trained
    first = load_scorer(run, torch.device("cpu"))
    with torch.no_grad():
        training.model.items.weight[3] += 1
    training.counters.best, training.counters.best_epoch = 0.9, 2
    run.checkpoints.save_best(training, 2, {"ndcg@10": 0.9})
    run.checkpoints.save_last(training)
    damage(run.checkpoints.best)
    opened = Run.open(run.path)
    found = load_scorer(opened, torch.device("cpu"))
    assert torch.equal(found.model.items.weight, first.model.items.weight)
    assert "using `runs/one/best.previous.safetensors`" in opened.notes[0]
    again = Training(EXPERIMENT, 50, torch.device("cpu"))
    resume(opened, again)
    assert again.counters.best_epoch == 1  # as those that were better are lost
    assert again.counters.best < 0.9
    assert run.checkpoints.best.read_bytes() == run.checkpoints.previous_best.read_bytes()
    damage(run.checkpoints.best)
    run.checkpoints.previous_best.unlink()
    resume(opened, again)
    assert again.counters.best == -np.inf
    assert "the next validation counts as the best" in opened.notes[-1]


def test_the_link_to_the_newest_is_followed_once(
    trained: tuple[Run, Training], cycle: SequenceDataset
) -> None:
    opened = Run.open(find_run("latest"))
    create_run(Path("runs/two"), EXPERIMENT, cycle, Path("data/toy.npz"), "cpu")
    assert opened.path == Path("runs/one")
    assert opened.checkpoints.best.exists()


def test_an_index_cut_off_between_its_files_is_made_anew(
    trained: tuple[Run, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights came and went while it was killed: its old manifest was about another file."""
    pytest.importorskip("usearch")
    run, training = trained
    weights = run.checkpoints.best.read_bytes()
    load_index(run.path, load_scorer(run, torch.device("cpu")))
    with torch.no_grad():
        training.model.items.weight[3] += 1
    run.checkpoints.save_best(training, 99, {})

    def killed(path: Path, content: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("seqrec_cli.core.storage.files.write_json", killed)
        with pytest.raises(RuntimeError, match="killed"):
            load_index(run.path, load_scorer(run, torch.device("cpu")))
    run.checkpoints.best.write_bytes(weights)
    assert load_index(run.path, load_scorer(run, torch.device("cpu")))[1]


@pytest.mark.parametrize("length", [0, 4, 100, 2000])
def test_a_truncated_checkpoint_is_found(trained: tuple[Run, Training], length: int) -> None:
    run, _ = trained
    run.checkpoints.best.write_bytes(run.checkpoints.best.read_bytes()[:length])
    with pytest.raises(RunError, match="damaged"):
        load_scorer(run, torch.device("cpu"))


def test_weights_of_another_model_are_refused(trained: tuple[Run, Training]) -> None:
    run, training = trained
    save_tensors(run.checkpoints.best, {"foreign": torch.ones(3)}, {"epoch": 1})
    with pytest.raises(RunError, match="does not belong to the experiment"):
        load_scorer(run, torch.device("cpu"))
    save_tensors(run.checkpoints.last, {"foreign": torch.ones(3)}, {"epoch": 1})
    with pytest.raises(RunError, match="does not belong to the experiment"):
        resume(run, training)


def test_a_run_without_best_weights_says_how_to_go_on(trained: tuple[Run, Training]) -> None:
    run, _ = trained
    run.checkpoints.best.unlink()
    with pytest.raises(RunError, match="no best weights") as caught:
        load_scorer(run, torch.device("cpu"))
    assert "--resume" in caught.value.hint


def test_another_dataset_is_refused(trained: tuple[Run, Training], cycle: SequenceDataset) -> None:
    run, _ = trained
    run.check_data(cycle)
    other = SequenceDataset(
        "toy",
        cycle.train,
        cycle.valid,
        None,
        cycle.user_ids,
        cycle.item_ids,
        manifest={"npz_sha256": "0" * 64},
    )
    with pytest.raises(RunError, match="was trained on another dataset"):
        run.check_data(other)


def test_a_continuation_changes_epochs_and_patience_alone(trained: tuple[Run, Training]) -> None:
    run, _ = trained
    changed = experiment_to_resume(run, ["training.epochs=9", "training.patience=2"])
    assert (changed.training.epochs, changed.training.patience) == (9, 2)
    assert run.experiment() != changed  # a refused continuation must leave no trace
    run.save_experiment(changed)
    assert run.experiment() == changed
    with pytest.raises(
        ConfigError, match=r"can change only training\.epochs, training\.max_minutes"
    ):
        experiment_to_resume(run, ["training.lr=0.1"])


def test_a_schedule_over_the_epochs_keeps_their_number(
    trained: tuple[Run, Training],
) -> None:
    run, _ = trained
    before = run.experiment()
    training = before.training.model_copy(update={"schedule": "cosine"})
    run.save_experiment(before.model_copy(update={"training": training}))
    assert experiment_to_resume(run, ["training.patience=2"]).training.patience == 2
    with pytest.raises(ConfigError, match="the epochs, steps and minutes of this run cannot"):
        experiment_to_resume(run, ["training.epochs=99"])
    run.save_experiment(before)


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    tensors = {"b": torch.arange(3.0), "a": torch.eye(2), "c": torch.tensor(3)}
    save_tensors(tmp_path / "1", tensors, {"x": 1})
    save_tensors(tmp_path / "2", dict(reversed(tensors.items())), {"x": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    found, facts = load_tensors(tmp_path / "1")
    assert facts == {"x": 1}
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("file", ["manifest.json", "experiment.yaml", "catalogue.npz"])
def test_damage_beside_the_weights_is_told(trained: tuple[Run, Training], file: str) -> None:
    run, _ = trained
    (run.path / file).write_bytes(b"\xff\x00{")
    with pytest.raises((RunError, ConfigError, Exception)) as caught:
        run.manifest(), run.experiment(), catalogue_of(run)
    assert type(caught.value).__module__ == "seqrec_cli.errors"
    assert file in str(caught.value)
