"""What people do with items, and how columns of it are called."""

import pytest

from seqrec_cli.core.data.reading.doings import name_words, says_action, says_something_done


@pytest.mark.parametrize(
    "name",
    [
        *("action_name", "userAction", "Aktion", "typ akcji / akcja", "Type d'action", "действие"),
        *("Acción", "ação", "行为", "操作", "verb.id"),
    ],
)
def test_an_action_is_called_so_in_many_languages(name: str) -> None:
    assert says_action(name)


@pytest.mark.parametrize("name", ["reaction", "transaction", "actionable", "acting", "", "?"])
def test_what_only_sounds_so_is_none(name: str) -> None:
    assert not says_action(name)


@pytest.mark.parametrize(
    "name",
    [
        *("shared", "Finished?", "booking_bool", "long_view", "verified_purchase", "addedToList"),
        *("abgeholt", "acheté", "购买"),
    ],
)
def test_a_flag_is_called_as_what_was_done(name: str) -> None:
    assert says_something_done(name)


@pytest.mark.parametrize("name", ["speed", "seed", "promo", "banner_pos", "shed", "gender", "bed"])
def test_other_flags_are_not(name: str) -> None:
    assert not says_something_done(name)


def test_words_are_told_without_signs() -> None:
    assert name_words("Type d'action?") == ["type", "d", "action"]
    assert name_words("") == []
