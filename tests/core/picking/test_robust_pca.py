"""Low rank and sparse: a matrix with known parts comes apart."""

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.picking.robust_pca import robust_pca_job


def mixed(seed, shape=(40, 600), rank=3, share=0.05, columns=False):
    rng = np.random.default_rng(seed)
    low = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    where = rng.random(shape) < share
    if columns:
        where = np.zeros(shape, bool)
        where[:, rng.choice(shape[1], int(share * shape[1]), replace=False)] = True
        where &= rng.random(shape) < 0.4
    return low, np.where(where, rng.normal(0, 5, shape), 0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_parts_are_found_again(turned):
    """T8: 40 x 600, rank 3, one entry in twenty is an outlier."""
    low, sparse = mixed(1)
    if turned:
        low, sparse = low.T, sparse.T
    found = run(robust_pca_job(low + sparse))
    assert found.converged
    assert np.linalg.norm(found.low_rank - low) <= 5e-3 * np.linalg.norm(low)
    assert np.linalg.norm(found.sparse - sparse) <= 5e-3 * np.linalg.norm(sparse)
    assert np.linalg.matrix_rank(found.low_rank, 1e-3) == 3


def test_columns_that_stand_out_are_found():
    """T8: of the columns with outliers at least 95 % are among as many with the most in the sparse part."""
    low, sparse = mixed(2, columns=True)
    salient = np.abs(sparse).sum(axis=0) > 0
    found = np.abs(run(robust_pca_job(low + sparse)).sparse).sum(axis=0)
    best = np.argsort(-found)[: salient.sum()]
    assert salient[best].mean() >= 0.95


def test_it_ends_in_any_case_and_says_so():
    low, sparse = mixed(3, (10, 30))
    assert not run(robust_pca_job(low + sparse, most=3)).converged
    nothing = run(robust_pca_job(np.zeros((4, 5))))
    assert nothing.converged
    assert not nothing.low_rank.any()


@pytest.mark.parametrize("matrix", [np.zeros(3), np.zeros((0, 4)), np.array([[1.0, np.nan]])])
def test_what_is_no_matrix_is_refused(matrix):
    with pytest.raises(ParameterProblem, match="matrix"):
        run(robust_pca_job(matrix))
