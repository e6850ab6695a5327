"""Solving a large positive definite system in place, tile by tile.

Every tile is one core's work and tiles meet in a fixed order, so the result is the same bytes
whatever the number of threads. A tile is large enough to keep a core's arithmetic busy.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.linalg import solve_triangular

from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.errors import TrainingError

TILE = 768


def tiles(size: int, start: int = 0) -> list[slice]:
    """The ranges of TILE rows from `start` on."""
    return [slice(row, min(row + TILE, size)) for row in range(start, size, TILE)]


def factorize(matrix: Tensor, workers: WorkerPool) -> Iterator[float]:
    """Replace the lower triangle of `matrix` (n, n) by that of its Cholesky factor.

    The strict upper triangle is neither read nor, beyond tiles on the diagonal, written. Yields
    the share of the work that is done.

    Raises:
        TrainingError: the matrix is not positive definite.
    """
    size = len(matrix)
    for own in tiles(size):
        factor, failed = workers.alone(partial(torch.linalg.cholesky_ex, matrix[own, own]))
        if failed:
            raise TrainingError(
                "the normal equations of the linear model have no solution in single precision",
                "use a larger `model.ridge`",
            )
        matrix[own, own] = factor
        below = tiles(size, own.stop)

        def divide(rows: slice, own: slice = own, factor: Tensor = factor) -> None:
            """Divide a tile of the column by the factor of its diagonal tile."""
            tile = matrix[rows, own]
            matrix[rows, own] = solve_triangular(factor.T, tile, upper=True, left=False)

        def subtract(pair: tuple[slice, slice], own: slice = own) -> None:
            """Take what the column explains from a tile on its right."""
            rows, columns = pair
            matrix[rows, columns].addmm_(matrix[rows, own], matrix[columns, own].T, alpha=-1)

        for _ in workers.map(divide, below):
            pass
        pairs = [
            (rows, columns) for rows in below for columns in below if columns.start <= rows.start
        ]
        for _ in workers.map(subtract, pairs):
            pass
        yield 1 - (1 - own.stop / size) ** 3


def solve(factor: Tensor, sides: Tensor, workers: WorkerPool) -> Iterator[float]:
    """Replace `sides` (n, k) by A^-1 `sides`, where A has the lower Cholesky factor `factor`.

    Yields the share of the work that is done.
    """
    columns, steps = tiles(sides.shape[1]), tiles(len(factor))

    def column(part: slice) -> None:
        found = sides[:, part].contiguous()
        for own in steps:
            found[own].addmm_(factor[own, : own.start], found[: own.start], alpha=-1)
            found[own] = solve_triangular(factor[own, own], found[own], upper=False)
        for own in reversed(steps):
            found[own].addmm_(factor[own.stop :, own].T, found[own.stop :], alpha=-1)
            found[own] = solve_triangular(factor[own, own].T, found[own], upper=True)
        sides[:, part] = found

    for done, _ in enumerate(workers.map(column, columns), 1):
        yield done / len(columns)
