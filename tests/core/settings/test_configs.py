"""The experiment files that come with seqrec are found by name, from any folder."""

from pathlib import Path

import pytest

from seqrec_cli.core.settings import configs
from seqrec_cli.errors import ConfigError
from tests.conftest import ROOT


def test_all_of_them_are_found_and_described() -> None:
    assert configs.shipped_configs() == sorted(p.stem for p in (ROOT / "configs").glob("*.yaml"))
    for name in configs.shipped_configs():
        assert 10 < len(configs.describe(name)) < 200
        assert configs.text_of(name) == (ROOT / "configs" / f"{name}.yaml").read_text()


def test_a_description_is_the_first_sentence() -> None:
    assert configs.describe("demo") == (
        "A small SASRec on MovieLens-100K, a few minutes on two cores: what `make demo` trains"
    )


@pytest.mark.parametrize("name", ["sasrec", "sasrec.yaml", "configs/sasrec.yaml"])
def test_a_name_works_in_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert configs.find_config(name) == ROOT / "configs" / "sasrec.yaml"


def test_a_file_here_comes_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sasrec.yaml").write_text("data: mine\n")
    assert configs.find_config("sasrec.yaml") == Path("sasrec.yaml")
    assert configs.find_config("sasrec") == ROOT / "configs" / "sasrec.yaml"


def test_a_name_that_is_nearly_right_is_led_to_the_right_one() -> None:
    with pytest.raises(ConfigError, match="there is no config `sasrek`") as refused:
        configs.find_config("sasrek")
    assert refused.value.hint == "did you mean `sasrec`?"
    with pytest.raises(ConfigError, match=r"there is no config `\.\./secret`"):
        configs.text_of("../secret")
