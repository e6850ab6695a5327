"""Which settings need what the dataset has of users and items."""

from typing import ClassVar

from seqrec_cli.core.models.sequential.gru4rec import GRU4RecConfig
from seqrec_cli.core.models.sequential.interface import SequenceModelSettings
from seqrec_cli.core.models.sequential.sasrec import SASRecConfig
from seqrec_cli.core.models.sequential.two_tower import TwoTowerConfig


def test_what_is_needed_follows_from_the_class_or_from_the_settings() -> None:
    class Plain(SequenceModelSettings):
        name: str = "plain"

    class Telling(SequenceModelSettings):
        name: str = "telling"
        reads_features: ClassVar[bool] = True  # type: ignore[misc]

    assert Telling().reads_users  # who says no more reads those of users too
    assert Telling().needs_features
    assert not Plain().reads_users
    assert not Plain().needs_features
    assert TwoTowerConfig().needs_features
    for settings in (SASRecConfig, GRU4RecConfig):
        assert not settings().needs_features
        assert settings(item_vectors="added").needs_features
        assert not settings(item_vectors="added").reads_features
        assert settings(item_features=True).needs_features
        assert settings(item_features=True).reads_features
        assert not settings.reads_users  # that is of classes that always do
