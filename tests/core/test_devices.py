"""Pieces come back in order, whatever the number of threads, and errors come through."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from seqrec_cli.core.devices import AHEAD, WorkerPool


def pool(count: int) -> WorkerPool:
    made = WorkerPool(torch.device("cpu"))
    made.count = count
    made.pool = ThreadPoolExecutor(count) if count > 1 else None
    return made


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_the_order_of_the_pieces(count: int) -> None:
    pause = threading.Event()

    def work(number: int) -> int:
        pause.wait(0.002 * (number % 3))
        return number * number

    assert list(pool(count).map(work, range(40))) == [n * n for n in range(40)]


def test_pieces_are_taken_only_as_there_is_room() -> None:
    taken = []

    def pieces() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = pool(2).map(lambda number: number, pieces())
    assert next(results) == 0
    assert len(taken) <= AHEAD * 2
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= AHEAD * 2


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_comes_through_and_the_threads_of_torch_are_as_before(count: int) -> None:
    before = torch.get_num_threads()
    made = pool(count)

    def work(number: int) -> int:
        if number == 3:
            raise ValueError("piece 3")
        return number

    with pytest.raises(ValueError, match="piece 3"):
        list(made.map(work, range(9)))
    torch.set_num_threads(before)
    assert list(made.map(work, range(3))) == [0, 1, 2]
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 2])
def test_work_begun_behind_pieces_is_done_while_their_results_are_awaited(count: int) -> None:
    made = pool(count)
    results = made.map(lambda number: number, range(6))
    later = made.begin(lambda: "later")
    assert list(results) == list(range(6))
    assert later() == "later"
