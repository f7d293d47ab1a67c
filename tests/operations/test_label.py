"""Masks and instance labels of segmentations."""

from __future__ import annotations

import numpy as np
import pytest

from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.tomogram import Tomogram
from ais_app.operations.label import LabelParams, label
from ais_app.operations.replay import replay

ORIGIN = (-30.0, 20.0, 10.0)


@pytest.fixture
def balls(tmp_path, voxel_size):
    """Two balls that touch, one alone, and a speck of dust; with the exact truth of each."""
    grid = np.indices((24, 40, 60)).transpose(1, 2, 3, 0)
    centres = [(12, 14, 14), (12, 14, 28), (12, 28, 46)]
    inside = [np.linalg.norm(grid - centre, axis=-1) < 7.5 for centre in centres]
    probability = np.any(inside, axis=0).astype(np.float32) * 0.9
    probability[2, 2, 2] = 0.9
    like = Tomogram(probability, voxel_size_zyx=(voxel_size,) * 3, origin_zyx=ORIGIN)
    return write_volume(tmp_path / "TS_01__granule.mrc", probability, like=like), inside


def test_instances_are_numbered_and_cut_where_asked(ais, tmp_path, balls, voxel_size):
    path, inside = balls
    dust = 10 * voxel_size**3
    code, out, err = ais("label", path, "-o", tmp_path / "out", "--min-volume", dust, "--neck", 0.85)
    assert (code, err) == (0, "")
    assert "3 instances" in out
    found = open_tomogram(tmp_path / "out" / "TS_01__granule_instances.mrc")
    assert found.data.dtype == np.uint16
    assert found.origin_zyx == ORIGIN
    labels = found.read()
    for ball in inside:
        number = np.bincount(labels[ball]).argmax()
        assert number > 0
        overlap = (labels == number)[ball].sum() / ball.sum()
        assert overlap > 0.95
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert labels[2, 2, 2] == 0
    assert replay(tmp_path / "out" / "TS_01__granule_instances.mrc").identical
    (whole,) = label([path], tmp_path / "whole", LabelParams(min_volume=dust))
    assert whole.message == "2 instances"
    joined = open_tomogram(whole.outputs[0]).read()
    assert np.array_equal(joined == 1, inside[0] | inside[1])
    assert np.array_equal(joined == 2, inside[2])


def test_a_mask_holds_zeros_and_ones(ais, tmp_path, balls, voxel_size):
    path, inside = balls
    options = ("--kind", "mask", "--threshold", 0.8, "--min-volume", 10 * voxel_size**3)
    assert ais("label", path, "-o", tmp_path / "out", *options)[0] == 0
    found = open_tomogram(tmp_path / "out" / "TS_01__granule_mask.mrc").read()
    assert found.dtype == np.int8
    assert np.array_equal(found, np.any(inside, axis=0))


def test_too_many_instances_for_the_file_are_said(tmp_path):
    dots = np.zeros((84, 84, 84), dtype=np.int8)
    dots[::2, ::2, ::2] = 1
    path = write_volume(tmp_path / "TS_01__dots.mrc", dots, like=Tomogram(dots, voxel_size_zyx=(8.0,) * 3))
    (result,) = label([path], tmp_path / "out")
    assert "74,088 instances" in str(result.error)
    assert not list((tmp_path / "out").glob("*"))
