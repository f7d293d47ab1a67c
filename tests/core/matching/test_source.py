"""What is searched: averaged and filtered part by part as it would be whole, in memory or in a file without a name."""

import numpy as np
import pytest
from matching_phantoms import SIZE

from ais_app.core.filtering.chain import FilterSetting, filtered
from ais_app.core.jobs import run
from ais_app.core.matching import source
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.resample import binned


@pytest.mark.parametrize("in_memory", [True, False])
def test_parts_give_what_the_whole_gives(in_memory, tmp_path, rng, monkeypatch):
    monkeypatch.setattr(source, "_SIDE", 12)
    if not in_memory:
        monkeypatch.setattr(source, "_MOST_IN_MEMORY", 0)
    tomogram = Tomogram(rng.normal(size=(41, 50, 63)).astype(np.float32), (SIZE,) * 3)
    params = MatchParams(binning=2, low_pass=50.0, high_pass=200.0)
    volume, mean, deviation = run(source.source_job(tomogram, params, tmp_path / "new"))
    small = np.asarray(binned(tomogram, 2).data[:, :, :])
    band = [FilterSetting("band_pass", {"low_pass": 50.0, "high_pass": 200.0, "three_d": True})]
    expected = filtered(lambda region: small[region], small.shape, (2 * SIZE,) * 3, band)
    np.testing.assert_allclose(volume, expected, atol=2e-4)
    assert (mean, deviation) == pytest.approx((expected.mean(), expected.std()), abs=1e-4)
    assert isinstance(volume, np.memmap) != in_memory
    assert not list(tmp_path.rglob("*.*"))  # nothing to be cleaned up
    del volume


def test_a_tomogram_that_is_searched_as_it_is_is_not_copied(rng):
    tomogram = Tomogram(rng.normal(size=(9, 10, 11)).astype(np.float32), (SIZE,) * 3)
    assert run(source.source_job(tomogram, MatchParams()))[0] is tomogram.data
