"""The queue: batches of what waits, no answer lost, none given to another."""

import threading
from collections.abc import Sequence

import pytest

from seqrec_cli.core.inference.together import QueueFull, Together


def test_everybody_gets_the_own_answer() -> None:
    sizes: list[int] = []
    together = Together[int, int](lambda batch: [n * n for n in batch], most=8, sizes=sizes.append)
    results: dict[int, int] = {}

    def ask(number: int) -> None:
        results[number] = together.ask(number).result(30)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together.close()
    assert results == {number: number * number for number in range(100)}
    assert sum(sizes) == 100
    assert max(sizes) <= 8


def held() -> tuple[Together[int, int], threading.Event, list[list[int]]]:
    """A queue whose first batch waits for the event, and the batches."""
    go, batches = threading.Event(), list[list[int]]()

    def answer(batch: Sequence[int]) -> list[int]:
        batches.append(list(batch))
        go.wait(30)
        if 13 in batch:
            raise ValueError("unlucky")
        return list(batch)

    return Together(answer, most=8, waiting=4), go, batches


def test_what_comes_meanwhile_is_answered_in_one_go() -> None:
    together, go, batches = held()
    first = together.ask(0)
    while not batches:
        pass
    rest = [together.ask(number) for number in range(1, 5)]
    with pytest.raises(QueueFull):
        together.ask(5)
    go.set()
    assert [future.result(30) for future in (first, *rest)] == [0, 1, 2, 3, 4]
    assert batches == [[0], [1, 2, 3, 4]]
    together.close()
    with pytest.raises(QueueFull):
        together.ask(6)


def test_one_that_fails_spoils_no_other_and_one_that_gave_up_is_left_out() -> None:
    together, go, batches = held()
    together.ask(0)
    while not batches:
        pass
    one, unlucky, gone = (together.ask(number) for number in (1, 13, 3))
    assert gone.cancel()
    go.set()
    assert one.result(30) == 1
    with pytest.raises(ValueError, match="unlucky"):
        unlucky.result(30)
    together.close()
    assert batches == [[0], [1, 13], [1], [13]]


def test_closing_answers_what_waits() -> None:
    together, go, batches = held()
    first = together.ask(0)
    while not batches:
        pass
    second = together.ask(1)
    threading.Timer(0.05, go.set).start()
    together.close()
    assert (first.result(0), second.result(0)) == (0, 1)
