"""`ais-app simulate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ais_app import open_tomogram

Ais = Callable[..., tuple[int, str, str]]
SMALL = ("--shape", "32,60,60", "--n-microtubules", "0", "--n-double-membranes", "0", "--n-sheets", "0")
SMALL += ("--n-vesicles", "1", "--vesicle-radius", "150,200", "--complex", "clpp=3", "--complex", "p97=2")


def test_the_spelling_that_scripts_depend_on(ais: Ais, tmp_path: Path) -> None:
    out = tmp_path / "phantom"
    code, text, _ = ais(
        "simulate", out, "--seed", 5, "--shape", "32,60,50", "--voxel-size", 12.5, "--snr", 0.3, "--tilt", 60, "--json"
    )
    assert code == 0
    summary = json.loads(text)
    tomogram = open_tomogram(summary["tomogram"])
    assert tomogram.shape == (32, 60, 50)
    assert tomogram.voxel_size == pytest.approx(12.5)
    assert Path(summary["tomogram"]) == out / "tomogram.mrc"
    assert Path(summary["labels"]) == out / "labels.mrc"
    assert all(Path(path).is_file() for path in [*summary["masks"].values(), *summary["coordinates"].values()])
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    assert truth["parameters"]["snr"] == 0.3 and truth["parameters"]["tilt"] == 60 and truth["seed"] == 5


def test_contents_are_options(ais: Ais, tmp_path: Path) -> None:
    code, text, _ = ais("simulate", tmp_path, *SMALL, "--no-carbon", "--n-actin", 0, "--n-beads", 0, "--snr", "inf")
    assert code == 0
    assert "3 clpp" in text and "2 p97" in text and "1 vesicle" in text and "gold" not in text
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert truth["snr"] is None
    assert set(truth["labels"]) == {"membrane", "clpp", "p97"}
    assert np.isfinite(open_tomogram(tmp_path / "tomogram.mrc").read()).all()


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        (("--complex", "ribozome"), 1, "known: "),
        (("--shape", "32,60"), 2, "shape"),
        (("--shape", "0,60,60"), 1, "out of bounds"),
        (("--shape", "4000,4000,4000"), 1, "in memory"),
        (("--voxel-size", "nan"), 2, "voxel-size"),
        (("--snr", "0"), 2, "snr"),
        (("--seed", "-1"), 2, "seed"),
        (("--vesicle-radius", "300,200"), 1, "smallest, largest"),
    ],
)
def test_wrong_options_say_what_and_leave_nothing(
    ais: Ais, tmp_path: Path, wrong: tuple[str, str], code: int, said: str
) -> None:
    out = tmp_path / "out"
    found, _, error = ais("simulate", out, *wrong)
    assert found == code
    assert said in error and "Traceback" not in error
    assert not out.exists()
