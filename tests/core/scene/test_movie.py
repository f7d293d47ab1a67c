import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from matplotlib.image import imread

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.scene.movie import write_movie_job


def frames(count=12, height=60, width=80):
    """Yield a white square that moves over a blue ground."""
    for i in range(count):
        frame = np.full((height, width, 3), (20, 40, 160), dtype=np.uint8)
        frame[20:40, 4 * i : 4 * i + 20] = 255
        yield frame


def decoded(path, size):
    """Return all frames of a film, (n, h, w, 3), as ffmpeg reads it at a fixed speed of 25."""
    words = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        path,
        "-r",
        "25",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
    ]
    data = subprocess.run([*words, "-"], capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, *size, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
@pytest.mark.parametrize("size", [(60, 80), (61, 83)])
def test_films_hold_the_frames(tmp_path, suffix, size):
    height, width = size
    seen = []
    path, count = run(write_movie_job(frames(12, height, width), tmp_path / f"film{suffix}", 25, count=12), seen.append)
    assert count == 12
    assert [(step.done, step.total) for step in seen][-1] == (12, 12)
    odd = suffix == ".gif"
    film = decoded(path, size if odd else (height + height % 2, width + width % 2))
    assert len(film) == 12
    wanted = np.stack(list(frames(12, height, width))).astype(int)
    assert np.abs(film[:, :height, :width].astype(int) - wanted).mean() < 3
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_folder_of_pictures(tmp_path):
    path, count = run(write_movie_job(frames(11), tmp_path / "film"))
    assert count == 11
    names = sorted(file.name for file in path.iterdir())
    assert (names[0], names[-1]) == ("frame_0001.png", "frame_0011.png")
    np.testing.assert_array_equal(
        np.stack([np.rint(255 * imread(path / name))[..., :3] for name in names]), list(frames(11))
    )
    run(write_movie_job(frames(3), path))
    assert len(list(path.iterdir())) == 3
    (path / "thesis.docx").touch()
    with pytest.raises(FileProblem, match="other files"):
        run(write_movie_job(frames(3), path))
    (tmp_path / "file").touch()
    with pytest.raises(FileProblem, match="is a file"):
        run(write_movie_job(frames(3), tmp_path / "file"))


@pytest.mark.parametrize("name", ["film.mp4", "film.gif", "film"])
def test_what_is_stopped_leaves_nothing(tmp_path, name):
    with pytest.raises(JobCancelled):
        run(write_movie_job(frames(), tmp_path / name), stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["film.mp4", "film"])
def test_a_drawing_that_fails_leaves_the_old_film(tmp_path, name):
    run(write_movie_job(frames(2), tmp_path / name))
    before = sorted(tmp_path.rglob("*"))

    def broken():
        yield from frames(2)
        raise RuntimeError("the window is gone")

    with pytest.raises(RuntimeError, match="is gone"):
        run(write_movie_job(broken(), tmp_path / name))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("after", ["head -c 20000 > /dev/null;", "cat > /dev/null;"])
def test_a_full_disk_is_said(tmp_path, monkeypatch, after):
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{after} echo '[out] first'>&2; echo 'No space left on device'>&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))
    with pytest.raises(FileProblem, match=r"film.mp4: cannot be written \(No space left on device\)"):
        run(write_movie_job(frames(200), tmp_path / "film.mp4"))
    assert [file.name for file in tmp_path.iterdir()] == ["ffmpeg"]
    with pytest.raises(FileProblem, match="cannot be written"):
        run(write_movie_job(frames(), program / "film.mp4"))


def test_no_ffmpeg_for_this_machine(tmp_path, monkeypatch):
    def missing():
        raise RuntimeError("no binary")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(FileProblem, match="save PNG files"):
        run(write_movie_job(frames(), tmp_path / "film.mp4"))
    assert run(write_movie_job(frames(), tmp_path / "film"))[1] == 12


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (lambda path: write_movie_job([], path / "film.mp4"), "there are none"),
        (lambda path: write_movie_job(frames(), path / "film.avi"), "is no film"),
        (lambda path: write_movie_job(frames(), path / "film.mp4", 0), "cannot be played"),
        (lambda path: write_movie_job([np.zeros((4, 4))], path / "film.mp4"), "is no picture"),
        (lambda path: write_movie_job([*frames(1), *frames(1, 30, 30)], path / "film.mp4"), "30 x 30 pixels"),
    ],
)
def test_what_is_no_film(tmp_path, wrong, problem):
    with pytest.raises(ParameterProblem, match=problem):
        run(wrong(tmp_path))
    assert list(tmp_path.iterdir()) == []
