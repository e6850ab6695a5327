"""The index of a run is kept, built anew for other weights, and refused if it is another's."""

from pathlib import Path

import pytest
import torch

from seqrec_cli.core.runs.index import load_index
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import RunError


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
