"""Principal components against those of scikit-learn, which calculates all of them."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from ais_app.core.particles.components import principal_components


def rows_with(variances, n, p, seed):
    """Return rows whose variances along some directions are known, beside noise of 0.01."""
    random = np.random.default_rng(seed)
    directions = np.linalg.qr(random.normal(size=(p, len(variances))))[0].T
    codes = random.normal(size=(n, len(variances))) * np.sqrt(variances)
    return codes @ directions + 0.1 * random.normal(size=(n, p)) + random.normal(size=p), directions


@pytest.mark.parametrize(("n", "p"), [(400, 900), (900, 400), (12, 900), (900, 12), (60, 60)])
def test_as_scikit_learn_finds_them(n, p):
    rows, _ = rows_with([90.0, 40.0, 20.0, 9.0], n, p, seed=n)
    ours, theirs = principal_components(rows, 4), PCA(4, svd_solver="full").fit(rows)
    assert np.abs(np.sum(ours.directions * theirs.components_, axis=1)) == pytest.approx(np.ones(4), abs=1e-6)
    np.testing.assert_allclose(ours.codes(rows).var(axis=0, ddof=1), theirs.explained_variance_, rtol=1e-6)
    np.testing.assert_allclose(ours.rows(ours.codes(rows)), theirs.inverse_transform(theirs.transform(rows)), atol=1e-4)


def test_in_single_precision_and_of_an_array_that_cannot_be_written():
    rows = rows_with([90.0, 40.0, 20.0], 600, 500, seed=2)[0].astype(np.float32)
    rows.flags.writeable = False
    ours, exact = principal_components(rows, 3, seed=5), principal_components(rows[:600].astype(float), 3)
    assert ours.directions.dtype == np.float32
    np.testing.assert_allclose(ours.directions, exact.directions, atol=1e-3)


def test_the_same_seed_gives_the_same():
    rows = rows_with([5.0, 4.0, 3.0], 300, 200, seed=3)[0]
    first, second = (principal_components(rows, 10, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.directions, second.directions)


def test_of_rows_that_are_all_alike_every_code_is_nothing():
    rows = np.ones((50, 40))
    np.testing.assert_allclose(principal_components(rows, 3).codes(rows), 0, atol=1e-12)
