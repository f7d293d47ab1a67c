"""The networks that come with the program: whole, small, and of use."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ais_app
from ais_app.core.jobs import run
from ais_app.core.model.package import load_model
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab
from ais_app.core.training.metrics import scores
from ais_app.core.volume.blocks import Inverted
from ais_app.core.zoo.places import shipped_folder, shipped_zoo

pytestmark = pytest.mark.usefixtures("one_thread")
REAL = Path(__file__).parents[2] / "data" / "microtubules"
TORCH = PredictionParams(engine="torch")


def shipped(name):
    return load_model(shipped_folder() / f"{name}.aismodel")


def test_three_networks_below_15_megabytes(tmp_path):
    zoo = shipped_zoo()
    entries = zoo.index().entries
    assert {entry.name for entry in entries} == {"membrane", "microtubule", "ribosome"}
    assert sum(entry.size for entry in entries) < 15e6
    for entry in entries:  # a download is checked against the index, so the files are those that were scored
        fetched = run(zoo.download_job(entry, tmp_path))
        assert load_model(fetched).card.feature == entry.feature


def test_a_real_microtubule_is_found_by_what_learnt_from_simulated_ones():
    tomogram = ais_app.open_tomogram(REAL / "cylindra_13pf_MT.tif")
    dark = replace(tomogram, data=Inverted(tomogram.data))
    clicks = np.array(json.loads((REAL / "clicks.json").read_text())["cylindra_13pf_MT"]) * 10
    z, y, x = np.rint(clicks[1] / np.array(tomogram.require_voxel_size_zyx())).astype(int)
    found = predict_slab(shipped("microtubule"), dark, int(z), params=TORCH)
    assert found[y - 3 : y + 4, x - 3 : x + 4].min() > 0.8
    assert 0.1 < (found > 0.5).mean() < 0.5
    bright = predict_slab(shipped("microtubule"), tomogram, int(z), params=TORCH)
    assert bright[y - 3 : y + 4, x - 3 : x + 4].max() < 0.5


@pytest.mark.parametrize("name", ["membrane", "ribosome"])
def test_an_unseen_phantom(name, tmp_path):
    ais_app.simulate(tmp_path / "p", ais_app.SimulateParams(shape=(32, 160, 160), snr=0.5), 77)
    tomogram = ais_app.open_tomogram(tmp_path / "p" / "tomogram.mrc")
    truth = (ais_app.open_tomogram(tmp_path / "p" / f"{name}.mrc").read() > 0).astype(np.uint8)
    z = int(truth.sum((1, 2)).argmax())
    assert scores(predict_slab(shipped(name), tomogram, z, params=TORCH), truth[z]).dice > 0.6
