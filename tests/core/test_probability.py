"""Probabilities survive the disk, and what is none is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.probability import ENCODINGS, create_probabilities, decode, encode, open_probabilities
from ais_app.core.tomogram import Tomogram

STEP = {"int8": 0.5 / 127, "uint8": 0.5 / 255, "float16": 0.5e-3, "float32": 0.0}


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(p=arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)))
def test_encoding_errs_by_half_a_step_at_most(encoding: str, p: np.ndarray) -> None:
    stored = encode(p, encoding)
    label = [f"probability: 0 to 1 stored as 0 to { {'int8': 127, 'uint8': 255}.get(encoding, 1) }"]
    assert stored.dtype == encoding
    np.testing.assert_allclose(decode(stored, labels=label), p, atol=STEP[encoding] + 1e-6)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("top", [1.0, 0.006])
def test_a_map_on_disk_reads_back(tmp_path: Path, rng: np.random.Generator, encoding: str, top: float) -> None:
    p = (rng.random((5, 6, 7)) * top).astype(np.float32)  # at 0.006, int8 holds only 0 and 1, as a mask would
    path = tmp_path / "p.mrc"
    with create_probabilities(path, p.shape, encoding, like=Tomogram(p, (10.0,) * 3), label="segment") as writer:
        writer.write(3, p[3:])
        writer.write(0, p[:3])
    read = open_probabilities(path)
    assert read.data.dtype == np.float32
    assert read.labels[0] == "segment"
    np.testing.assert_allclose(read.read(), p, atol=STEP[encoding] + 1e-6)
    np.testing.assert_allclose(read.slab(2, 3), p[1:4], atol=STEP[encoding] + 1e-6)


@pytest.mark.parametrize(
    ("stored", "half"),
    [
        (np.array([0, 64, 127], np.int8), 64 / 127),
        (np.array([0, 128, 255], np.uint8), 128 / 255),
        (np.array([0, 128, 255], np.uint16), 128 / 255),
        (np.array([0, 128, 255], np.int16), 128 / 255),
        (np.array([0, 128, 255], np.float32), 128 / 255),
        (np.array([0, 0.5, 1], np.float32), 0.5),
        (np.array([0, 1, 1], np.int8), 1.0),
        (np.array([-1e-4, 0.5, 1.0005], np.float32), 0.5),
    ],
)
def test_the_scale_is_recognised(stored: np.ndarray, half: float) -> None:
    p = decode(stored)
    assert p.dtype == np.float32
    assert (p[0], p[2]) == (0.0, 1.0)
    assert p[1] == pytest.approx(half)


@pytest.mark.parametrize("values", [[-3.0, 8.0], [0.0, 60000.0], [-1.0, 1.0], [0.0, np.nan], [0.0, 3.5]])
def test_what_is_no_probability_is_refused_with_its_range(tmp_path: Path, values: list[float]) -> None:
    path = write_volume(tmp_path / "score.mrc", np.full((1, 2, 2), values, np.float32))
    with pytest.raises(FileProblem, match=r"score\.mrc.*(no probability map|no finite number)"):
        open_probabilities(path)


def test_int8_that_is_negative_is_no_probability() -> None:
    with pytest.raises(FileProblem, match="-128 to 127"):
        decode(np.array([-128, 127], np.int8))


def test_not_a_number_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "p.mrc"
    with (
        pytest.raises(ParameterProblem, match="NaN"),
        create_probabilities(path, (1, 2, 2)) as writer,
    ):
        writer.write(0, np.full((1, 2, 2), np.nan))
    assert list(tmp_path.iterdir()) == []


def test_an_encoding_that_is_not_known_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParameterProblem, match="int8, uint8, float16, float32"):
        encode(np.zeros(3), "int4")


def test_uint8_lies_in_mode_6(tmp_path: Path) -> None:
    with create_probabilities(tmp_path / "p.mrc", (1, 2, 2), "uint8") as writer:
        writer.write(0, np.ones((2, 2)))
    raw = open_tomogram(tmp_path / "p.mrc").read()
    assert raw.dtype == np.uint16
    assert raw.max() == 255
