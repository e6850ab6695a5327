"""An installed package adds a model, a loss and a metric, as docs/extending.md says."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.settings.registry import installed
from seqrec_cli.errors import ConfigError, PluginError
from tests.conftest import ROOT, leave_one_out
from tests.forked import Warm

DOCUMENT = (ROOT / "docs" / "extending.md").read_text()


def block(language: str) -> str:
    """The one block of code in that language in the document."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    return str(found)


MODULE, CONFIG = block("python"), block("yaml")


def entry_points_of(project: str) -> str:
    """What pip makes of the entry points in a pyproject.toml."""
    groups = tomllib.loads(project)["project"]["entry-points"]
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in groups.items()
    )


ENTRY_POINTS = entry_points_of(block("toml"))


def install(folder: Path, package: str, entry_points: str, module: str = MODULE) -> None:
    """What pip leaves of a package with one module."""
    (folder / f"{package}.py").write_text(module)
    about = folder / f"{package}-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that packages can be installed into, for this process too."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(MODELS, "loaded", {})
    monkeypatch.setattr(LOSSES, "loaded", {})
    installed.cache_clear()
    yield folder
    installed.cache_clear()


@pytest.mark.slow
def test_the_model_of_a_package_trains_evaluates_recommends_and_resumes(
    tmp_path: Path, packages: Path, warm: Warm
) -> None:
    install(packages, "tiny_recommender", ENTRY_POINTS)
    starts = np.random.default_rng(0).integers(20, size=60)
    data = leave_one_out([[(start + t) % 20 + 1 for t in range(6)] for start in starts], 20)
    data.save(tmp_path / "data" / "toy.npz")
    (tmp_path / "toy.yaml").write_text(CONFIG)

    # The first in a process that begins with the package, as all do for a user.
    command = [
        sys.executable,
        "-m",
        "seqrec_cli",
        "train",
        "--config",
        "toy.yaml",
        "--run",
        "whole",
    ]
    path = os.pathsep.join([str(packages), str(ROOT)])
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, check=True)

    def done(*arguments: str) -> str:
        child = warm.start([*arguments], tmp_path, tmp_path / "said", packages=packages)
        assert child.wait() == 0, child.stderr
        return child.stdout

    written = (tmp_path / "runs/whole/experiment.yaml").read_text()
    assert "loss: hinge\n  margin: 0.5\n" in written
    first, second = (done("evaluate", "runs/whole", "--json", "--no-baselines") for _ in range(2))
    assert first == second
    assert "best_rank@" in first
    validations = (tmp_path / "runs/whole/metrics.jsonl").read_text().splitlines()
    assert json.loads(validations[-1])["hr@10"] > 0.8
    assert "best_rank@10" in json.loads(validations[-1])
    found = json.loads(done("recommend", "--run", "whole", "--user", "100", "--json"))
    assert found

    done("train", "--config", "toy.yaml", "--run", "half", "--set", "training.epochs=20")
    done("train", "--resume", "half", "--set", "training.epochs=30")
    for name in ("last.safetensors", "best.safetensors"):
        whole, half = (tmp_path / "runs" / run / name for run in ("whole", "half"))
        assert whole.read_bytes() == half.read_bytes(), name


def test_what_a_package_offers_is_checked_like_ours(packages: Path) -> None:
    install(packages, "tiny_recommender", ENTRY_POINTS)
    experiment = parse_experiment(CONFIG, "x.yaml")
    assert type(experiment.model).__name__ == "TinySettings"
    assert experiment.training.loss.margin == 0.5
    for text, message, hint in (
        (CONFIG.replace("hidden: 16", "hiden: 16"), "unknown setting `model.hiden`", "hidden"),
        (CONFIG.replace("hidden: 16", "hidden: 0"), "line 2: setting `model.hidden`", "size"),
        (
            CONFIG.replace("margin: 0.5", "margin: 0"),
            "line 5: setting `training.margin`",
            "margin between",
        ),
        (CONFIG.replace("name: tiny", "name: tinny"), "unknown model `tinny`", "`tiny`"),
        (CONFIG.replace("loss: hinge", "loss: hing"), "line 4: unknown loss `hing`", "`hinge`"),
        (CONFIG.replace("margin", "gbce_t"), "is a setting of `loss: gbce`", "leave it out"),
    ):
        with pytest.raises(ConfigError) as caught:
            parse_experiment(text, "x.yaml")
        assert message in caught.value.message
        assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("module", "entry_points", "problem"),
    [
        ("raise RuntimeError('no compiler')", ENTRY_POINTS, "RuntimeError: no compiler"),
        ("", ENTRY_POINTS, "AttributeError"),
        ("Tiny = 3", ENTRY_POINTS, "`settings_class` is not a subclass of SequenceModelSettings"),
        (MODULE, "[seqrec.models]\nother = tiny_recommender:Tiny\n", "is not `other` by default"),
        (MODULE, "[seqrec.models]\ntiny = absent_module:Tiny\n", "ModuleNotFoundError"),
    ],
)
def test_a_broken_package_is_named(
    packages: Path, module: str, entry_points: str, problem: str
) -> None:
    install(packages, "tiny_recommender", entry_points, module)
    sys.modules.pop("tiny_recommender", None)
    name = "other" if "other" in entry_points else "tiny"
    with pytest.raises(PluginError) as caught:
        parse_experiment(f"model: {{name: {name}}}", "x.yaml")
    assert f"the package `tiny_recommender` offers the model `{name}`" in caught.value.message
    assert problem in caught.value.message
    assert "pip uninstall tiny_recommender" in caught.value.hint
    assert parse_experiment("model: {name: gru4rec}", "x.yaml").model.name == "gru4rec"


def test_two_packages_with_a_model_of_the_same_name_are_refused(packages: Path) -> None:
    install(packages, "tiny_recommender", ENTRY_POINTS)
    install(packages, "rival", "[seqrec.models]\ntiny = rival:Tiny\nsasrec = rival:Tiny\n")
    for name, both in (("tiny", "rival, tiny_recommender"), ("sasrec", "seqrec, rival")):
        with pytest.raises(PluginError, match=f"offered by more than one package: {both}"):
            parse_experiment(f"model: {{name: {name}}}", "x.yaml")


def test_a_setting_of_a_loss_cannot_be_called_as_one_of_training(packages: Path) -> None:
    install(packages, "tiny_recommender", ENTRY_POINTS, MODULE.replace("margin", "negatives"))
    sys.modules.pop("tiny_recommender", None)
    with pytest.raises(PluginError, match="the loss `hinge` has a setting called as one of every"):
        parse_experiment("training: {loss: hinge}", "x.yaml")


@pytest.mark.parametrize("name", ["os:system", "tiny_recommender:Tiny", "seqrec_cli.errors"])
def test_a_file_names_no_code(packages: Path, name: str) -> None:
    install(packages, "tiny_recommender", "")
    sys.modules.pop("tiny_recommender", None)
    for text in (f"model: {{name: '{name}'}}", f"training: {{loss: '{name}'}}"):
        with pytest.raises(ConfigError, match=f"unknown (model|loss) `{name}`"):
            parse_experiment(text, "x.yaml")
    assert "tiny_recommender" not in sys.modules
