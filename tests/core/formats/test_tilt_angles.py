"""Tilts from the files of IMOD, SerialEM, AreTomo and RELION."""

from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import FileProblem
from ais_app.core.formats.tilt_angles import read_tilt_angles

TILTS = Path(__file__).parents[2] / "data" / "tilts"


@pytest.mark.parametrize(
    ("name", "count", "low", "high"),
    [
        ("TS_run1.rawtlt", 4, -4.38, 2.013),
        ("mka2018-10-01-1.tlt", 59, -52.24, 63.76),
        ("tilt.com", 59, -52.24, 63.76),
        ("TS_run1.mdoc", 5, -4.38, 4.28402),
        ("test.aln", 4, -61.5, -57.0),
        ("13pf_MT.star", 5, -60.1, 59.9),
    ],
)
def test_published_files(name, count, low, high):
    tilts = read_tilt_angles(TILTS / name)
    assert len(tilts) == count
    assert (tilts.min(), tilts.max()) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def write(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def test_angles_within_imods_command_file(tmp_path):
    text = "$tilt -StandardInput\nANGLES -60,-30,0\nANGLES 30,60\nEXCLUDELIST 1-2\nEXCLUDELIST2 5\nTHICKNESS 300\n"
    np.testing.assert_array_equal(read_tilt_angles(write(tmp_path, "tilt.com", text)), [0, 30])


def test_further_columns_and_comments_are_no_tilts(tmp_path):
    text = "# tilt dose\n-3.0 1.5\n\n 0.0 1.5\n3 1.5\n"
    np.testing.assert_array_equal(read_tilt_angles(write(tmp_path, "a.txt", text)), [-3, 0, 3])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.tlt", "", "no tilts"),
        ("a.tlt", "one\n", "no number"),
        ("a.tlt", "1.0\nnan\n", "no tilt"),
        ("a.rawtlt", "-60\n2000\n", "2000"),
        ("a.mdoc", "PixelSpacing = 3\n", "no tilts"),
        ("a.mdoc", "TiltAngle = steep\n", "no number"),
        ("a.com", "$tilt\nTHICKNESS 3\n", "names no tilts"),
        ("a.com", "TILTFILE b.tlt\n", "not beside it"),
        ("a.com", "ANGLES 1,2,3\nEXCLUDELIST x-y\n", "list of views"),
        ("a.aln", "# nothing\n1 2 3\n", "no column TILT"),
        ("a.star", "data_\n\nloop_\n_rlnCoordinateX #1\n1\n2\n", "not the table"),
        ("a.mrc", "", "no file of tilts"),
    ],
)
def test_files_that_hold_no_tilts(tmp_path, name, text, words):
    with pytest.raises(FileProblem, match=words):
        read_tilt_angles(write(tmp_path, name, text))


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(FileProblem, match="no such file"):
        read_tilt_angles(tmp_path / "a.tlt")
