"""``ais-app filter`` as a person types it."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ais_app.core.filters import filters
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.tomogram import Tomogram

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tomogram(tmp_path, rng):
    grey = rng.normal(0, 1, (6, 30, 20)).astype(np.float32)
    return write_volume(tmp_path / "TS_01.mrc", grey, like=Tomogram(grey, (10.0,) * 3))


def test_one_filter_with_a_parameter(ais, tomogram, tmp_path):
    code, out, err = ais("filter", tomogram, tmp_path / "out.mrc", "--filter", "gaussian", "--param", "sigma=20")
    assert (code, err) == (0, "")
    assert "gaussian -> " in out
    truth = gaussian_filter(open_tomogram(tomogram).read(), [0, 2, 2], mode="nearest")
    np.testing.assert_allclose(open_tomogram(tmp_path / "out.mrc").read(), truth, atol=1e-5)


def test_a_chain_into_a_folder(ais, tomogram, tmp_path):
    chain = ["--filter", "median:radius=10", "--filter", "gaussian:sigma=15,three_d=yes"]
    code, out, _ = ais("filter", tomogram, "-o", tmp_path / "out", *chain)
    assert code == 0
    assert "median then gaussian" in out
    assert (tmp_path / "out" / "TS_01.mrc").exists()
    code, out, _ = ais("filter", tomogram, "-o", tmp_path / "out", *chain, "--skip-existing")
    assert (code, "there already" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--filter", "gausian"], "did you mean gaussian"),
        (["--filter", "gaussian", "--param", "sgma=3"], "did you mean sigma"),
        (["--filter", "gaussian", "--param", "sigma=x"], "ais-app filter --filters"),
        (["--filter", "gaussian", "--param", "sigma=-4"], "choose 0 to 1000 Å"),
        (["--filter", "gaussian", "--filter", "median", "--param", "sigma=4"], "--filter gaussian:sigma=4"),
    ],
)
def test_mistakes_are_said_in_one_line(ais, tomogram, tmp_path, arguments, says):
    code, _, err = ais("filter", tomogram, tmp_path / "out.mrc", *arguments)
    assert code == 1
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out.mrc").exists()


def test_an_output_must_be_named(ais, tomogram):
    code, _, err = ais("filter", tomogram, "--filter", "median")
    assert (code, "IN OUT" in err) == (1, True)


def test_the_filters_are_listed_with_their_parameters(ais):
    code, out, _ = ais("filter", "--filters")
    assert code == 0
    for known in filters().values():
        assert f"{known.name}: {known.title}" in out
        for name in known.params.__dataclass_fields__:
            assert f"    {name}" in out


def test_the_page_of_the_filters_knows_them_all():
    page = (DOCS / "filters.md").read_text(encoding="utf-8")
    for known in filters().values():
        row = re.search(rf"^\| `{known.name}` \|.*$", page, re.M)
        assert row, known.name
        for name, field in known.params.__dataclass_fields__.items():
            default = field.default if isinstance(field.default, bool | str) else f"{field.default:g}"
            assert name == "three_d" or f"`{name}` {default}" in row[0], (known.name, name)
