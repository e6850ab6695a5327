"""Tasks of this process: their rows lie on the disk, and leave it when nobody needs them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.on_disk import DiskTasks, opened_disk
from seqrec_cli.core.data.ordering import COLUMNS, Rows


@pytest.fixture
def tasks() -> Iterator[DiskTasks]:
    with opened_disk() as made:
        yield made


def files_of(tasks: DiskTasks) -> list[Path]:
    return list(tasks.folder.path.glob("*.npz"))


def some_rows(count: int) -> Rows:
    users = np.arange(count, dtype=np.int32)
    return Rows(users, users + np.int32(7), None, users.astype(np.float32) / 3)


def halves(rows: Rows) -> list[Rows]:
    middle = len(rows) // 2
    return [
        Rows(rows.users[own], rows.items[own], None, None if rows.ratings is None else rows.ratings)
        for own in (slice(middle), slice(middle, None))
    ]


def test_rows_are_the_same_after_the_disk(tasks: DiskTasks) -> None:
    kept = tasks.task(some_rows).remote(1000)
    assert len(files_of(tasks)) == 1
    found, made = tasks.get(kept), some_rows(1000)
    for name in COLUMNS:
        before, after = getattr(made, name), getattr(found, name)
        assert (before is None) == (after is None)
        if before is not None:
            assert after.dtype == before.dtype
            assert np.array_equal(after, before)


def test_a_task_gets_rows_and_other_values_and_gives_as_many_results_as_it_says(
    tasks: DiskTasks,
) -> None:
    rows = tasks.task(some_rows).remote(10)
    first, second = tasks.task(halves, results=2).remote(rows)
    assert [len(each) for each in tasks.get([first, second])] == [5, 5]
    both = tasks.task(lambda a, b, c: (len(a) + len(b)) * c)
    assert tasks.get(both.remote(first, second, tasks.put(3))) == 30


def test_files_go_with_their_rows_and_the_rest_with_the_block() -> None:
    with opened_disk() as tasks:
        kept = [tasks.task(some_rows).remote(10) for _ in range(3)]
        assert len(files_of(tasks)) == 3
        del kept[0]
        assert len(files_of(tasks)) == 2
        folder = tasks.folder.path
    assert not folder.exists()
    del kept  # what is gone already is no error
