"""Films of the scene: frames in, an MP4, a GIF or a folder of PNG files out, whole or not there.

The frames come from an iterator, one at a time, so that the window draws each when it is asked for; nothing but the
frame at hand is in memory.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.jobs import Job, Progress

SUFFIXES = (".mp4", ".gif", "")  # the last: a folder of PNG files
_MP4 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "17", "-preset", "medium", "-movflags", "+faststart"]
# a palette of its own for each frame
_GIF = ["-filter_complex", "[0:v]split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"]


def write_movie_job(
    frames: Iterable[np.ndarray], path: str | Path, fps: float = 30.0, *, count: int = 0
) -> Job[tuple[Path, int]]:
    """Write a film as a job, one frame between two looks at whether to go on.

    Parameters
    ----------
    frames
        (h, w, 3) uint8, red green blue, the top row first; all of one size.
    path
        ``.mp4`` (H.264, plays everywhere), ``.gif``, or a name without suffix: a folder of ``frame_0001.png`` and so
        on, which replaces one with frames of before and nothing else.
    fps
        Frames per second.
    count
        How many frames will come, for the progress; 0 where that is not known.

    Returns
    -------
    path, count
        The film and how many frames it has.

    Raises
    ------
    ParameterProblem
        No frame comes, frames differ in size, or the suffix or the speed is none of a film.
    FileProblem
        The film cannot be written, or the folder holds other files.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ParameterProblem(path, f"{path.suffix} is no film", "choose .mp4, .gif, or no suffix for PNG files")
    if not 0 < fps <= 240:
        raise ParameterProblem("fps", f"{fps:g} frames per second cannot be played", "choose up to 240")
    if not path.suffix:
        _check_folder(path)
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise ParameterProblem("frames", "there are none")
    height, width = _checked(first, None).shape[:2]
    done = 0
    with replacing(path) as part, _writer(path, part, width, height, fps) as write:
        for frame in itertools.chain([first], remaining):
            write(_checked(frame, (height, width)))
            done += 1
            yield Progress(done, count, f"frame {done}")
    return path, done


def _checked(frame: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
        raise ParameterProblem("frame", f"{frame.shape} {frame.dtype} is no picture", "give (h, w, 3) uint8")
    if size is not None and frame.shape[:2] != size:
        problem = f"one has {frame.shape[1]} x {frame.shape[0]} pixels, the first {size[1]} x {size[0]}"
        raise ParameterProblem("frames", problem, "do not resize the window while it is filmed")
    return frame


@contextmanager
def _writer(path: Path, part: Path, width: int, height: int, fps: float) -> Iterator[Callable[[np.ndarray], None]]:
    """Give a function that takes frames; what it writes is complete when the block ends without an error."""
    if not path.suffix:
        part.mkdir()
        yield _folder(part)
        return
    is_gif = path.suffix.lower() == ".gif"
    # H.264 stores colour for squares of four pixels
    right, below = (0, 0) if is_gif else (width % 2, height % 2)
    size = f"{width + right}x{height + below}"
    words = [_ffmpeg(path), "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", f"{fps:g}"]
    words += ["-i", "-", *(_GIF if is_gif else _MP4), str(part)]
    with tempfile.TemporaryFile() as said, _started(words, said) as process:
        assert process.stdin is not None  # it is a pipe

        def write(frame: np.ndarray) -> None:
            padded = np.pad(frame, [(0, below), (0, right), (0, 0)], mode="edge") if right or below else frame
            try:
                process.stdin.write(np.ascontiguousarray(padded).data)  # type: ignore[union-attr]
            except BrokenPipeError:
                raise _failed(path, process, said) from None

        yield write
        process.stdin.close()
        if process.wait():
            raise _failed(path, process, said)


@contextmanager
def _started(words: list[str], said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that is fed through a pipe; it is ended where the block is left early."""
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows a console would flash up
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": said}
    process = subprocess.Popen(words, creationflags=no_window, **pipes)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it was killed with bytes still in the pipe
                process.stdin.close()


def _failed(path: Path, process: subprocess.Popen[bytes], said: IO[bytes]) -> FileProblem:
    process.wait()
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines() or [f"code {process.returncode}"]
    return FileProblem(path, f"cannot be written ({lines[-1]})", "choose another folder or make room")


def _ffmpeg(path: Path) -> str:
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        remedy = "install ffmpeg, or save PNG files: a name without suffix"
        raise FileProblem(path, "cannot be written: there is no ffmpeg", remedy) from error


def _folder(part: Path) -> Callable[[np.ndarray], None]:
    from matplotlib.image import imsave

    numbers = itertools.count(1)

    def write(frame: np.ndarray) -> None:
        imsave(part / f"frame_{next(numbers):04d}.png", frame)

    return write


def _check_folder(path: Path) -> None:
    """Refuse to replace a folder that holds anything but frames."""
    if path.is_dir() and any(not (file.name.startswith("frame_") and file.suffix == ".png") for file in path.iterdir()):
        raise FileProblem(path, "is a folder with other files", "choose a new name")
    if path.is_file():
        raise FileProblem(path, "is a file", "choose a new name")
