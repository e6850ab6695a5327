"""Solving tile by tile against NumPy's own."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.models import cholesky
from seqrec_cli.core.models.cholesky import factorize, solve
from seqrec_cli.errors import TrainingError


@pytest.mark.parametrize(("size", "tile"), [(1, 4), (4, 4), (17, 4), (50, 16), (9, 100)])
def test_solves_as_numpy_does(size: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cholesky, "TILE", tile)
    random, workers = np.random.default_rng(size), WorkerPool(torch.device("cpu"))
    root = random.normal(size=(size, size))
    matrix, sides = root @ root.T + size * np.eye(size), random.normal(size=(size, 7))
    expected = np.linalg.solve(matrix, sides)
    lower, found = torch.from_numpy(np.tril(matrix)).float(), torch.from_numpy(sides).float()
    done = [*factorize(lower, workers), *solve(lower, found, workers)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(lower.tril().numpy(), np.linalg.cholesky(matrix), rtol=1e-4)
    assert done[-1] == 1


def test_a_matrix_that_has_no_factor_is_refused() -> None:
    with pytest.raises(TrainingError, match="no solution"):
        list(factorize(torch.tensor([[1.0, 0.0], [3.0, 1.0]]), WorkerPool(torch.device("cpu"))))
