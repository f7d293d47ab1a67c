"""Pictures of slices with segmentations over them."""

from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest

from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram
from ais_app.operations.replay import replay


@pytest.fixture
def folder(tmp_path):
    grey = np.random.default_rng(1).normal(size=(9, 40, 60)).astype(np.float32)
    size = {"voxel_size_zyx": (10.0,) * 3}
    write_volume(tmp_path / "TS_01.mrc", grey, like=Tomogram(grey, **size))
    mask = np.zeros(grey.shape, dtype=np.int8)
    mask[4, 30:, :20] = 1
    write_volume(tmp_path / "TS_01__membrane.mrc", mask, like=Tomogram(mask, **size))
    write_volume(tmp_path / "TS_02__membrane.mrc", mask, like=Tomogram(mask, **size))
    return tmp_path


def test_a_feature_is_painted_in_its_colour_with_y_upwards(ais, folder):
    words = ("-s", folder / "*__membrane.mrc", "--colour", "membrane=#ff0000")
    code, out, err = ais("preview", folder / "TS_01.mrc", "-o", folder / "out", *words)
    assert (code, err) == (0, "")
    assert "TS_01.mrc: membrane" in out
    picture = matplotlib.image.imread(folder / "out" / "TS_01_preview.png")[..., :3]
    assert picture.shape == (40, 60, 3)
    red = picture[..., 0] - picture[..., 2] > 0.3
    assert red[:10, :20].mean() > 0.9  # high y is at the top
    assert not red[10:].any()
    assert not red[:, 20:].any()
    assert replay(folder / "out" / "TS_01_preview.png").identical


def test_large_slices_are_binned_and_other_slices_can_be_shown(ais, folder):
    assert ais("preview", folder / "TS_01.mrc", "-o", folder / "out", "--size", 30, "--z", 2)[0] == 0
    assert matplotlib.image.imread(folder / "out" / "TS_01_preview.png").shape[:2] == (20, 30)
    code, _, err = ais("preview", folder / "TS_01.mrc", "-o", folder / "out", "--z", 20)
    assert code == 1
    assert "slices run from 0 to 8" in err


@pytest.mark.parametrize("word", ["membrane", "membrane=red"])
def test_a_wrong_colour_is_said(ais, folder, word):
    call = ("preview", folder / "TS_01.mrc", "-o", folder / "out", "-s", folder / "TS_01__membrane.mrc")
    code, _, err = ais(*call, "--colour", word)
    assert code == 1
    assert "#rrggbb" in err
