"""Tasks of an engine: their share of the cores, their order, and no more of them than there is room
for."""

from collections.abc import Callable, Iterator
from typing import Any

from seqrec_cli.core.data.tasks import RayTasks
from seqrec_cli.core.storage.memory import available_cores, limited_cores


class AtOnce:
    """Stands for Ray: does a task when it is asked for the result."""

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.options: dict[str, Any] = {}
        self.log: list[str] = []

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.cores)}

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        self.options = options
        return lambda work: work

    def get(self, number: int) -> int:
        self.log.append(f"got {number}")
        return number * number


def test_results_come_in_order_and_few_tasks_are_begun_before_their_turn() -> None:
    ray = AtOnce(2)

    def tasks() -> Iterator[int]:
        for number in range(7):
            ray.log.append(f"begun {number}")
            yield number

    assert list(RayTasks(ray).in_order(tasks())) == [number * number for number in range(7)]
    begun = [entry for entry in ray.log[: ray.log.index("got 0")] if entry.startswith("begun")]
    assert len(begun) == 4
    assert [entry for entry in ray.log if entry.startswith("got")] == [f"got {n}" for n in range(7)]


def test_a_task_has_one_core_and_its_name() -> None:
    def cores_there(_: str) -> int:
        return available_cores()

    ray = AtOnce(2)
    task = RayTasks(ray).task(cores_there, results=3)
    assert task("x") == 1
    assert task.__name__ == "cores_there"
    assert ray.options == {"num_cpus": 1, "num_returns": 3, "max_retries": 5}
    with limited_cores(10_000):
        assert cores_there("x") == available_cores()
