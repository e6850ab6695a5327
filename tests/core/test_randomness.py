"""Streams are functions of their key alone, and devices are chosen or refused clearly."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.devices import choose_device
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.randomness import Purpose, hashed, splitmix, stream, torch_stream
from seqrec_cli.errors import ConfigError

CPU = torch.device("cpu")


def test_a_stream_depends_on_every_part_of_its_key() -> None:
    keys = [(0, Purpose.ORDER, 1), (1, Purpose.ORDER, 1), (0, Purpose.NOISE, 1), (0, Purpose.ORDER)]
    first = [stream(*key).integers(2**63) for key in keys]
    assert first == [stream(*key).integers(2**63) for key in keys]
    assert len(set(first)) == len(keys)
    draws = [torch.rand(3, generator=torch_stream(*key)).tolist() for key in keys]
    assert len({tuple(draw) for draw in draws}) == len(keys)


def test_splitmix_gives_the_published_sequence() -> None:
    """Seed 1234567 of the reference implementation (Vigna, prng.di.unimi.it/splitmix64.c)."""
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)  # the seed as a number of steps from 0
    start = 1234567 * inverse % 2**64
    values = splitmix(np.array([(start + step) % 2**64 for step in (1, 2, 3)], np.uint64))
    assert values.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_hashed_numbers_are_uniform_and_do_not_line_up() -> None:
    users, counters = np.arange(300)[:, None], np.arange(400)
    values = hashed(3, Purpose.NEGATIVES, 2, users, counters)
    assert values.min() >= 0
    assert values.max() < 1
    counts, _ = np.histogram(values, bins=64, range=(0, 1))
    expected = values.size / 64
    assert ((counts - expected) ** 2 / expected).sum() < 110  # 63 degrees of freedom, 1 in 5,000
    for a, b in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.012
    other = hashed(3, Purpose.NEGATIVES, 3, users, counters)
    assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 0.012


def test_noise_depends_on_seed_epoch_and_step() -> None:
    masks = [
        Noise(seed, epoch, step, part, CPU).kept((50, 3), 0.5)
        for seed, epoch, step, part in (
            *((0, 1, 1, 0), (0, 1, 1, 0), (1, 1, 1, 0)),
            *((0, 2, 1, 0), (0, 1, 2, 0), (0, 1, 1, 1)),
        )
    ]
    assert torch.equal(masks[0], masks[1])
    for mask in masks[2:]:
        assert not torch.equal(masks[0], mask)


@pytest.mark.parametrize("drop", [0.0, 0.1, 0.2, 0.3, 0.5, 0.9])
def test_each_element_is_dropped_with_the_probability_asked_for(drop: float) -> None:
    masks = torch.stack([Noise(0, 1, step, 0, CPU).kept((500,), drop) for step in range(4000)])
    assert set(masks.unique().tolist()) <= {0.0, 1.0}
    # The coin between two multiples of 1/256 moves a draw as a whole, by 1/512 at most.
    spread = np.sqrt(drop * (1 - drop) / masks.numel() + (1 / 512) ** 2 / len(masks))
    assert float(masks.mean()) == pytest.approx(1 - drop, abs=4 * spread)
    each = masks.mean(dim=0)  # no place in a draw is favoured
    assert float(each.std()) == pytest.approx(np.sqrt(drop * (1 - drop) / len(masks)), rel=0.15)


def test_devices_are_chosen_or_refused() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    with pytest.raises(ConfigError, match="unknown device `tpu`"):
        choose_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="has no device `cuda`"):
            choose_device("cuda")
