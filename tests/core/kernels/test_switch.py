"""Which code computes, and who may say so."""

import threading

import pytest

from seqrec_cli.core.kernels import switch
from seqrec_cli.errors import ConfigError


def test_kernels_compute_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(switch.VARIABLE, raising=False)
    assert all(switch.fast(kernel) for kernel in switch.KERNELS)
    monkeypatch.setenv(switch.VARIABLE, "fast")
    assert all(switch.fast(kernel) for kernel in switch.KERNELS)


def test_the_environment_turns_all_of_them_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(switch.VARIABLE, "plain")
    assert not any(switch.fast(kernel) for kernel in switch.KERNELS)


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(switch.VARIABLE, "quick")
    with pytest.raises(ConfigError, match="`SEQREC_KERNELS` is `quick`") as caught:
        switch.fast("gru")
    assert "SEQREC_KERNELS=plain" in caught.value.hint


def test_one_may_be_turned_off_for_a_while_in_all_threads() -> None:
    seen: list[bool] = []
    with switch.plain("gru"), switch.plain("adam"):
        assert switch.fast("attention")
        thread = threading.Thread(target=lambda: seen.append(switch.fast("gru")))
        thread.start()
        thread.join()
        assert not switch.fast("adam")
    assert seen == [False]
    assert switch.fast("gru")
    assert switch.fast("adam")


def test_without_a_name_all_are_turned_off() -> None:
    with switch.plain():
        assert not any(switch.fast(kernel) for kernel in switch.KERNELS)


def test_a_misspelled_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="no such kernels: gro"), switch.plain("gro"):
        pass
