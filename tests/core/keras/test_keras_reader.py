"""Files of Keras that are not what they seem: damaged, leading elsewhere, or running what they should not."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest
from plain_network import assert_same, plain, read, weights_of

from ais_app.core.errors import ModelProblem
from ais_app.core.keras import reader
from ais_app.core.keras.network import network_of, read_keras
from ais_app.core.keras.reader import contents
from ais_app.core.model.card import ModelCard


def test_a_file_that_is_no_hdf5():
    for content in (b"", b"nothing", b"\x89HDF\r\n\x1a\n" + bytes(100)):
        with pytest.raises(ModelProblem, match="cannot be read as a network of Keras"):
            read_keras(io.BytesIO(content), "test.h5", ModelCard(""))


def test_weights_alone_are_not_enough():
    with pytest.raises(ModelProblem, match="weights alone are not enough"):
        read(None, weights_of(plain()))


def changed(change) -> io.BytesIO:
    stream = plain().hdf5()
    with h5py.File(stream, "r+") as file:
        change(file["model_weights/conv2d_1"])
    stream.seek(0)
    return stream


def replace(make):
    def change(group):
        del group["conv2d_1/kernel:0"]
        make(group["conv2d_1"])

    return change


@pytest.mark.parametrize(("change", "words"), [
    (replace(lambda g: None), "missing, or leads out of the file"),
    (replace(lambda g: g.__setitem__("kernel:0", h5py.ExternalLink("/etc/hostname", "/x"))), "leads out of the file"),
    (replace(lambda g: g.__setitem__("kernel:0", h5py.SoftLink("/model_weights"))), "leads out of the file"),
    (replace(lambda g: g.create_dataset("kernel:0", (3, 3, 2, 3), "f4", external=[("/etc/passwd", 0, 216)])),
     "no plain array"),
    (replace(lambda g: g.create_dataset("kernel:0", (3, 3, 2, 3), "i4")), "no plain array"),
    (replace(lambda g: g.create_dataset("kernel:0", (3, 3, 2, 3), h5py.string_dtype())), "no plain array"),
    (replace(lambda g: g.create_group("kernel:0")), "no plain array"),
    (replace(lambda g: g.create_dataset("kernel:0", (10**6, 10**6, 2, 3), "f4", chunks=(9, 9, 1, 1))),
     "numbers; all weights"),
    (replace(lambda g: g.create_dataset("kernel:0", (2, 3, 3, 3), "f4")), r"shape \(3, 3, 2, 3\) where \(3, 2, 3, 3\)"),
    (replace(lambda g: g.create_dataset("kernel:0", (3, 3, 2, 3), "f4", fillvalue=np.nan)), "not finite"),
    (lambda g: g.attrs.__delitem__("weight_names"), "kernel are not in the file"),
    (lambda g: g.attrs.__setitem__("weight_names", [b"../../conv2d_0/conv2d_0/kernel:0"]), "leads out of the file"),
])  # fmt: skip
def test_weights_that_lead_elsewhere_or_do_not_fit(change, words):
    with pytest.raises(ModelProblem, match=words):
        network_of(contents(changed(change)), "test.h5", ModelCard(""))


def test_every_truncation_is_said(rng):
    content = plain().hdf5().getvalue()
    for size in rng.integers(0, len(content), 6):
        with pytest.raises(ModelProblem):
            read_keras(io.BytesIO(content[:size]), "test.h5", ModelCard(""))


def test_changed_bytes_give_a_network_or_an_error(rng):
    content = plain().hdf5().getvalue()
    for _ in range(8):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 60):
            damaged[place] = rng.integers(256)
        try:
            read_keras(io.BytesIO(bytes(damaged)), "test.h5", ModelCard(""))
        except ModelProblem as error:
            assert error.subject == "test.h5"


def test_damage_that_ends_the_library_does_not_end_the_program(monkeypatch):
    monkeypatch.setattr(reader, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGABRT)")
    with pytest.raises(ModelProblem, match="HDF5 is damaged"):
        read_keras(plain().hdf5(), "test.h5", ModelCard(""))


def test_a_child_that_takes_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(reader, "_CHILD", "import time; time.sleep(60)")
    monkeypatch.setattr(reader, "SECONDS", 0.5)
    with pytest.raises(ModelProblem, match="could not be read in 0.5 seconds"):
        read_keras(plain().hdf5(), "test.h5", ModelCard(""))


def test_nothing_is_imported_from_the_folder_one_is_in(monkeypatch, tmp_path):
    (tmp_path / "h5py.py").write_text("open('ran', 'w')")
    (tmp_path / "json.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    network = plain()
    assert_same(read_keras(network.hdf5(), "test.h5", ModelCard("")), network)
    assert not (tmp_path / "ran").exists()
